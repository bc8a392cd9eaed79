from __future__ import annotations

import base64
import json

import pytest

from provisioning.sitefile import scram_verifier, site_env, site_json
from tests.unit.provisioning.test_bundle import SECRETS, VARIABLES, bundle


def test_site_json_has_every_key_whatever_the_settings() -> None:
    full = json.loads(site_json(VARIABLES, SECRETS))
    bare = json.loads(site_json({**VARIABLES, "database": "sqlite", "cache": "none"}, {"secret_key": "k"}))
    assert full.keys() == bare.keys()
    assert full["database"] == {
        "engine": "postgres",
        "name": "my_shop",
        "user": "my_shop",
        "password": "the-password",
        "host": "/run/postgresql",
        "path": None,
    }
    assert bare["database"]["path"] == "/srv/my-shop/shared/database/db.sqlite3"
    assert bare["cache"] is None
    assert bare["smtp"] is None
    assert full["environment"] == {"TOKEN": "the-token"}


def test_mail_settings_and_names_of_the_environment_are_handed_on_as_given() -> None:
    variables = {
        **VARIABLES,
        "smtp.host": "mail.example.test",
        "smtp.port": "587",
        "envname.SECRET_KEY": "KEY",
    }
    site = json.loads(site_json(variables, {**SECRETS, "smtp_password": "sesame"}))
    assert site["smtp"] == {"host": "mail.example.test", "port": "587", "password": "sesame"}
    assert site["environment_names"] == {"SECRET_KEY": "KEY"}


def test_the_bundle_carries_the_site_file_as_it_is_installed() -> None:
    line = bundle().stdin.split("\n", 2)[1]
    carried = {
        name: base64.b64decode(text).decode() for name, _, text in (p.partition("=") for p in line.split())
    }
    assert carried["site_json"] == site_json(VARIABLES, SECRETS)
    assert carried["site_env"] == 'TOKEN="the-token"\n'


def test_a_name_that_no_environment_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="'NOT-A-NAME' can't be the name of an environment variable"):
        site_env({"env.NOT-A-NAME": "x"})
    with pytest.raises(ValueError, match="host web: environment"):
        bundle(secrets={"env.A B": "x"})


def test_the_databases_copy_of_a_password_is_always_the_same_and_each_users_own() -> None:
    assert scram_verifier("pw", user="shop") == scram_verifier("pw", user="shop")
    assert len({scram_verifier(p, user=u) for p in ("a", "b") for u in ("x", "y")}) == 4
    assert scram_verifier("pw", user="shop").startswith("SCRAM-SHA-256$4096:")
    with pytest.raises(ValueError, match="ASCII"):
        scram_verifier("pässword", user="shop")
