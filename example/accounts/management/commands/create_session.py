from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Logs somebody in without a browser, for functional tests: prints the value of the session's cookie."
    )

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *, username, **_options):
        users = get_user_model()
        try:
            user = users.objects.get(username=username)
        except users.DoesNotExist:
            raise CommandError(f"there is nobody called {username}") from None
        session = SessionStore()
        session[SESSION_KEY] = user.pk
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        self.stdout.write(session.session_key)
