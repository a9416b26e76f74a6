"""Let a part of an upload be kept as far as it came, when its connection breaks.

Django reads a request's body before it calls a view, and drops the request when the connection
ends too early. For a part of an upload that would throw away everything since the last one:
here the end of the connection is told as the end of the body. Its length is not relied upon
by whoever takes it, and a checksum, where there is one, is still held against it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings

PREFIX = "/api/v1/uploads/"
OVERRIDE = b"x-http-method-override"
OVERRIDDEN = ("PATCH", "DELETE")


def concerns(scope: Any) -> bool:
    """Tell whether a connection is a request about an upload in parts."""
    return scope["type"] == "http" and scope["path"].startswith(PREFIX)


class KeepsWhatCame:
    """ASGI middleware for what `concerns`."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope = {**scope, "method": _method(scope)}
        if scope["method"] != "PATCH":
            await self.app(scope, receive, send)
            return
        connection = _Connection(receive, send)
        await self.app(scope, connection.receive, connection.send)


def _method(scope: Any) -> str:
    """The method that is meant: some proxies let only GET and POST through."""
    named = dict(scope["headers"]).get(OVERRIDE, b"").decode("latin-1").upper()
    return named if scope["method"] == "POST" and named in OVERRIDDEN else scope["method"]


class _Connection:
    """One request's messages; what breaks it off is told as the body's end."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._has_ended = False
        self._bytes = 0
        self._answered = asyncio.Event()

    async def receive(self) -> Any:
        if self._has_ended:
            # A disconnect would cancel the view, which has yet to keep what came.
            await self._answered.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            message = {"type": "http.request"}
        body = message.get("body", b"")
        self._bytes += len(body)
        # One byte too many is enough to be refused: no disk is filled with more.
        more = message.get("more_body", False) and self._bytes <= settings.UPLOAD_MAX_MB * 2**20
        self._has_ended = not more
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(self, message: Any) -> None:
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._answered.set()
