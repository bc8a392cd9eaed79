"""Stands for the site on an app host: answers its own name only, and when it is told to."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME, SITE = sys.argv[1:]
BROKEN = Path("/run/broken")
HELD = Path("/run/held")


class Handler(BaseHTTPRequestHandler):
    """`/held` is answered once a file is gone; everything is broken while another one is there."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Tell who answers, and what came with the request."""
        while self.path == "/held" and HELD.exists():
            time.sleep(0.05)
        status = (
            400 if self.headers["Host"].split(":")[0].lower() != SITE else 503 if BROKEN.exists() else 200
        )
        body = json.dumps({"server": NAME, "headers": dict(self.headers)}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """The same, with what was sent thrown away."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: the edge has the log."""


ThreadingHTTPServer(("", 80), Handler).serve_forever()
