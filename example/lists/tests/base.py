import tempfile

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase

from lists.models import Todo, TodoList

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d4944415478da63646060f80f0001040100"
    "5fe5c34b0000000049454e44ae426082"
)


def upload(name="pixel.png", content=PNG):
    return SimpleUploadedFile(name, content)


class ListsTestCase(TestCase):
    """Ada is logged in and has a list; uploads go to a folder that goes away."""

    def setUp(self):
        cache.clear()
        media = tempfile.TemporaryDirectory()
        self.addCleanup(media.cleanup)
        self.media = media.name
        self.enterContext(self.settings(MEDIA_ROOT=media.name))
        self.ada = get_user_model().objects.create_user("ada")
        self.client.force_login(self.ada)
        self.chores = TodoList.objects.create(owner=self.ada, name="Chores")

    def post(self, path, data=None, **more):
        """Posts, and runs what waits for the commit."""
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(path, data or {}, **more)

    def add_todo(self, text="Scrub the deck", **more) -> Todo:
        return Todo.objects.create(todo_list=self.chores, text=text, **more)
