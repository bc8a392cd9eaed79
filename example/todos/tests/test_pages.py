import re

from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory, TestCase
from django.views.defaults import server_error

from lists.models import Todo, TodoList

INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


class PagesTest(TestCase):
    def setUp(self):
        self.user = get_user_model().objects.create_user("ada")
        self.todo_list = TodoList.objects.create(owner=self.user, name="Chores")
        Todo.objects.create(todo_list=self.todo_list, text="Scrub the deck")

    def test_no_page_has_scripts_or_styles_inside_that_a_strict_policy_would_block(self):
        pages = ["/", "/accounts/login/", "/accounts/signup/", "/nowhere"]
        own = ["/lists/", "/search/?q=deck", "/accounts/delete/", "/nowhere"]
        own += [self.todo_list.get_absolute_url(), f"{self.todo_list.get_absolute_url()}delete/"]
        for page in pages:
            self.check(page)
        self.client.force_login(self.user)
        for page in own:
            self.check(page)

    def check(self, page):
        with self.subTest(page):
            response = self.client.get(page)
            self.assertIn(response.status_code, (200, 404))
            self.assertIn("<h1", response.text)
            self.assertIsNone(INLINE.search(response.text))

    def test_a_stale_form_is_told_so(self):
        client = Client(enforce_csrf_checks=True)
        response = client.post("/accounts/login/", {"username": "ada", "password": "x"})
        self.assertContains(response, "Please try again", status_code=403)

    def test_a_crash_shows_a_page_of_our_own(self):
        response = server_error(RequestFactory().get("/"))
        self.assertContains(response, "Something went wrong", status_code=500)
