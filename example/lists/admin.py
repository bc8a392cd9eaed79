from django.contrib import admin

from .models import Todo, TodoList


@admin.register(TodoList)
class TodoListAdmin(admin.ModelAdmin):
    list_display = ("name", "owner", "shared", "created_at")
    list_filter = ("shared",)
    search_fields = ("name", "owner__username")


@admin.register(Todo)
class TodoAdmin(admin.ModelAdmin):
    list_display = ("text", "todo_list", "done")
    list_filter = ("done",)
    search_fields = ("text",)
