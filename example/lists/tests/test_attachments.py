from pathlib import Path

from django.test import SimpleTestCase
from django.urls import reverse

from lists.attachments import kind_of
from lists.models import Todo

from .base import ListsTestCase, upload


class KindTest(SimpleTestCase):
    def test_the_content_decides(self):
        heads = {
            b"\x89PNG\r\n\x1a\n": "png",
            b"\xff\xd8\xff\xe0": "jpg",
            b"GIF89a": "gif",
            b"RIFF\x00\x00\x00\x00WEBP": "webp",
            b"%PDF-1.7": "pdf",
            b"RIFF\x00\x00\x00\x00WAVE": None,
            b"<svg xmlns=": None,
            b"": None,
        }
        for head, kind in heads.items():
            with self.subTest(head):
                self.assertEqual(kind_of(head), kind)


class AttachmentTest(ListsTestCase):
    def add(self, **more):
        return self.post(self.chores.get_absolute_url(), {"text": "Look", **more}, follow=True)

    def stored(self):
        return [path for path in Path(self.media).rglob("*") if path.is_file()]

    def test_a_picture_is_stored_under_a_name_of_our_own_and_shown(self):
        response = self.add(attachment=upload("../../holiday.html"))
        (path,) = self.stored()
        self.assertRegex(path.name, r"^[0-9a-f]{32}\.png$")
        self.assertContains(response, f'src="/media/attachments/{path.name}"')

    def test_a_pdf_is_linked(self):
        response = self.add(attachment=upload("chart.pdf", b"%PDF-1.7 ..."))
        self.assertContains(response, ">PDF for Look</a>")
        self.assertNotContains(response, "<img")

    def test_html_that_calls_itself_a_picture_is_refused(self):
        response = self.add(attachment=upload("picture.png", b"<script>alert(1)</script>"))
        self.assertContains(response, "This is not a PNG, JPEG, GIF, WebP or PDF file.")
        self.assertEqual(self.stored(), [])
        self.assertFalse(Todo.objects.exists())

    def test_a_file_that_is_too_large_is_refused(self):
        with self.settings(ATTACHMENT_MAX_BYTES=50):
            self.assertContains(self.add(attachment=upload()), "at most 50\xa0bytes fit")
        self.assertEqual(self.stored(), [])

    def test_the_file_goes_when_its_to_do_goes(self):
        self.add(attachment=upload())
        self.post(reverse("lists:delete_todo", args=[Todo.objects.get().pk]))
        self.assertEqual(self.stored(), [])

    def test_the_files_go_when_the_list_goes(self):
        self.add(attachment=upload())
        self.post(reverse("lists:delete", args=[self.chores.pk]))
        self.assertEqual(self.stored(), [])
