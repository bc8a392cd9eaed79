from unittest import mock

from django.core.cache import cache
from django.db import connection
from django.test import TestCase


class HealthTest(TestCase):
    def ask(self):
        return self.client.get("/healthz")

    def broken(self, thing, method):
        self.enterContext(mock.patch.object(thing, method, side_effect=ConnectionError("secret host name")))
        with self.assertLogs("todos.health", "ERROR"):
            return self.ask()

    def test_says_that_all_is_well(self):
        response = self.ask()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.json(), {"database": "ok", "cache": "ok"})
        self.assertIn("no-store", response["Cache-Control"])

    def test_a_dead_cache_is_a_failure(self):
        response = self.broken(cache, "set")
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response.json(), {"database": "ok", "cache": "failed"})

    def test_a_dead_database_is_a_failure_and_its_reason_stays_inside(self):
        response = self.broken(connection, "cursor")
        self.assertEqual(response.status_code, 503)
        self.assertNotContains(response, "secret", status_code=503)

    def test_asks_the_database_one_question_and_starts_no_session(self):
        with self.assertNumQueries(1):
            self.assertNotIn("Set-Cookie", self.ask())
