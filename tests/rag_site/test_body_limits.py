"""Bodies that are too large are refused while they arrive, before anything is made of them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from django.core.asgi import get_asgi_application
from django.urls import resolve

from rag_site import body_limits, mcp_server
from rag_site.body_limits import FORM_LIMITS, LIMITS, MB, SMALL, LimitBodies

JSON, FORM = b"application/json", b"multipart/form-data; boundary=x"
PIECE = b"[" + b"[]," * 21_844 + b"[]]"


def largest(path: str, kind: bytes = JSON, method: str = "POST") -> Any:
    headers = [(b"content-type", kind)]
    scope = {"type": "http", "path": path, "method": method, "headers": headers}
    return body_limits.largest(scope)


class Pieces:
    """A body without a length, which notes how much of it was taken."""

    def __init__(self, count: int) -> None:
        self.count, self.taken = count, 0

    async def __aiter__(self) -> Any:
        for _ in range(self.count):
            self.taken += 1
            yield PIECE


def post(app: Any, path: str, body: Any, **headers: str) -> httpx2.Response:
    async def send() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=LimitBodies(app))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
            kind = {"Content-Type": "application/json"}
            return await http.post(path, content=body, headers=kind | headers)

    return asyncio.run(send())


async def never(*_: Any) -> None:
    raise AssertionError("the application was asked")


def test_a_length_that_is_too_large_is_refused_before_the_application_is_asked() -> None:
    refused = post(never, "/api/v1/auth/token/", b" " * (SMALL + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert refused.headers["content-type"] == "application/problem+json"
    page = post(never, "/login/", b" " * (SMALL + 1))
    assert (page.status_code, page.text) == (413, "This is larger than 2 MB.")


@pytest.mark.parametrize("path", ["/api/v1/auth/token/", "/login/"])
def test_a_body_of_unknown_length_is_taken_no_further_than_its_limit(path) -> None:
    body = Pieces(1000)
    refused = post(get_asgi_application(), path, body)
    assert refused.status_code == 413
    assert (body.taken - 1) * len(PIECE) <= SMALL < body.taken * len(PIECE) + len(PIECE)


@pytest.mark.django_db(transaction=True)
def test_assistants_are_held_to_it_too(monkeypatch) -> None:
    async def reads(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    monkeypatch.setattr(mcp_server, "application", reads)
    monkeypatch.setattr(mcp_server, "_admitted", lambda header: object())
    body = Pieces(1000)
    assert post(mcp_server.app, "/mcp", body).status_code == 413
    assert body.taken < 100


def test_an_application_that_stumbles_over_the_end_is_answered_for() -> None:
    async def stumbles(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            if not message.get("more_body"):
                raise KeyError("a mistake of its own")
        raise ConnectionError("disconnected")

    assert post(stumbles, "/mcp", Pieces(1000)).status_code == 413
    with pytest.raises(KeyError):
        post(stumbles, "/mcp", Pieces(1))


def test_where_files_and_pictures_are_sent_more_is_taken() -> None:
    assert largest("/api/v1/auth/token/") == largest("/api/v1/auth/token/", FORM) == SMALL
    assert largest("/api/v1/ask/") > 100 * MB
    assert largest("/v1/chat/completions") < 50 * MB
    assert largest("/api/v1/documents/") == SMALL
    assert largest("/api/v1/documents/", FORM) > 200 * MB
    assert 200 * 200 * MB < largest("/documents/upload/", FORM) < 201 * 200 * MB
    assert largest("/documents/upload/") == SMALL
    part = "/api/v1/uploads/00000000-0000-4000-8000-000000000000/"
    assert largest(part, method="PATCH") is None
    assert largest(f"{part}finish/") == SMALL


@pytest.mark.parametrize("prefix", [*LIMITS, *FORM_LIMITS])
def test_every_limit_is_of_an_address_that_there_is(prefix) -> None:
    assert resolve(prefix)
