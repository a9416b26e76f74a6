"""The Model Context Protocol: assistants search, read and ask. The only module that imports `mcp`.

Served under /mcp, with an API token as `Authorization: Bearer …`, as the token's user.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import Field
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled

from answers import assistants
from answers.answering import QUESTION_LENGTH
from ingestion.errors import PermanentError, TransientError
from rag_site.accounts.authentication import user_of
from rag_site.accounts.throttling import count_request_of
from retrieval.serializers import MAX_QUERY

PATH = "/mcp"
INSTRUCTIONS = (
    "Pagewise holds documents (mostly PDF) of the people you work for. `search` finds passages, "
    "tables and figures with their pages; `read_page` gives a whole page; `ask` answers a "
    "question from the documents, with citations. Cite document and page for what you take."
)

_user: ContextVar[Any] = ContextVar("mcp_user")
server = MCPServer("Pagewise", instructions=INSTRUCTIONS)


async def _as_user(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return await _in_thread(function, _user.get(), *args, **kwargs)
    except (PermanentError, TransientError) as exc:
        raise ToolError(str(exc)) from exc


async def _in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call it in a thread of its own, as Django does with a request: none waits for another."""
    thread = ThreadPoolExecutor(1, "assistant")
    call = sync_to_async(_and_close, thread_sensitive=False, executor=thread)
    try:
        return await call(function, *args, **kwargs)
    finally:
        # Who hangs up does not wait for the end of it.
        thread.shutdown(wait=False)


def _and_close(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()


@server.tool()
async def list_documents(collection: int | None = None) -> list[dict[str, Any]]:
    """List the documents that can be searched, with their ids, titles and collections."""
    return await _as_user(assistants.list_documents, collection=collection)


@server.tool()
async def search(
    query: Annotated[str, Field(max_length=MAX_QUERY)],
    collection: int | None = None,
    limit: int = 8,
) -> list[dict[str, Any]]:
    """Find the passages, tables and figures that best answer a query, with their pages."""
    return await _as_user(assistants.find, query, collection=collection, limit=limit)


@server.tool()
async def read_page(document: str, page: int) -> dict[str, Any]:
    """Read everything on one page (from 1) of a document, named by its id."""
    return await _as_user(assistants.read_page, document, page)


@server.tool()
async def ask(
    question: Annotated[str, Field(max_length=QUESTION_LENGTH)], collection: int | None = None
) -> dict[str, Any]:
    """Answer a question from the documents; the answer's [n] are the citations' numbers."""
    return await _as_user(assistants.ask, question, collection=collection)


def make_application() -> Any:
    """Make the ASGI application; its lifespan runs once."""
    return server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=True,
        # A token proves who asks; the name by which the site was reached proves nothing more.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


application = make_application()


async def app(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Let in who shows a token and does not ask too often, and remember whose it is."""
    headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
    try:
        user = await _in_thread(_admitted, headers.get("authorization", b""))
    except AuthenticationFailed as exc:
        await _refuse(send, exc, {"www-authenticate": "Bearer"})
        return
    except Throttled as exc:
        wait: float | None = exc.wait  # type: ignore[attr-defined]
        await _refuse(send, exc, {"retry-after": str(math.ceil(wait or 1))})
        return
    held = _user.set(user)
    try:
        await application(scope, receive, send)
    finally:
        _user.reset(held)


def _admitted(authorization: bytes) -> Any:
    user = user_of(authorization)
    count_request_of(user)
    return user


async def _refuse(
    send: Callable[[Any], Awaitable[None]], reason: APIException, more: dict[str, str]
) -> None:
    said = {"content-type": "text/plain; charset=utf-8", **more}
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    status = reason.status_code
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": str(reason.detail).encode()})
