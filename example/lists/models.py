from django.conf import settings
from django.db import models
from django.urls import reverse

from .attachments import store_path


class TodoListQuerySet(models.QuerySet):
    def with_progress(self):
        """Adds `total` and `done`, the numbers of to-dos in each list."""
        return self.annotate(
            total=models.Count("todos"),
            done=models.Count("todos", filter=models.Q(todos__done=True)),
        )


class TodoList(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="todo_lists")
    name = models.CharField(max_length=80)
    shared = models.BooleanField("show it on the front page", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TodoListQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("lists:detail", args=[self.pk])


class Todo(models.Model):
    todo_list = models.ForeignKey(TodoList, on_delete=models.CASCADE, related_name="todos")
    text = models.CharField(max_length=200)
    done = models.BooleanField(default=False)
    attachment = models.FileField(upload_to=store_path, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.text

    @property
    def has_picture(self) -> bool:
        return bool(self.attachment) and not self.attachment.name.endswith(".pdf")
