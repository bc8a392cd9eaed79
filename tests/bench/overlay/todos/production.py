"""Settings of the site in production, for those who deploy it without Seatrial: from the environment."""

import os

from todos.settings import *  # noqa: F403 - they are what is built upon

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split()
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "todo",
        "USER": "todo",
        "PASSWORD": os.environ["DATABASE_PASSWORD"],
        "HOST": os.environ["DATA_HOST"],
        "CONN_MAX_AGE": 60,
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://:{os.environ['REDIS_PASSWORD']}@{os.environ['DATA_HOST']}:6379/0",
    }
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
MEDIA_ROOT = "/srv/todo/media"
