"""Turns a site's own settings into those it runs with: pure, no Django needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

Values = dict[str, Any]

HASHED_STORAGE = "seatrial_storage.HashedStaticFilesStorage"
_PLAIN_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
_FILE_STORAGE = "django.core.files.storage.FileSystemStorage"


def environment(site: Mapping[str, Any], release: Mapping[str, Any]) -> dict[str, str]:
    """A site's variables: the extra environment, and our values under the names that the site reads."""
    offered = offered_values(site, release)
    named = {theirs: offered[ours] for ours, theirs in site["environment_names"].items() if ours in offered}
    return {**named, **{name: str(value) for name, value in site["environment"].items()}}


def offered_values(site: Mapping[str, Any], release: Mapping[str, Any]) -> dict[str, str]:
    """All values that a site may be given under a name of its own choice, as text."""
    smtp = site.get("smtp") or {}
    values = {
        "SECRET_KEY": site["secret_key"],
        "DEBUG": "False",
        "SITE_NAME": site["site"],
        "SITE_URL": site["url"],
        "ALLOWED_HOSTS": ",".join(site["server_names"]),
        "CSRF_TRUSTED_ORIGINS": ",".join(_origins(site)),
        "STATIC_URL": "/static/",
        "STATIC_ROOT": release["static_root"],
        "MEDIA_URL": "/media/",
        "MEDIA_ROOT": site["media_root"],
        "EMAIL_HOST": smtp.get("host"),
        "EMAIL_PORT": smtp.get("port"),
        "EMAIL_HOST_USER": smtp.get("user"),
        "EMAIL_HOST_PASSWORD": smtp.get("password"),
        "EMAIL_USE_TLS": str(smtp.get("security") == "starttls") if smtp else None,
        "EMAIL_USE_SSL": str(smtp.get("security") == "tls") if smtp else None,
        "DEFAULT_FROM_EMAIL": smtp.get("sender"),
    }
    database = site["database"]
    if database["engine"] == "sqlite":
        values["DATABASE_URL"] = "sqlite:///" + database["path"]
        values["DATABASE_NAME"] = database["path"]
    else:
        host, port = database["host"], database.get("port")
        values["DATABASE_URL"] = "postgres://{}:{}@{}{}/{}".format(
            quote(database["user"], safe=""),
            quote(database["password"], safe=""),
            quote(host, safe=""),
            ":" + str(port) if port else "",
            quote(database["name"], safe=""),
        )
        for part in ("name", "user", "password", "host", "port"):
            values["DATABASE_" + part.upper()] = database.get(part)
    if site.get("cache"):
        values["CACHE_URL"] = values["REDIS_URL"] = site["cache"]["url"]
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def wrap(
    own: Mapping[str, Any], site: Mapping[str, Any], release: Mapping[str, Any], django: tuple[int, ...]
) -> Values:
    """The settings to run with that differ from the site's `own`.

    `site` is site.json, `release` has `static_root` and `hashed_static`, `django` is Django's version.
    """
    names = site["environment_names"]
    changes: Values = {"DEBUG": False, "SECRET_KEY": site["secret_key"]}
    changes["ALLOWED_HOSTS"] = _union(site["server_names"], own.get("ALLOWED_HOSTS", ()), without="*")
    origins = _origins(site)
    changes["CSRF_TRUSTED_ORIGINS"] = _union(
        origins if django >= (4, 0) else [urlsplit(origin).netloc for origin in origins],
        own.get("CSRF_TRUSTED_ORIGINS", ()),
    )
    if not any(name.startswith("DATABASE_") for name in names):
        changes["DATABASES"] = {
            **own.get("DATABASES", {}),
            "default": _database(own, site["database"], django),
        }
        if site["database"]["engine"] != "sqlite":
            changes["INSTALLED_APPS"] = _with_postgres(own.get("INSTALLED_APPS", ()))
    if site.get("cache") and not {"CACHE_URL", "REDIS_URL"} & set(names):
        changes["CACHES"] = {**own.get("CACHES", {}), "default": _cache(own, site)}
    if site.get("smtp") and not any(name.startswith("EMAIL_") for name in names):
        changes.update(_mail(own, site["smtp"]))
    changes.update(_files(own, site, release, django))
    changes.update(_transport(own, site))
    changes["TEMPLATES"] = [_without_debug(template) for template in own.get("TEMPLATES", [])]
    changes["LOGGING"] = _logging(own.get("LOGGING") or {})
    return changes


def _origins(site: Mapping[str, Any]) -> list[str]:
    """Every origin a browser may send: each name with the URL's scheme and port."""
    url = urlsplit(site["url"])
    port = ":" + str(url.port) if url.port else ""
    return [url.scheme + "://" + name + port for name in site["server_names"]]


