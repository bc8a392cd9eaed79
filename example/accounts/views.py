from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.generic import FormView

from .forms import DeleteAccountForm


class SignUpView(FormView):
    """Makes an account and logs its owner in."""

    form_class = UserCreationForm
    template_name = "accounts/signup.html"
    success_url = reverse_lazy("lists:mine")

    def dispatch(self, request, *args, **kwargs):
        if request.user.is_authenticated:
            return redirect(self.success_url)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form):
        user = form.save()
        login(self.request, user)
        messages.success(self.request, f"Welcome, {user.get_username()}. Start with a list.")
        return super().form_valid(form)


class DeleteAccountView(LoginRequiredMixin, FormView):
    """Deletes the account with all its lists, to-dos and attachments."""

    form_class = DeleteAccountForm
    template_name = "accounts/delete.html"
    success_url = reverse_lazy("lists:home")

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "user": self.request.user}

    def form_valid(self, form):
        logout(self.request)
        form.user.delete()
        messages.success(self.request, "Your account and everything in it is deleted.")
        return super().form_valid(form)
