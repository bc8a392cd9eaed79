from django.urls import reverse

from lists import shared
from lists.models import TodoList

from .base import ListsTestCase


class FrontPageTest(ListsTestCase):
    def share(self):
        return self.post(reverse("lists:share", args=[self.chores.pk]), follow=True)

    def front_page(self):
        return self.client.get(reverse("lists:home"))

    def test_strangers_see_shared_lists_and_no_others(self):
        TodoList.objects.create(owner=self.ada, name="Secrets")
        self.share()
        self.client.logout()
        self.assertContains(self.front_page(), "Chores")
        self.assertNotContains(self.front_page(), "Secrets")

    def test_the_second_visitor_is_served_from_the_cache(self):
        self.assertEqual(self.front_page()["X-Page-Cache"], "miss")
        self.client.logout()
        with self.assertNumQueries(0):
            self.assertEqual(self.front_page()["X-Page-Cache"], "hit")

    def test_what_is_cached_has_nothing_of_the_visitor_in_it(self):
        self.front_page()
        self.client.logout()
        self.assertNotContains(self.front_page(), reverse("logout"))

    def test_every_change_shows_at_once(self):
        self.assertContains(self.front_page(), "Nobody shares a list yet.")
        self.share()
        self.assertContains(self.front_page(), "0 of 0 done")
        self.post(self.chores.get_absolute_url(), {"text": "Scrub the deck"})
        self.assertContains(self.front_page(), "0 of 1 done")
        todo = self.chores.todos.get()
        self.post(reverse("lists:tick", args=[todo.pk]), {"done": "yes"})
        self.assertContains(self.front_page(), "1 of 1 done")
        self.post(reverse("lists:delete_todo", args=[todo.pk]))
        self.assertContains(self.front_page(), "0 of 0 done")
        self.share()
        self.assertContains(self.front_page(), "Nobody shares a list yet.")

    def test_a_page_put_together_while_the_data_changes_is_not_kept(self):
        render = shared._render

        def render_while_someone_shares():
            html = render()
            self.share()
            return html

        shared._render = render_while_someone_shares
        self.addCleanup(setattr, shared, "_render", render)
        self.front_page()
        shared._render = render
        self.assertContains(self.front_page(), "Chores")

    def test_it_works_without_a_cache(self):
        dummy = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        with self.settings(CACHES=dummy):
            self.share()
            self.assertContains(self.front_page(), "Chores")
