"""An assistant with the official client: it lists, searches, reads and asks as the token's user."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from answers import assistants, searching
from answers.models import Conversation
from answers.readers import ReaderDelta
from ingestion.models import Collection, Document
from rag_site import mcp_server
from rag_site.accounts import tokens
from tests.answers.conftest import (  # noqa: F401  (fixtures)
    document,
    person,
    scripted,
    searches,
    stranger,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_cache", "searches", "scripted", "document"),
]


@asynccontextmanager
async def client(headers: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the server, which runs meanwhile. A lifespan runs once: each gets its own."""
    mcp_server.application = mcp_server.make_application()
    transport = httpx2.ASGITransport(app=mcp_server.app)
    async with (
        mcp_server.application.router.lifespan_context(mcp_server.application),
        httpx2.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as http,
    ):
        yield http


def assistant(secret: str, work) -> Any:
    """Run `work` with an initialised session of the official client."""

    async def run() -> Any:
        async with (
            client({"Authorization": f"Bearer {secret}"}) as http,
            streamable_http_client("http://localhost/mcp", http_client=http) as streams,
            ClientSession(*streams[:2]) as session,
        ):
            await session.initialize()
            return await work(session)

    return asyncio.run(run())


def call(secret: str, tool: str, **arguments: Any) -> Any:
    return assistant(secret, lambda session: session.call_tool(tool, arguments))


def said(result: Any) -> Any:
    return result.structured_content.get("result", result.structured_content)


@pytest.fixture(autouse=True)
def same_search(monkeypatch, searches):  # noqa: F811
    monkeypatch.setattr(assistants, "search", searching.search)


@pytest.fixture
def secret(person) -> str:  # noqa: F811
    return tokens.issue(person, name="assistant")[1]


def test_the_tools_are_listed(secret) -> None:
    listed = assistant(secret, lambda session: session.list_tools())
    assert {tool.name for tool in listed.tools} == {"list_documents", "search", "read_page", "ask"}


def test_an_assistant_searches_and_reads_the_page(secret, document) -> None:  # noqa: F811
    hits = said(call(secret, "search", query="leave"))
    assert (hits[0]["document"], hits[0]["page"]) == (str(document.uuid), 1)
    page = said(call(secret, "read_page", document=str(document.uuid), page=1))
    assert "25 days of leave" in page["text"]
    assert "| 2018 | 12 |" in page["text"]


def test_an_assistant_asks(secret, scripted) -> None:  # noqa: F811
    scripted.script = lambda prompt: iter([ReaderDelta(text="25 days [1].")])
    answer = said(call(secret, "ask", question="How much leave?"))
    assert answer["answer"] == "25 days [1]."
    assert [(cited["number"], cited["page"]) for cited in answer["citations"]] == [(1, 1)]
    assert not Conversation.objects.exists()


def test_it_sees_what_its_user_sees(stranger, document) -> None:  # noqa: F811
    _, secret = tokens.issue(stranger, name="assistant")
    assert said(call(secret, "list_documents")) == []
    refused = call(secret, "read_page", document=str(document.uuid), page=1)
    assert refused.is_error
    assert "There is no document" in refused.content[0].text
    refused = call(secret, "ask", question="Hm?", collection=document.collection_id)
    assert refused.is_error


def test_what_is_not_there_is_said(secret, document) -> None:  # noqa: F811
    refused = call(secret, "read_page", document=str(document.uuid), page=99)
    assert refused.is_error
    assert "has pages 1 to 2" in refused.content[0].text
    assert call(secret, "read_page", document="nonsense", page=1).is_error


def test_one_that_waits_holds_up_no_other(secret, scripted) -> None:  # noqa: F811
    searched = threading.Event()

    def slow(prompt: Any) -> Any:
        yield ReaderDelta(text="25 days [1].")
        assert searched.wait(30), "the search waited for the answer"

    async def both(session: ClientSession) -> Any:
        asked = asyncio.ensure_future(session.call_tool("ask", {"question": "How much leave?"}))
        found = await session.call_tool("search", {"query": "leave"})
        searched.set()
        return found, await asked

    scripted.script = slow
    found, answer = assistant(secret, both)
    assert said(found)[0]["page"] == 1
    assert said(answer)["answer"] == "25 days [1]."


def test_assistants_are_held_to_the_limit_of_requests(secret, settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    statuses = [posted({"Authorization": f"Bearer {secret}"}).status_code for _ in range(2)]
    assert statuses[1] == 429
    assert int(posted({"Authorization": f"Bearer {secret}"}).headers["retry-after"]) > 0


@pytest.mark.parametrize(("tool", "name"), [("ask", "question"), ("search", "query")])
def test_what_is_too_long_is_refused(secret, scripted, tool, name) -> None:  # noqa: F811
    refused = call(secret, tool, **{name: "why " * 2001})
    assert refused.is_error
    assert "at most" in refused.content[0].text


def posted(headers: dict[str, str]) -> httpx2.Response:
    async def post() -> httpx2.Response:
        async with client(headers) as http:
            return await http.post("/mcp", content=json.dumps({"jsonrpc": "2.0", "id": 1}))

    return asyncio.run(post())


def test_without_a_token_nothing_is_said() -> None:
    response = posted({})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert Document.objects.exists()
    assert Collection.objects.exists()