def _union(ours: Sequence[str], theirs: Any, without: str = "") -> list[str]:
    theirs = [theirs] if isinstance(theirs, str) else list(theirs)
    return list(dict.fromkeys([*ours, *(entry for entry in theirs if entry and entry != without)]))


def _database(own: Mapping[str, Any], wanted: Mapping[str, Any], django: tuple[int, ...]) -> Values:
    theirs = dict(own.get("DATABASES", {}).get("default", {}))
    engine = str(theirs.get("ENGINE", ""))
    family = "sqlite" if wanted["engine"] == "sqlite" else "postg"
    # An engine of the same family is kept with its options: it may be PostGIS, or one that counts queries.
    same = family in engine or (family == "sqlite" and "spatialite" in engine)
    if not same:
        engine = "django.db.backends." + ("sqlite3" if family == "sqlite" else "postgresql")
        theirs.pop("OPTIONS", None)
    for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT"):
        theirs.pop(key, None)
    if family == "sqlite":
        theirs.pop("CONN_MAX_AGE", None)
        options = {"timeout": 20, **theirs.pop("OPTIONS", {})}
        if django >= (5, 1) and "spatialite" not in engine:
            # Readers do not block the writer, and a writer waits for its turn instead of failing half-way.
            options.setdefault("transaction_mode", "IMMEDIATE")
            options.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        return {**theirs, "ENGINE": engine, "NAME": wanted["path"], "OPTIONS": options}
    where = {key: wanted.get(key.lower()) or "" for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    if not theirs.get("OPTIONS", {}).get("pool"):
        theirs.setdefault("CONN_MAX_AGE", 60)
        if django >= (4, 1):
            theirs.setdefault("CONN_HEALTH_CHECKS", True)
    return {**theirs, "ENGINE": engine, **where}


def _with_postgres(apps: Sequence[str]) -> list[str]:
    """The apps, and Django's own one for PostgreSQL: some packages (Wagtail's search) want it there."""
    ours = "django.contrib.postgres"
    return [*apps] if any(app.startswith(ours) for app in apps) else [*apps, ours]


def _cache(own: Mapping[str, Any], site: Mapping[str, Any]) -> Values:
    theirs = dict(own.get("CACHES", {}).get("default", {}))
    if "redis" not in str(theirs.get("BACKEND", "")).lower():
        kept = {
            key: theirs[key] for key in ("TIMEOUT", "KEY_PREFIX", "VERSION", "KEY_FUNCTION") if key in theirs
        }
        theirs = {"BACKEND": "django.core.cache.backends.redis.RedisCache", **kept}
    theirs["LOCATION"] = site["cache"]["url"]
    theirs.setdefault("KEY_PREFIX", site["site"])
    return theirs


def caches_of_a_build(settings: Mapping[str, Any]) -> Values:
    """The caches while a release is built: in memory, to leave no trace in those of the live site."""
    memory = "django.core.cache.backends.locmem.LocMemCache"
    return {
        alias: {"BACKEND": memory, "LOCATION": "seatrial-" + alias}
        for alias in {"default": {}, **settings.get("CACHES", {})}
    }


def _mail(own: Mapping[str, Any], smtp: Mapping[str, Any]) -> Values:
    security = smtp.get("security", "starttls")
    sender = (
        {"DEFAULT_FROM_EMAIL": smtp["sender"], "SERVER_EMAIL": smtp["sender"]} if smtp.get("sender") else {}
    )
    backend = "django.core.mail.backends.smtp.EmailBackend"
    if "MAILERS" in own:
        options = {
            "host": smtp["host"],
            "port": int(smtp.get("port", 587)),
            "username": smtp.get("user", ""),
            "password": smtp.get("password", ""),
            "use_tls": security == "starttls",
            "use_ssl": security == "tls",
        }
        return {**sender, "MAILERS": {**own["MAILERS"], "default": {"BACKEND": backend, "OPTIONS": options}}}
    return {
        **sender,
        "EMAIL_BACKEND": backend,
        "EMAIL_HOST": smtp["host"],
        "EMAIL_PORT": int(smtp.get("port", 587)),
        "EMAIL_HOST_USER": smtp.get("user", ""),
        "EMAIL_HOST_PASSWORD": smtp.get("password", ""),
        "EMAIL_USE_TLS": security == "starttls",
        "EMAIL_USE_SSL": security == "tls",
    }


def _files(
    own: Mapping[str, Any], site: Mapping[str, Any], release: Mapping[str, Any], django: tuple[int, ...]
) -> Values:
    """Where static files and uploads are, with their URLs; what the site keeps elsewhere stays there."""
    changes: Values = {"STATIC_ROOT": release["static_root"]}
    if not _is_remote(own.get("STATIC_URL")):
        changes["STATIC_URL"] = "/static/"
    storages = own.get("STORAGES") or {}
    uploads = storages.get("default", {}).get("BACKEND") or own.get("DEFAULT_FILE_STORAGE") or _FILE_STORAGE
    if uploads == _FILE_STORAGE and not _is_remote(own.get("MEDIA_URL")):
        changes.update({"MEDIA_ROOT": site["media_root"], "MEDIA_URL": "/media/"})
    if release.get("hashed_static") and has_plain_static(own):
        if django >= (4, 2):
            changes["STORAGES"] = {
                "default": {"BACKEND": _FILE_STORAGE},
                **storages,
                "staticfiles": {"BACKEND": HASHED_STORAGE},
            }
        else:
            changes["STATICFILES_STORAGE"] = HASHED_STORAGE
    if "compressor" in own.get("INSTALLED_APPS", ()):
        changes.update(_compressor(own, release))
    return changes


def has_plain_static(own: Mapping[str, Any]) -> bool:
    """Whether a site left Django's storage for static files as it is, so that hashed names may come.

    Not where django-compressor is: what it makes has hashed names already.
    """
    if "compressor" in own.get("INSTALLED_APPS", ()) or _is_remote(own.get("STATIC_URL")):
        return False
    if "STATICFILES_STORAGE" in own or "DEFAULT_FILE_STORAGE" in own:
        return False
    staticfiles = (own.get("STORAGES") or {}).get("staticfiles") or {"BACKEND": _PLAIN_STORAGE}
    return bool(staticfiles == {"BACKEND": _PLAIN_STORAGE})


def _compressor(own: Mapping[str, Any], release: Mapping[str, Any]) -> Values:
    changes: Values = {}
    if "COMPRESS_ROOT" in own and str(own["COMPRESS_ROOT"]) == str(own.get("STATIC_ROOT")):
        changes["COMPRESS_ROOT"] = release["static_root"]
    if "COMPRESS_URL" in own and own["COMPRESS_URL"] == own.get("STATIC_URL"):
        changes["COMPRESS_URL"] = "/static/"
    if not own.get("COMPRESS_OFFLINE", False):
        # The running site may not write files: compressed when it is built, or not at all.
        if own.get("COMPRESS_PRECOMPILERS"):
            changes["COMPRESS_OFFLINE"] = True
        else:
            changes["COMPRESS_ENABLED"] = False
    return changes


def _is_remote(url: Any) -> bool:
    return isinstance(url, str) and url.startswith(("http://", "https://", "//"))


def _transport(own: Mapping[str, Any], site: Mapping[str, Any]) -> Values:
    changes: Values = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}
    secure = site["url"].startswith("https:")
    changes.update({"SESSION_COOKIE_SECURE": secure, "CSRF_COOKIE_SECURE": secure})
    if not secure:
        changes.update({"SECURE_SSL_REDIRECT": False, "SECURE_HSTS_SECONDS": 0})
        # Browsers refuse cookies with these prefixes over plain http: nobody could log in.
        for name, usual in (("SESSION_COOKIE_NAME", "sessionid"), ("CSRF_COOKIE_NAME", "csrftoken")):
            if str(own.get(name, "")).startswith(("__Secure-", "__Host-")):
                changes[name] = usual
    for name in ("SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN"):
        domain = str(own.get(name) or "").lstrip(".")
        if domain and not all(("." + host).endswith("." + domain) for host in site["server_names"]):
            changes[name] = None
    return changes


