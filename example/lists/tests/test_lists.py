from django.contrib.auth import get_user_model
from django.urls import reverse

from lists.models import Todo, TodoList

from .base import ListsTestCase


class MyListsTest(ListsTestCase):
    def test_creating_a_list_shows_it(self):
        response = self.post(reverse("lists:mine"), {"name": "Provisions"}, follow=True)
        self.assertContains(response, "Provisions")
        self.assertFalse(TodoList.objects.get(name="Provisions").shared)

    def test_a_list_needs_a_name(self):
        response = self.post(reverse("lists:mine"), {"name": "  "})
        self.assertContains(response, "A list needs a name.")

    def test_two_lists_cannot_have_the_same_name(self):
        response = self.post(reverse("lists:mine"), {"name": "Chores"})
        self.assertContains(response, "You already have a list of this name.")

    def test_names_are_shown_as_text_and_never_as_html(self):
        self.post(reverse("lists:mine"), {"name": "<script>alert(1)</script>", "shared": "on"})
        for page in (reverse("lists:mine"), reverse("lists:home")):
            response = self.client.get(page)
            self.assertContains(response, "&lt;script&gt;alert(1)")
            self.assertNotContains(response, "<script>alert(1)")

    def test_deleting_a_list_asks_first(self):
        page = reverse("lists:delete", args=[self.chores.pk])
        self.assertContains(self.client.get(page), "Delete “Chores”?")
        self.assertRedirects(self.post(page), reverse("lists:mine"))
        self.assertFalse(TodoList.objects.exists())


class TodosTest(ListsTestCase):
    def setUp(self):
        super().setUp()
        self.page = self.chores.get_absolute_url()

    def test_adding_a_to_do_shows_it(self):
        response = self.post(self.page, {"text": "Scrub the deck"}, follow=True)
        self.assertContains(response, "Scrub the deck")
        self.assertContains(response, "0 of 1 done")

    def test_a_to_do_needs_a_text(self):
        self.assertContains(self.post(self.page, {"text": ""}), "An empty to-do is too easy.")

    def test_a_to_do_that_is_there_is_not_added_again(self):
        self.add_todo("Scrub the deck")
        self.assertContains(self.post(self.page, {"text": "Scrub the deck"}), "already on the list")
        self.assertEqual(Todo.objects.count(), 1)

    def test_ticking_and_unticking(self):
        tick = reverse("lists:tick", args=[self.add_todo().pk])
        self.assertContains(self.post(tick, {"done": "yes"}, follow=True), "1 of 1 done")
        self.assertContains(self.post(tick, {"done": "no"}, follow=True), "0 of 1 done")

    def test_a_tick_from_an_old_page_does_not_untick(self):
        tick = reverse("lists:tick", args=[self.add_todo(done=True).pk])
        self.assertContains(self.post(tick, {"done": "yes"}, follow=True), "1 of 1 done")

    def test_deleting_a_to_do(self):
        response = self.post(reverse("lists:delete_todo", args=[self.add_todo().pk]), follow=True)
        self.assertContains(response, "“Scrub the deck” is deleted.")
        self.assertFalse(Todo.objects.exists())


class OtherPeopleTest(ListsTestCase):
    def setUp(self):
        super().setUp()
        self.todo = self.add_todo()
        names = {"detail": self.chores, "delete": self.chores, "share": self.chores}
        names |= {"tick": self.todo, "delete_todo": self.todo}
        self.paths = [reverse(f"lists:{name}", args=[thing.pk]) for name, thing in names.items()]

    def test_lists_of_others_are_not_found(self):
        self.client.force_login(get_user_model().objects.create_user("eve"))
        for path in self.paths:
            with self.subTest(path):
                self.assertEqual(self.post(path, {"text": "x", "done": "yes"}).status_code, 404)
        self.todo.refresh_from_db()
        self.assertFalse(self.todo.done)

    def test_strangers_are_sent_to_the_login(self):
        self.client.logout()
        for path in [*self.paths, reverse("lists:mine"), reverse("lists:search")]:
            with self.subTest(path):
                self.assertRedirects(self.post(path), f"{reverse('login')}?next={path}")


class SearchTest(ListsTestCase):
    def search(self, query):
        return self.client.get(reverse("lists:search"), {"q": query})

    def test_finds_part_of_a_text_in_any_case(self):
        self.add_todo("Scrub the Deck")
        self.assertContains(self.search("deck"), "Scrub the Deck")

    def test_says_when_nothing_matches(self):
        self.assertContains(self.search("anchor"), "Nothing of yours matches “anchor”.")

    def test_finds_nothing_of_other_people(self):
        self.add_todo("Scrub the deck")
        self.client.force_login(get_user_model().objects.create_user("eve"))
        self.assertNotContains(self.search("deck"), "Scrub")

    def test_wildcards_mean_themselves(self):
        self.add_todo("Scrub the deck")
        self.assertContains(self.search("%"), "Nothing of yours matches")

    def test_a_null_character_is_an_error_message_and_not_a_crash(self):
        self.assertContains(self.search("a\x00b"), "Null characters are not allowed.")
