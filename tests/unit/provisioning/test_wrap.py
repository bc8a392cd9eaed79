"""The settings a site runs with, over its own."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.onhost.site import seatrial_wrap
from provisioning.onhost.site.seatrial_wrap import HASHED_STORAGE, environment, wrap

KEPT = "made once and kept"
SITE: dict[str, Any] = {
    "site": "shop",
    "server_names": ["shop.example.com", "www.shop.example.com"],
    "url": "http://shop.example.com:8080",
    "secret_key": KEPT,
    "database": {
        "engine": "postgres",
        "name": "shop",
        "user": "shop",
        "password": "p@ss/word",
        "host": "/run/postgresql",
        "path": None,
    },
    "cache": {"url": "unix:///run/redis/redis-server.sock?db=0"},
    "media_root": "/srv/shop/shared/media",
    "smtp": None,
    "environment": {},
    "environment_names": {},
}
RELEASE = {"static_root": "/srv/shop/releases/one/static", "hashed_static": True}
OWN: dict[str, Any] = {
    "DEBUG": True,
    "SECRET_KEY": "django-insecure",
    "ALLOWED_HOSTS": ["*"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
    "STATIC_URL": "static/",
    "INSTALLED_APPS": ["django.contrib.staticfiles"],
    "TEMPLATES": [{"BACKEND": "x", "OPTIONS": {"debug": True, "autoescape": True}}],
}


def wrapped(
    own: dict[str, Any] | None = None, *, django: tuple[int, int] = (5, 2), **site: Any
) -> dict[str, Any]:
    return wrap({**OWN, **(own or {})}, {**SITE, **site}, RELEASE, django)


def test_a_site_made_for_development_becomes_one_for_a_server() -> None:
    settings = wrapped()
    assert settings["DEBUG"] is False
    assert settings["SECRET_KEY"] == KEPT
    assert settings["ALLOWED_HOSTS"] == ["shop.example.com", "www.shop.example.com"]
    assert settings["CSRF_TRUSTED_ORIGINS"] == [
        "http://shop.example.com:8080",
        "http://www.shop.example.com:8080",
    ]
    assert settings["TEMPLATES"][0]["OPTIONS"] == {"debug": False, "autoescape": True}
    assert settings["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_on_postgres_djangos_own_app_for_it_is_there_once_since_packages_ask_for_it() -> None:
    ours = "django.contrib.postgres"
    assert wrapped()["INSTALLED_APPS"] == ["django.contrib.staticfiles", ours]
    assert wrapped({"INSTALLED_APPS": (ours, "shop")})["INSTALLED_APPS"] == [ours, "shop"]
    assert "INSTALLED_APPS" not in wrapped(database={"engine": "sqlite", "path": "/srv/shop/shared/db"})


def test_hosts_and_origins_that_the_site_names_are_kept() -> None:
    own = {"ALLOWED_HOSTS": ["api.example.com"], "CSRF_TRUSTED_ORIGINS": ["https://partner.example.com"]}
    settings = wrapped(own)
    assert "api.example.com" in settings["ALLOWED_HOSTS"]
    assert "https://partner.example.com" in settings["CSRF_TRUSTED_ORIGINS"]


def test_django_before_4_wants_origins_without_a_scheme() -> None:
    assert wrapped(django=(3, 2))["CSRF_TRUSTED_ORIGINS"][0] == "shop.example.com:8080"


def test_the_database_becomes_the_one_of_the_host() -> None:
    assert wrapped()["DATABASES"]["default"] == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": "p@ss/word",
        "HOST": "/run/postgresql",
        "PORT": "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def test_an_engine_of_the_same_family_is_kept_with_its_options_and_other_databases_too() -> None:
    own = {
        "DATABASES": {
            "default": {
                "ENGINE": "django.contrib.gis.db.backends.postgis",
                "NAME": "dev",
                "USER": "dev",
                "ATOMIC_REQUESTS": True,
                "OPTIONS": {"pool": True},
            },
            "warehouse": {"ENGINE": "x"},
        }
    }
    databases = wrapped(own)["DATABASES"]
    assert databases["default"]["ENGINE"] == "django.contrib.gis.db.backends.postgis"
    assert databases["default"]["ATOMIC_REQUESTS"] is True
    assert databases["default"]["USER"] == "shop"
    # Django refuses persistent connections beside a pool.
    assert "CONN_MAX_AGE" not in databases["default"]
    assert databases["warehouse"] == {"ENGINE": "x"}


def test_a_sqlite_file_is_the_one_that_is_kept_through_releases() -> None:
    database = {"engine": "sqlite", "path": "/srv/shop/shared/database/db.sqlite3"}
    default = wrapped(database=database)["DATABASES"]["default"]
    assert default["NAME"] == "/srv/shop/shared/database/db.sqlite3"
    assert default["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert (
        "transaction_mode" not in wrapped(database=database, django=(4, 2))["DATABASES"]["default"]["OPTIONS"]
    )


def test_the_cache_is_the_hosts_redis_under_the_sites_own_backend_where_that_is_redis_too() -> None:
    default = wrapped()["CACHES"]["default"]
    assert default["BACKEND"] == "django.core.cache.backends.redis.RedisCache"
    assert default["LOCATION"] == SITE["cache"]["url"]
    own = {"CACHES": {"default": {"BACKEND": "django_redis.cache.RedisCache", "TIMEOUT": 5}, "big": {"B": 1}}}
    caches = wrapped(own)["CACHES"]
    assert caches["default"]["BACKEND"] == "django_redis.cache.RedisCache"
    assert caches["default"]["TIMEOUT"] == 5
    assert caches["big"] == {"B": 1}
    assert "CACHES" not in wrapped(own, cache=None)


def test_static_files_are_the_releases_own_and_uploads_are_shared() -> None:
    settings = wrapped()
    assert (settings["STATIC_URL"], settings["STATIC_ROOT"]) == ("/static/", RELEASE["static_root"])
    assert (settings["MEDIA_URL"], settings["MEDIA_ROOT"]) == ("/media/", SITE["media_root"])
    assert settings["STORAGES"]["staticfiles"] == {"BACKEND": HASHED_STORAGE}


@pytest.mark.parametrize(
    "own",
    [
        {"STORAGES": {"default": {}, "staticfiles": {"BACKEND": "whitenoise.storage.X"}}},
        {"STATICFILES_STORAGE": "whitenoise.storage.X"},
        {"INSTALLED_APPS": ["compressor"]},
        {"STATIC_URL": "https://cdn.example.com/"},
    ],
)
def test_a_storage_that_the_site_chose_stays(own: dict[str, Any]) -> None:
    assert "STORAGES" not in wrapped(own)


def test_files_kept_at_another_service_stay_there() -> None:
    own = {
        "STATIC_URL": "https://cdn.example.com/",
        "STORAGES": {
            "default": {"BACKEND": "storages.backends.s3.S3Storage"},
            "staticfiles": {"BACKEND": "x"},
        },
    }
    settings = wrapped(own)
    assert not {"STATIC_URL", "MEDIA_URL", "MEDIA_ROOT"} & set(settings)


def test_compressed_files_are_made_in_the_build_or_not_at_all() -> None:
    apps = {"INSTALLED_APPS": ["compressor"]}
    assert wrapped(apps)["COMPRESS_ENABLED"] is False
    assert "COMPRESS_ENABLED" not in wrapped({**apps, "COMPRESS_OFFLINE": True})
    sass = {**apps, "COMPRESS_PRECOMPILERS": [("text/x-scss", "sass")]}
    assert wrapped(sass)["COMPRESS_OFFLINE"] is True
    rooted = {
        **apps,
        "COMPRESS_OFFLINE": True,
        "STATIC_ROOT": "/code/static",
        "COMPRESS_ROOT": "/code/static",
    }
    assert wrapped(rooted)["COMPRESS_ROOT"] == RELEASE["static_root"]


def test_over_plain_http_nothing_redirects_to_https_and_logins_work() -> None:
    own = {
        "SECURE_SSL_REDIRECT": True,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_NAME": "__Secure-sessionid",
        "SESSION_COOKIE_DOMAIN": ".other.org",
    }
    settings = wrapped(own)
    assert settings["SECURE_SSL_REDIRECT"] is False
    assert settings["SESSION_COOKIE_SECURE"] is False
    assert settings["SESSION_COOKIE_NAME"] == "sessionid"
    assert settings["SESSION_COOKIE_DOMAIN"] is None


def test_over_https_cookies_are_secure_and_the_sites_redirect_stays_its_own() -> None:
    settings = wrapped({"SESSION_COOKIE_DOMAIN": ".example.com"}, url="https://shop.example.com")
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["CSRF_COOKIE_SECURE"] is True
    assert "SECURE_SSL_REDIRECT" not in settings
    assert "SESSION_COOKIE_DOMAIN" not in settings


SMTP = {
    "host": "mail.example.com",
    "port": "465",
    "security": "tls",
    "user": "u",
    "password": "p",
    "sender": "a@b",
}


def test_mail_goes_through_the_given_server_under_both_kinds_of_settings() -> None:
    settings = wrapped(smtp=SMTP)
    assert settings["EMAIL_HOST"] == "mail.example.com"
    assert settings["EMAIL_PORT"] == 465
    assert (settings["EMAIL_USE_SSL"], settings["EMAIL_USE_TLS"]) == (True, False)
    assert settings["DEFAULT_FROM_EMAIL"] == "a@b"
    # Django 6.1 refuses the old names beside the new one.
    modern = wrapped({"MAILERS": {"default": {"BACKEND": "console"}}}, smtp=SMTP, django=(6, 1))
    assert modern["MAILERS"]["default"]["OPTIONS"]["use_ssl"] is True
    assert "EMAIL_HOST" not in modern
    assert "EMAIL_HOST" not in wrapped()


def test_everything_is_logged_to_stderr_and_nothing_to_files() -> None:
    ours = wrapped()["LOGGING"]
    assert ours["root"]["handlers"] == ["seatrial"]
    own = {
        "LOGGING": {
            "version": 1,
            "handlers": {
                "file": {"class": "logging.handlers.RotatingFileHandler", "filename": "/x", "level": "INFO"}
            },
            "loggers": {"shop": {"handlers": ["file"]}},
        }
    }
    theirs = wrapped(own)["LOGGING"]
    assert theirs["handlers"]["file"] == {"class": "logging.StreamHandler", "level": "INFO"}
    assert theirs["loggers"]["shop"] == {"handlers": ["file"]}
    assert theirs["loggers"]["django"]["handlers"] == ["seatrial"]


def test_a_site_that_reads_its_environment_finds_the_same_values_there() -> None:
    names = {"SECRET_KEY": "DJANGO_SECRET_KEY", "DATABASE_URL": "DATABASE_URL", "ALLOWED_HOSTS": "HOSTS"}
    site = {**SITE, "environment_names": names, "environment": {"MOTTO": "dare"}}
    assert environment(site, RELEASE) == {
        "DJANGO_SECRET_KEY": KEPT,
        "DATABASE_URL": "postgres://shop:p%40ss%2Fword@%2Frun%2Fpostgresql/shop",
        "HOSTS": "shop.example.com,www.shop.example.com",
        "MOTTO": "dare",
    }
    # Its database is then what it made of them.
    assert "DATABASES" not in wrapped(environment_names=names)


def test_extra_environment_wins_over_a_mapped_value() -> None:
    site = {**SITE, "environment_names": {"SITE_URL": "URL"}, "environment": {"URL": "mine"}}
    assert environment(site, RELEASE) == {"URL": "mine"}


def test_a_build_touches_no_cache_of_the_live_site() -> None:
    caches = seatrial_wrap.caches_of_a_build({"CACHES": {"default": {"BACKEND": "redis"}, "big": {}}})
    assert {cache["BACKEND"] for cache in caches.values()} == {
        "django.core.cache.backends.locmem.LocMemCache"
    }
    assert set(caches) == {"default", "big"}
