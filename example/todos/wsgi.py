"""The WSGI callable that an application server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todos.settings")

application = get_wsgi_application()
