from io import StringIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import TestCase
from django.urls import reverse

from lists.models import TodoList

PASSWORD = "a good long pass phrase"  # noqa: S105
User = get_user_model()


class SignUpTest(TestCase):
    def sign_up(self, username="ada", password=PASSWORD, again=PASSWORD):
        data = {"username": username, "password1": password, "password2": again}
        return self.client.post(reverse("signup"), data)

    def test_a_new_user_is_logged_in_and_sees_their_lists(self):
        self.assertRedirects(self.sign_up(), reverse("lists:mine"), fetch_redirect_response=False)
        self.assertContains(self.client.get(reverse("lists:mine")), "Welcome, ada")

    def test_a_name_that_is_taken_is_refused_whatever_its_case(self):
        User.objects.create_user("Ada", password=PASSWORD)
        self.assertContains(self.sign_up("ada"), "already exists")
        self.assertEqual(User.objects.count(), 1)

    def test_passwords_that_differ_are_refused(self):
        self.assertContains(self.sign_up(again="another pass phrase"), "didn’t match")
        self.assertFalse(User.objects.exists())

    def test_a_common_password_is_refused(self):
        self.assertContains(self.sign_up(password="password", again="password"), "too common")

    def test_who_is_logged_in_is_sent_on(self):
        self.sign_up()
        self.assertRedirects(self.client.get(reverse("signup")), reverse("lists:mine"))


class LoginTest(TestCase):
    def setUp(self):
        self.user = User.objects.create_user("ada", password=PASSWORD)

    def log_in(self, password=PASSWORD, **more):
        return self.client.post(reverse("login"), {"username": "ada", "password": password, **more})

    def test_the_right_password_leads_to_the_lists(self):
        self.assertRedirects(self.log_in(), reverse("lists:mine"))

    def test_login_goes_on_to_the_page_that_asked_for_it(self):
        self.assertRedirects(self.log_in(next=reverse("lists:search")), reverse("lists:search"))

    def test_login_does_not_go_on_to_another_site(self):
        self.assertRedirects(self.log_in(next="https://example.org/"), reverse("lists:mine"))

    def test_the_wrong_password_is_refused_with_a_message(self):
        self.assertContains(self.log_in("wrong"), "Please enter a correct username and password")

    def test_logging_out_takes_a_post(self):
        self.client.force_login(self.user)
        self.assertEqual(self.client.get(reverse("logout")).status_code, 405)
        self.assertRedirects(self.client.post(reverse("logout")), reverse("lists:home"))
        self.assertRedirects(self.client.get(reverse("lists:mine")), "/accounts/login/?next=/lists/")


class DeleteAccountTest(TestCase):
    def setUp(self):
        self.user = User.objects.create_user("ada", password=PASSWORD)
        TodoList.objects.create(owner=self.user, name="Chores")
        self.client.force_login(self.user)

    def test_the_right_password_deletes_the_account_and_its_lists(self):
        response = self.client.post(reverse("delete_account"), {"password": PASSWORD}, follow=True)
        self.assertContains(response, "is deleted")
        self.assertContains(response, "Log in")
        self.assertFalse(User.objects.exists())
        self.assertFalse(TodoList.objects.exists())

    def test_the_wrong_password_deletes_nothing(self):
        response = self.client.post(reverse("delete_account"), {"password": "wrong"})
        self.assertContains(response, "That is not your password.")
        self.assertTrue(User.objects.exists())


class CreateSessionTest(TestCase):
    def test_whoever_has_the_printed_cookie_is_logged_in(self):
        User.objects.create_user("ada", password=PASSWORD)
        printed = StringIO()
        call_command("create_session", "ada", stdout=printed)
        self.client.cookies[settings.SESSION_COOKIE_NAME] = printed.getvalue().strip()
        self.assertEqual(self.client.get(reverse("lists:mine")).status_code, 200)

    def test_somebody_unknown_is_told(self):
        with self.assertRaisesMessage(CommandError, "nobody called bob"):
            call_command("create_session", "bob")
