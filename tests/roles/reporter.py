"""Runs on the host under gunicorn, and answers with what the site's process may do there."""

import json
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SITE = "shop"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI."""
    answer = {
        "host": environ["HTTP_HOST"],
        "forwarded_for": environ["HTTP_X_FORWARDED_FOR"],
        "forwarded_proto": environ["HTTP_X_FORWARDED_PROTO"],
        "scheme": environ["wsgi.url_scheme"],
        "motto": os.environ.get("MOTTO"),
        "release": os.environ.get("SEATRIAL_RELEASE"),
        "may": {
            "write its code": _may(lambda: Path("written").write_text("")),
            "write another release": _may(lambda: Path(f"/srv/{SITE}/releases/zero/x").write_text("")),
            "read its configuration": _may(lambda: Path(f"/etc/{SITE}/site.json").read_text()),
            "write its configuration": _may(lambda: Path(f"/etc/{SITE}/site.json").write_text("")),
            "keep an upload": _may(_upload),
            "keep a database file": _may(lambda: Path(f"/srv/{SITE}/shared/database/x").write_text("")),
            "use its home": _may(lambda: (Path.home() / "x").write_text("")),
            "use a temporary file": _may(lambda: Path("/tmp/x").write_text("")),
            "reach redis": _may(lambda: _connect("/run/redis/redis-server.sock")),
            "reach postgres": _may(lambda: _connect("/run/postgresql/.s.PGSQL.5432")),
            "resolve names": _may(lambda: socket.getaddrinfo("localhost", 80)),
            "become root": _may(lambda: os.setuid(0)),
        },
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


def _may(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def _upload() -> None:
    folder = Path(f"/srv/{SITE}/shared/media/pictures")
    folder.mkdir(exist_ok=True)
    (folder / "one.txt").write_text("an upload")


def _connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
