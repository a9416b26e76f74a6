"""Refuse requests whose body is larger than anybody needs there, before it is kept or parsed.

Django takes in a whole body before it asks who sends it, and its own limit is for forms alone.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from answers import attachments
from rag_site import errors, receiving
from retrieval import pictures, questions

MB = 2**20
SMALL: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
# In base64, four letters stand for three bytes.
PICTURES = attachments.MOST * pictures.MAX_BYTES * 4 // 3
# A conversation that a front end sends along, as OpenAI's clients do.
CONVERSATION = 32 * MB
# What may come beside a small body, by where it is sent.
LIMITS = {
    **{f"/api/v1/{name}/": PICTURES for name in ("search", "ask", "conversations")},
    "/api/v1/evaluation/sets/": questions.MAX_BYTES,
    "/v1/chat/completions": CONVERSATION,
}
# Of forms with files, which are not parsed in memory. One without a script sends all documents
# at once; each is held to its own limit.
FORM_LIMITS = {
    "/api/v1/documents/": settings.UPLOAD_MAX_MB * MB,
    "/documents/upload/": settings.DATA_UPLOAD_MAX_NUMBER_FILES * settings.UPLOAD_MAX_MB * MB,
    "/chat/": PICTURES,
    "/lab/evaluation/questions/": questions.MAX_BYTES,
}


def largest(scope: Any) -> int | None:
    """Return how many bytes a request's body may have; None where its reader sees to that."""
    path: str = scope["path"]
    if receiving.concerns(scope) and scope["method"] == "PATCH":
        return None
    is_form = dict(scope["headers"]).get(b"content-type", b"").startswith(b"multipart/form-data")
    limits = LIMITS | FORM_LIMITS if is_form else LIMITS
    return SMALL + next((most for prefix, most in limits.items() if path.startswith(prefix)), 0)


class LimitBodies:
    """ASGI middleware: answers 413 as soon as a body is, or is said to be, too large."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        most = largest(scope)
        if most is None:
            await self.app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"")
        if said.isdigit() and int(said) > most:
            await _refuse(scope, send, most)
            return
        counted = _Counted(receive, send, most)
        try:
            await self.app(scope, counted.receive, counted.send)
        except Exception:
            # Some libraries raise where a body breaks off.
            if not counted.is_too_large:
                raise
        if counted.is_too_large:
            await _refuse(scope, send, most)


class _Counted:
    """One request's messages; to who reads it, a body that grows too large breaks off."""

    def __init__(self, receive: Any, send: Any, most: int) -> None:
        self._receive, self._send, self._left = receive, send, most

    @property
    def is_too_large(self) -> bool:
        return self._left < 0

    async def receive(self) -> Any:
        if self.is_too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_too_large else message

    async def send(self, message: Any) -> None:
        if not self.is_too_large:
            await self._send(message)


async def _refuse(scope: Any, send: Any, most: int) -> None:
    response = errors.too_large(scope["path"], f"This is larger than {most // MB} MB.")
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
