"""Every route, tried by everybody who is not its owner.

The routes are taken from the site itself: a new one is tried from the day it is there. What
belongs to somebody else bears a mark in its title, text and names; no response to another
person may hold it, and nothing of it may change.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from answers.models import Attachment, Citation, Conversation, Feedback, Message, Role
from ingestion import tus, uploads
from ingestion.models import Chunk, Collection, Document, DocumentState, Page, Upload
from rag_site.accounts import tokens
from rag_site.accounts.models import ApiToken
from rag_site.webhooks.models import Delivery, Webhook
from tests.answers.conftest import jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_cache", "sent_tasks")]

MARK = "xyzzy"
METHODS = ("get", "post", "patch", "put", "delete")
# What anybody may have without signing in.
PUBLIC = {
    *("login", "start", "health", "health-live", "health-ready"),
    *("token-sign-in", "schema", "api-docs"),
    # Says that such a link does not hold.
    "set_password",
}
# Ends the session of whoever tries it.
LEFT_OUT = {"logout"}
OWNED: tuple[Any, ...] = (
    Collection,
    Document,
    Page,
    Chunk,
    Conversation,
    Message,
    Citation,
    Attachment,
    ApiToken,
    Upload,
    Webhook,
    Delivery,
)


@dataclass(frozen=True)
class Route:
    name: str
    pattern: str

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.pattern)


def routes() -> list[Route]:
    return list(_routes(get_resolver().url_patterns, "", ""))


def _routes(patterns: Any, prefix: str, namespace: str) -> Iterator[Route]:
    for each in patterns:
        path = prefix + str(each.pattern).replace("^", "").replace("$", "")
        if isinstance(each, URLResolver):
            if not path.startswith("admin/"):
                yield from _routes(each.url_patterns, path, each.namespace or namespace)
        elif isinstance(each, URLPattern):
            yield Route(each.name or "", path)


@dataclass
class World:
    """What one person owns, and nobody else may see."""

    owner: Any
    collection: Collection
    document: Document
    chunk: Chunk
    conversation: Conversation
    question: Message
    answer: Message
    citation: Citation
    attachment: Attachment
    token: ApiToken
    upload: Upload
    webhook: Webhook
    delivery: Delivery

    def values_for(self, route: Route) -> dict[str, Any]:
        return {name: self._value(route, name) for name in route.parameters}

    def _value(self, route: Route, name: str) -> Any:
        """What stands for the parameter in the owner's world; KeyError asks for an entry here."""
        if name in ("number", "space", "name"):
            return {"number": 1, "space": "text", "name": "json"}[name]
        if name in ("uidb64", "token", "delivery"):
            return {"uidb64": "MQ", "token": "x-y", "delivery": self.delivery.uuid}[name]
        path = route.pattern
        for start, value in (
            ("documents/uploads", self.upload.uuid),
            ("api/v1/uploads", self.upload.uuid),
            ("account/webhooks", self.webhook.uuid),
            ("api/v1/webhooks", self.webhook.uuid),
            ("chat/messages", self.answer.uuid),
            ("chat/citations", self.citation.pk),
            ("chat/attachments", self.attachment.uuid),
            ("chat/", self.conversation.uuid),
            ("documents/collections", self.collection.pk),
            ("documents/", self.chunk.pk if name == "pk" else self.document.uuid),
            ("account/tokens", self.token.uuid),
            ("api/v1/tokens", self.token.uuid),
            ("api/v1/collections", self.collection.pk),
            ("api/v1/documents", self.document.uuid),
            ("api/v1/conversations", self.conversation.uuid),
            ("api/v1/messages", self.answer.uuid),
            ("api/v1/attachments", self.attachment.uuid),
            ("api/v1/citations", self.citation.pk),
            ("v1/models", f"pagewise/x-{self.collection.pk}"),
        ):
            if path.startswith(start):
                return value
        # Not anybody's own, but an administrator's: any number will do.
        if path.startswith(("lab/", "api/v1/", "dashboard/", "account/")):
            return "00000000-0000-4000-8000-000000000000" if "uuid" in path else 1
        raise KeyError(f"{route}: say in this table what {name} stands for")

    def path(self, route: Route) -> str:
        values = self.values_for(route)
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: str(values[found[1]]), route.pattern)
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), path)

    def body(self) -> dict[str, Any]:
        """Names everything of the owner's in the fields that routes read."""
        return {
            **{"query": "plan", "question": "What is the plan?", "name": "taken", "title": "taken"},
            **{"collection": self.collection.pk, "collections": [self.collection.pk]},
            **{"document": str(self.document.uuid), "documents": [str(self.document.uuid)]},
            **{"chunk": self.chunk.pk, "like": self.chunk.pk, "page": 1, "box": "1,1,90,90"},
            **{"kind": "person", "role": "editor", "do": "share", "verdict": "good"},
            **{"model": f"pagewise/x-{self.collection.pk}", "tags": "taken", "scope": "read"},
            "messages": [{"role": "user", "content": "What is the plan?"}],
        }

    def part_headers(self) -> dict[str, str]:
        """What a tus client would send to add to the owner's upload, or their collection."""
        place = base64.b64encode(str(self.collection.pk).encode()).decode()
        return {
            **{"Tus-Resumable": tus.VERSION, "Upload-Offset": "4", "Upload-Length": "9"},
            "Upload-Metadata": f"collection {place}",
        }

    def state(self) -> dict[str, list]:
        return {model.__name__: list(model.objects.order_by("pk").values()) for model in OWNED}


