"""The volumes of DigitalOcean's API, as far as its documentation says: the local cloud has none."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request


class VolumeServer:
    """Volumes in memory. `busy` counts the refusals still to come for an attached droplet's pending event."""

    def __init__(self) -> None:
        self.volumes: dict[str, dict[str, Any]] = {}
        self.busy = 0

    @contextlib.contextmanager
    def started(self) -> Iterator[str]:
        """Serve on a free port of loopback; gives the URL."""
        server = uvicorn.Server(uvicorn.Config(self._app(), port=0, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v2/volumes", status_code=201)
        async def make(request: Request) -> dict[str, Any]:
            asked = await request.json()
            volume = asked | {"id": "506f78a4-e098-11e5-ad9f-000f53306ae1", "droplet_ids": []}
            volume["region"] = {"slug": asked["region"]}
            self.volumes[volume["id"]] = volume
            return {"volume": volume}

        @app.get("/v2/volumes/{id}")
        def show(id: str) -> dict[str, Any]:
            return {"volume": self._found(id)}

        @app.delete("/v2/volumes/{id}", status_code=204)
        def remove(id: str) -> None:
            del self.volumes[self._found(id)["id"]]

        @app.post("/v2/volumes/{id}/actions", status_code=202)
        async def act(id: str, request: Request) -> Any:
            asked, volume = await request.json(), self._found(id)
            if self.busy:
                self.busy -= 1
                raise HTTPException(422, "Droplet already has a pending event.")
            if asked["type"] == "resize":
                volume["size_gigabytes"] = asked["size_gigabytes"]
            else:
                volume["droplet_ids"] = [asked["droplet_id"]] if asked["type"] == "attach" else []
            return {"action": {"id": 7, "status": "in-progress", "type": asked["type"]}}

        @app.get("/v2/actions/{id}")
        def action(id: int) -> dict[str, Any]:
            return {"action": {"id": id, "status": "completed"}}

        @app.exception_handler(HTTPException)
        def refuse(_request: Request, error: HTTPException) -> Any:
            from fastapi.responses import JSONResponse

            return JSONResponse({"id": "refused", "message": error.detail}, error.status_code)

        return app

    def _found(self, id: str) -> dict[str, Any]:
        if id not in self.volumes:
            raise HTTPException(404, "The resource you were accessing could not be found.")
        return self.volumes[id]
