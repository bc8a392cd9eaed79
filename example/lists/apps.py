from django.apps import AppConfig


class ListsConfig(AppConfig):
    name = "lists"

    def ready(self) -> None:
        from . import signals  # noqa: F401  (connects the receivers)
