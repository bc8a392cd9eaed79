from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.views.generic import CreateView, DeleteView, TemplateView, View

from . import shared
from .attachments import ALLOWED
from .forms import SearchForm, TodoForm, TodoListForm
from .models import Todo, TodoList

RESULTS_SHOWN = 50


class HomeView(TemplateView):
    """The public page: what this is, and the lists that people share."""

    template_name = "lists/home.html"

    def get(self, _request, **kwargs):
        piece = shared.current()
        response = self.render_to_response(self.get_context_data(shared_lists=piece.html, **kwargs))
        response["X-Page-Cache"] = "hit" if piece.from_cache else "miss"
        return response


class OwnListsMixin(LoginRequiredMixin):
    """Other people's lists are not found, whether they exist or not."""

    def get_queryset(self):
        return TodoList.objects.filter(owner=self.request.user)

    def own_list(self) -> TodoList:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])


class MineView(OwnListsMixin, CreateView):
    form_class = TodoListForm
    template_name = "lists/mine.html"

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "owner": self.request.user}

    def get_context_data(self, **kwargs):
        return super().get_context_data(todo_lists=self.get_queryset().with_progress(), **kwargs)


class DetailView(OwnListsMixin, CreateView):
    """A list with its to-dos, and the form that adds one."""

    form_class = TodoForm
    template_name = "lists/detail.html"

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        # Strangers are sent to the login by dispatch, which comes next.
        self.todo_list = self.own_list() if request.user.is_authenticated else None

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "todo_list": self.todo_list}

    def get_context_data(self, **kwargs):
        todos = list(self.todo_list.todos.all())
        return super().get_context_data(
            todo_list=self.todo_list,
            todos=todos,
            done=sum(todo.done for todo in todos),
            allowed=ALLOWED,
            **kwargs,
        )

    def get_success_url(self):
        return self.todo_list.get_absolute_url()


class ShareView(OwnListsMixin, View):
    """Puts a list on the front page, or takes it off."""

    http_method_names = ("post",)

    def post(self, request, **_kwargs):
        todo_list = self.own_list()
        todo_list.shared = not todo_list.shared
        todo_list.save(update_fields=["shared"])
        where = "is on the front page now" if todo_list.shared else "is yours alone again"
        messages.success(request, f"“{todo_list}” {where}.")
        return redirect(todo_list)


class DeleteListView(OwnListsMixin, DeleteView):
    template_name = "lists/delete.html"
    context_object_name = "todo_list"
    success_url = reverse_lazy("lists:mine")

    def form_valid(self, form):
        messages.success(self.request, f"“{self.object}” is deleted.")
        return super().form_valid(form)


class OwnTodoView(LoginRequiredMixin, View):
    """A change of one to-do, after which its list is shown again."""

    http_method_names = ("post",)

    def post(self, request, pk, **_kwargs):
        todo = get_object_or_404(
            Todo.objects.select_related("todo_list"), pk=pk, todo_list__owner=request.user
        )
        self.change(todo)
        return redirect(todo.todo_list)

    def change(self, todo: Todo) -> None:
        raise NotImplementedError


class TickView(OwnTodoView):
    """Sets what the pressed button says, so that a second press of an old page changes nothing."""

    def change(self, todo):
        todo.done = self.request.POST.get("done") == "yes"
        todo.save(update_fields=["done"])


class DeleteTodoView(OwnTodoView):
    def change(self, todo):
        todo.delete()
        messages.success(self.request, f"“{todo}” is deleted.")


class SearchView(LoginRequiredMixin, TemplateView):
    template_name = "lists/search.html"

    def get_context_data(self, **kwargs):
        form = SearchForm(self.request.GET) if "q" in self.request.GET else SearchForm()
        if form.is_valid():
            kwargs["query"] = form.cleaned_data["q"]
            kwargs["todos"] = Todo.objects.filter(
                todo_list__owner=self.request.user, text__icontains=kwargs["query"]
            ).select_related("todo_list")[:RESULTS_SHOWN]
        return super().get_context_data(form=form, **kwargs)
