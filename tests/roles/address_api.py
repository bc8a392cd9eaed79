"""Stands for DigitalOcean's API as far as one address goes: PORT TOKEN FILE, which says who has it."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PORT, TOKEN, HOLDER = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])


class Handler(BaseHTTPRequestHandler):
    """The address is 192.0.2.9."""

    def do_GET(self) -> None:
        """Who has the address."""
        self._answer(200, {"reserved_ip": {"droplet": {"id": int(HOLDER.read_text())}}})

    def do_POST(self) -> None:
        """Give it to a droplet."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] == f"Bearer {TOKEN}":
            HOLDER.write_text(str(asked["droplet_id"]))
        self._answer(201, {"action": {}})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        self.send_response(status if known else 401)
        self.end_headers()
        self.wfile.write(json.dumps(body if known else {"message": "no"}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing: the token would be near."""


HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
