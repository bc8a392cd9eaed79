"""What has to happen elsewhere when lists and to-dos change."""

from functools import partial

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from . import shared
from .models import Todo, TodoList


@receiver([post_save, post_delete], sender=TodoList)
@receiver([post_save, post_delete], sender=Todo)
def forget_the_shared_page(**_kwargs) -> None:
    transaction.on_commit(shared.forget)


@receiver(post_delete, sender=Todo)
def delete_the_attachment(instance: Todo, **_kwargs) -> None:
    if instance.attachment:
        file = instance.attachment
        transaction.on_commit(partial(file.storage.delete, file.name))
