# mypy: disable-error-code="import-not-found"
"""Static files under names with a hash of their content, for sites that left Django's default."""

from __future__ import annotations

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStaticFilesStorage(ManifestStaticFilesStorage):  # type: ignore[misc,unused-ignore]
    """As Django's, but a file that was not collected keeps its plain name instead of failing the page."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """The hashed name, or `name` where there is no such file."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
