"""How REST doorways answer with an answer: as a whole, or as a stream of its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from answers import (
    conversations,
    events,
    sse,
)
from answers.models import Message, MessageState
from answers.serializers import (
    AnswerSerializer,
    MessageSerializer,
)

EVENTS_EXPLAINED = (
    "Server-sent events: `stage` {stage} (of `waiting` also {ahead}, how many answers come "
    "before), `evidence` {count, citations}, `delta` {text}, and at the end one of `done`, "
    "`stopped`, `failed` with the whole answer or, where that was deleted meanwhile, with an "
    "{error}. Their ids can be sent back as `Last-Event-ID` "
    "to `/messages/{id}/events/`."
)
# Of a stream, the schema describes one event.
EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["stage", "evidence", "delta", "done", "stopped", "failed"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string"},
    },
}
EVENTS = OpenApiResponse(EVENT, EVENTS_EXPLAINED)
ANSWERED = {
    (200, "application/json"): OpenApiResponse(
        AnswerSerializer, f"The whole answer or, where `stream` is set: {EVENTS_EXPLAINED}"
    ),
    (200, "text/event-stream"): EVENTS,
    422: OpenApiResponse(description="There is no document to ask; `detail` says why."),
    502: OpenApiResponse(description="No answer could be written; `detail` says why."),
}


class AnswerFailed(APIException):
    """The reader or the search failed; the message is kept, with the evidence found."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_code = "answer_failed"


class StreamOrJSON(DefaultContentNegotiation):
    """Let `Accept: text/event-stream` pass; what is not a stream, errors too, is JSON."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class Begin(Protocol):
    def __call__(self, *, reader: str | None, wait: bool) -> Message: ...


def respond(
    request: Request, begin: Begin, *, stream: bool, reader: str | None = None
) -> HttpResponseBase:
    """Answer with the events of what is begun, or with the whole answer when it is there."""
    if stream or "text/event-stream" in request.headers.get("Accept", ""):
        return streamed(request, begin(reader=reader, wait=False), after=sse.START)
    answer = begin(reader=reader, wait=True)
    if answer.state == MessageState.FAILED:
        raise AnswerFailed(answer.error)
    return Response(AnswerSerializer(answer, context={"request": request}).data)


def streamed(request: Request, answer: Message, *, after: str) -> HttpResponseBase:
    user: Any = request.user
    context = {"request": request}

    def row() -> Message | None:
        return conversations.answers_visible_to(user).filter(pk=answer.pk).first()

    def evidence() -> list[Any]:
        found = row()
        return MessageSerializer(found, context=context).data["citations"] if found else []

    def end() -> Mapping[str, Any]:
        found = row()
        return AnswerSerializer(found, context=context).data if found else {"error": events.DELETED}

    translate = sse.for_programs(evidence=evidence, end=end)
    return sse.response(sse.stream(answer.uuid, translate, after=after))
