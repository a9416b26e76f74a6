"""`Idempotency-Key`: a write of the API that is sent again is answered, not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from rag_site.errors import problem

KEPT_SECONDS = 24 * 3600
# A request that holds its key longer than this has died.
IN_HAND_SECONDS = 600
LONGEST_KEY = 255
# Larger bodies are known by their length: an upload is not read twice.
HASHED_BYTES = 1_000_000
IN_HAND = "in hand"
# Refusals that may be none a moment later.
PASSING = (401, 403, 408, 423, 429)
# What belongs to the answer, not to the moment. An empty answer has no Content-Type.
KEPT_HEADERS = ("Content-Type", "Location", "Tus-Resumable", "Tus-Version", "Upload-Expires")


class Idempotency:
    """Middleware: keeps the answer to a POST that carries a key, for a day.

    The key belongs to whoever sends it and to the address. With another body it is refused
    (422); while the first request is in hand, the second is told so (409). Answers that may
    be another a moment later (5xx, 401, 403, 423, 429), streams, and what says `no-store` are not
    kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key", "")
        applies = request.method == "POST" and request.path.startswith("/api/") and _who(request)
        if not key or not applies:
            return self.get_response(request)
        if len(key) > LONGEST_KEY:
            return problem(400, "idempotency_key", "An Idempotency-Key has up to 255 characters.")
        try:
            return self._once(request, _place(request, key))
        except redis.RedisError:
            return problem(
                503,
                "unavailable",
                "Keys are remembered in Redis, which does not answer; nothing was done.",
            )

    def _once(self, request: HttpRequest, place: str) -> HttpResponseBase:
        content = _content(request)
        if not cache.add(place, (IN_HAND, content), IN_HAND_SECONDS):
            return _again(cache.get(place), content)
        kept: Any = None
        try:
            response = self.get_response(request)
            kept = _kept(response)
        finally:
            if kept is None:
                cache.delete(place)
        if kept is not None:
            cache.set(place, (kept, content), KEPT_SECONDS)
        return response


def _place(request: HttpRequest, key: str) -> str:
    named = "\0".join((_who(request), request.get_full_path(), key))
    return f"idempotency-2:{hashlib.sha256(named.encode()).hexdigest()}"


def _who(request: HttpRequest) -> str:
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return str(request.headers.get("Authorization") or cookie)


def _content(request: HttpRequest) -> str:
    length = int(request.headers.get("Content-Length") or 0)
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    if kind == "application/json" and length <= HASHED_BYTES:
        return hashlib.sha256(request.body).hexdigest()
    return f"{kind} {length}"


def _again(before: Any, content: str) -> HttpResponse:
    if before is None or before[0] == IN_HAND:
        return problem(409, "in_hand", "The first request with this key is still being done.")
    kept, same = before
    if same != content:
        return problem(
            422, "idempotency_key_reused", "This key was used with other content: take a new one."
        )
    status, headers, body = kept
    response = HttpResponse(body, status=status, headers=headers)
    response["Idempotent-Replayed"] = "true"
    return response


def _kept(response: HttpResponseBase) -> tuple[int, dict[str, str], bytes] | None:
    passing = response.status_code >= 500 or response.status_code in PASSING
    if response.streaming or passing or "no-store" in response.get("Cache-Control", ""):
        return None
    assert isinstance(response, HttpResponse)
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    return response.status_code, headers, response.content
