from django import forms
from django.conf import settings

from . import attachments
from .models import Todo, TodoList


class TodoListForm(forms.ModelForm):
    """A new list of `owner`."""

    class Meta:
        model = TodoList
        fields = ("name", "shared")
        labels = {"name": "Name of the new list"}
        error_messages = {"name": {"required": "A list needs a name."}}
        widgets = {"name": forms.TextInput(attrs={"placeholder": "Before we sail", "autocomplete": "off"})}

    def __init__(self, *args, owner, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.owner = owner

    def clean_name(self):
        name = self.cleaned_data["name"]
        if self.instance.owner.todo_lists.filter(name=name).exists():
            raise forms.ValidationError("You already have a list of this name.")
        return name


class TodoForm(forms.ModelForm):
    """A new to-do in `todo_list`."""

    class Meta:
        model = Todo
        fields = ("text", "attachment")
        labels = {"text": "What is to do?", "attachment": "Picture or PDF"}
        error_messages = {"text": {"required": "An empty to-do is too easy."}}
        widgets = {"text": forms.TextInput(attrs={"placeholder": "Check the rigging", "autocomplete": "off"})}

    def __init__(self, *args, todo_list, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.todo_list = todo_list
        self.fields["attachment"].widget = forms.FileInput(
            attrs={"accept": attachments.ACCEPT, "data-max-bytes": settings.ATTACHMENT_MAX_BYTES}
        )

    def clean_text(self):
        text = self.cleaned_data["text"]
        if self.instance.todo_list.todos.filter(text=text).exists():
            raise forms.ValidationError("This is already on the list.")
        return text

    def clean_attachment(self):
        upload = self.cleaned_data["attachment"]
        if upload:
            attachments.check(upload)
        return upload


class SearchForm(forms.Form):
    # A field, and not the bare parameter: it refuses what a database would choke on.
    q = forms.CharField(
        label="Search your to-dos",
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
