from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from .health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("lists.urls")),
    # Empty unless DEBUG: in production the web server hands out the uploads.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