@pytest.fixture
def world() -> World:
    owner = get_user_model().objects.create_user(f"{MARK}-owner")
    collection = Collection.objects.create(name=f"{MARK} plans", owner=owner)
    document = Document.objects.create(
        collection=collection, title=f"{MARK} report", filename=f"{MARK}.pdf", sha256="0" * 64,
        size_bytes=1, page_count=1, state=DocumentState.READY, live_generation=1,
    )  # fmt: skip
    document.file.save("a.pdf", ContentFile(f"%PDF-1.7 {MARK}".encode()))
    picture = ContentFile(jpeg() + MARK.encode())
    image = default_storage.save(f"{document.folder}/pages/1.jpg", picture)
    page = Page.objects.create(document=document, number=1, width=612, height=792, image=image)
    chunk = Chunk.objects.create(
        document=document, page=page, generation=1, order=0, kind="image", page_number=1,
        box=[0, 0, 9, 9], text=f"The plan is {MARK}.", image=image,
    )  # fmt: skip
    chat = Conversation.objects.create(owner=owner, title=f"{MARK} chat")
    chat.collections.add(collection)
    question = Message.objects.create(conversation=chat, role=Role.USER, content=f"{MARK}?")
    answer = Message.objects.create(
        conversation=chat, role=Role.ASSISTANT, question=question, content=f"{MARK} [1]."
    )
    citation = Citation.objects.create(
        message=answer, number=1, cited=True, document=document, chunk=chunk,
        collection=collection, document_title=f"{MARK} report", kind="image", page_number=1,
        text=f"The plan is {MARK}.", crop=image, page_image=image,
    )  # fmt: skip
    attachment = Attachment.objects.create(
        message=question, kind="image", image=image, width=9, height=9
    )
    token, _ = tokens.issue(owner, name=f"{MARK} script", scope="write")
    upload = uploads.begin(
        owner, size=9, filename=f"{MARK}.pdf", collection=collection,
        told=f"filename {base64.b64encode(MARK.encode()).decode()}",
    )  # fmt: skip
    uploads.append(upload, [b"%PDF"], offset=0)
    webhook = Webhook.objects.create(
        owner=owner, url=f"https://{MARK}.example.org/", events=["document.ready"]
    )
    delivery = Delivery.objects.create(webhook=webhook, event="ping", body=f'"{MARK}"')
    return World(
        owner, collection, document, chunk, chat, question, answer, citation, attachment, token,
        upload, webhook, delivery,
    )  # fmt: skip


def person(kind: str) -> Client:
    client = Client(raise_request_exception=False)
    if kind != "nobody":
        user = get_user_model().objects.create_user(kind, is_staff=kind == "staff")
        client.force_login(user)
    return client


def tried(client: Client, world: World, route: Route, method: str) -> Any:
    send: Any = getattr(client, method)
    path, body = world.path(route), world.body()
    if path.startswith("/api/v1/uploads/") and method != "get" and "finish" not in path:
        return send(path, b"stuff", content_type=tus.PART_TYPE, headers=world.part_headers())
    if method == "get":
        return send(path, body)
    if path.startswith(("/api/", "/v1/")):
        return send(path, body, content_type="application/json")
    if method == "post":
        return send(path, {**body, "file": SimpleUploadedFile("a.pdf", b"%PDF-1.7 nothing")})
    return send(path)


def text_of(response: Any) -> str:
    if response.streaming and response.is_async:
        return ""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return f"{content.decode(errors='replace')} {response.headers}"


@pytest.mark.parametrize("kind", ["nobody", "stranger", "staff"])
def test_nobody_else_sees_or_changes_what_is_not_theirs(world, kind, record_property) -> None:
    client, before = person(kind), world.state()
    count, faults = 0, []
    tried_routes = [route for route in routes() if route.name not in LEFT_OUT]
    for route in tried_routes:
        for method in METHODS:
            response = tried(client, world, route, method)
            count += 1
            what = f"{kind}: {method} /{route.pattern} gave {response.status_code}"
            if response.status_code >= 500 and response.status_code not in (502, 503):
                faults.append(what)
            if MARK in text_of(response).replace(world.path(route), ""):
                faults.append(f"{what}, with the mark")
            if kind == "nobody" and response.status_code < 300 and route.name not in PUBLIC:
                faults.append(f"{what} without signing in")
    told = f"{len(tried_routes)} routes by {len(METHODS)} methods as {kind}: {count} requests"
    record_property("told", told)
    assert faults == []
    assert count > 300
    kept = {
        name: [row for row in rows if row in before[name]] for name, rows in world.state().items()
    }
    assert kept == before


def test_the_owner_gets_what_the_others_do_not(world) -> None:
    """The trial can fail: the owner is shown the mark by the very same requests."""
    client = Client(raise_request_exception=False)
    client.force_login(world.owner)
    shown = {
        route.pattern.split("/")[0]
        for route in routes()
        if route.name not in LEFT_OUT and MARK in text_of(tried(client, world, route, "get"))
    }
    assert {"chat", "documents", "api", "account", "v1"} <= shown


def test_the_admin_site_shows_nothing_to_staff_without_rights(world) -> None:
    client = person("staff")
    for path in ("", "ingestion/document/", "answers/message/", "accounts/apitoken/"):
        response = client.get(f"/admin/{path}")
        assert MARK not in text_of(response)
    assert not Feedback.objects.exists()