def _without_debug(template: Values) -> Values:
    options = template.get("OPTIONS", {})
    return {**template, "OPTIONS": {**options, "debug": False}} if options.get("debug") else template


def _logging(own: Values) -> Values:
    """The site's own logging with nothing written to files, or ours: all to stderr, which is the journal."""
    handlers = {name: _to_stderr(handler) for name, handler in own.get("handlers", {}).items()}
    handlers.setdefault("seatrial", {"class": "logging.StreamHandler", "formatter": "seatrial"})
    formatters = {"seatrial": {"format": "%(levelname)s %(name)s: %(message)s"}, **own.get("formatters", {})}
    root = own.get("root") or {"handlers": ["seatrial"], "level": "INFO"}
    loggers = dict(own.get("loggers", {}))
    if not {"", "django"} & set(loggers):
        # Django's own handler for this logger is silent without DEBUG.
        loggers["django"] = {"handlers": ["seatrial"], "level": "INFO", "propagate": False}
    return {
        "disable_existing_loggers": False,
        **own,
        "version": 1,
        "formatters": formatters,
        "handlers": handlers,
        "root": root,
        "loggers": loggers,
    }


def _to_stderr(handler: Values) -> Values:
    if "FileHandler" not in str(handler.get("class", "")):
        return handler
    kept: Values = {key: handler[key] for key in ("level", "formatter", "filters") if key in handler}
    return {"class": "logging.StreamHandler", **kept}
