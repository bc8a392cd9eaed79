"""Which files may be attached to a to-do, and under which name they are stored."""

import uuid
from pathlib import PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat

ALLOWED = "PNG, JPEG, GIF, WebP or PDF"
ACCEPT = ".png,.jpg,.jpeg,.gif,.webp,.pdf"


def kind_of(head: bytes) -> str | None:
    """The file extension that belongs to a file's first 12 bytes, None where it is none we take."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"%PDF-"):
        return "pdf"
    return None


def check(upload) -> None:
    """Checks size and content, and gives the upload the extension that its content deserves.

    Raises ValidationError, with a message for the person who uploads.
    """
    if upload.size > settings.ATTACHMENT_MAX_BYTES:
        limit = filesizeformat(settings.ATTACHMENT_MAX_BYTES)
        raise ValidationError(f"This file has {filesizeformat(upload.size)}; at most {limit} fit.")
    upload.seek(0)
    kind = kind_of(upload.read(12))
    upload.seek(0)
    if kind is None:
        raise ValidationError(f"This is not a {ALLOWED} file.")
    upload.name = f"attachment.{kind}"


def store_path(_todo, name: str) -> str:
    """A name nobody can guess: the web server hands out media without asking who wants it."""
    return f"attachments/{uuid.uuid4().hex}{PurePosixPath(name).suffix}"
