"""REST doorways: conversations, their messages, questions, and what answers cite."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from answers import answering, conversations, readers, searching, sse, turns
from answers.models import Conversation, Message, MessageState
from answers.serializers import (
    AnswerSerializer,
    AskSerializer,
    ConversationSerializer,
    MessageSerializer,
    QuestionSerializer,
    ReaderSerializer,
)
from ingestion import file_responses

EVENTS_EXPLAINED = (
    "Server-sent events: `stage` {stage}, `evidence` {count, citations}, `delta` {text}, and at "
    "the end one of `done`, `stopped`, `failed` with the whole answer. Their ids can be sent "
    "back as `Last-Event-ID` to `/messages/{id}/events/`."
)
EVENTS = OpenApiResponse(OpenApiTypes.STR, EVENTS_EXPLAINED)
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


class ConversationViewSet(viewsets.ModelViewSet[Conversation]):
    """Your conversations, the latest first."""

    serializer_class = ConversationSerializer
    queryset = Conversation.objects.none()
    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    content_negotiation_class = StreamOrJSON
    # What a token must be allowed to do; all else follows from the method.
    required_scopes = {"create": "read", "ask": "read"}

    def get_queryset(self) -> QuerySet[Conversation]:
        mine = Conversation.objects.visible_to(self.request.user)
        if self.action == "list":
            mine = mine.listed()
        return mine.prefetch_related("collections", "documents")

    def perform_create(self, serializer: BaseSerializer[Conversation]) -> None:
        user: Any = self.request.user
        serializer.instance = conversations.create(user, **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Conversation]) -> None:
        changed = serializer.validated_data
        is_rescoped = "collections" in changed or "documents" in changed
        conversation = serializer.save()
        if is_rescoped:
            conversations.set_scope(
                conversation,
                collections=conversation.collections.all(),
                documents=conversation.documents.all(),
            )

    def perform_destroy(self, instance: Conversation) -> None:
        conversations.delete(instance)

    @extend_schema(responses=MessageSerializer(many=True))
    @action(detail=True)
    def messages(self, request: Request, id: UUID) -> Response:
        """List questions and answers, oldest first."""
        rows = self.get_object().messages.select_related("conversation", "question")
        pages = LimitOffsetPagination()
        page = pages.paginate_queryset(rows, request, self) or []
        found = MessageSerializer(page, many=True, context=self.get_serializer_context())
        return pages.get_paginated_response(found.data)

    @extend_schema(request=QuestionSerializer, responses=ANSWERED)
    @messages.mapping.post
    def ask(self, request: Request, id: UUID) -> HttpResponseBase:
        """Ask the next question, of what the conversation is set to ask."""
        form = QuestionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return _ask(request, self.get_object(), **form.validated_data)


class MessageViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Message]):
    """Your questions and the answers to them."""

    serializer_class = MessageSerializer
    queryset = Message.objects.none()
    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    content_negotiation_class = StreamOrJSON
    required_scopes = {"stop": "read"}

    def get_queryset(self) -> QuerySet[Message]:
        user: Any = self.request.user
        if self.action != "retrieve":
            return conversations.answers_visible_to(user)
        mine = Conversation.objects.visible_to(user)
        rows = Message.objects.filter(conversation__in=mine)
        return rows.select_related("conversation", "question")

    @extend_schema(
        responses={(200, "text/event-stream"): EVENTS},
        parameters=[OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER)],
    )
    @action(detail=True)
    def events(self, request: Request, id: UUID) -> HttpResponseBase:
        """Follow an answer, from the start or from where the connection was lost."""
        return _stream(request, self.get_object(), after=sse.resume_point(request.headers))

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, id: UUID) -> Response:
        """Stop an answer that is being written; what was said is kept."""
        answering.stop(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class AskView(APIView):
    """Questions that begin a conversation of their own."""

    content_negotiation_class = StreamOrJSON
    required_scope = "read"

    @extend_schema(request=AskSerializer, responses=ANSWERED)
    def post(self, request: Request) -> HttpResponseBase:
        """Ask a question of everything you may read, or of what you choose.

        It goes on with `conversation`, where that is given. Otherwise it is a question by
        itself: with `keep` it begins a conversation among your others; without, the answer can
        be fetched for a day by its id, and is then forgotten.
        """
        form = AskSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        chosen = {name: asked.pop(name) for name in ("collections", "documents") if name in asked}
        found, keep = asked.pop("conversation", None), asked.pop("keep")
        user: Any = request.user
        if found is None:
            found = conversations.create(user, is_listed=keep, **chosen)
        elif chosen:
            conversations.set_scope(found, **{"collections": (), "documents": (), **chosen})
        return _ask(request, found, **asked)


class ReadersView(APIView):
    """Who can write answers on this site."""

    required_scope = "read"

    @extend_schema(responses=ReaderSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the readers that a question or a conversation can name."""
        return Response(ReaderSerializer(readers.choices(), many=True).data)


class CitationImageView(APIView):
    """The images that were kept with an answer."""

    image = ""

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Show a citation's page, or the crop of its figure or table."""
        user: Any = request.user
        _answer, source = turns.find_source(user, pk)
        return file_responses.image(request._request, getattr(source.citation, self.image))


def _ask(
    request: Request,
    conversation: Conversation,
    *,
    question: str,
    stream: bool,
    reader: str | None = None,
) -> HttpResponseBase:
    # Before anything is stored: a question that nothing can answer is the client's to mend.
    searching.where_to_look(conversation)
    if stream or "text/event-stream" in request.headers.get("Accept", ""):
        answer = answering.ask(conversation, question, reader=reader)
        return _stream(request, answer, after=sse.START)
    answer = answering.answer_now(conversation, question, reader=reader)
    if answer.state == MessageState.FAILED:
        raise AnswerFailed(answer.error)
    return Response(AnswerSerializer(answer, context={"request": request}).data)


def _stream(request: Request, answer: Message, *, after: str) -> HttpResponseBase:
    user: Any = request.user
    context = {"request": request}

    def row() -> Message:
        return conversations.answers_visible_to(user).get(pk=answer.pk)

    translate = sse.for_programs(
        evidence=lambda: MessageSerializer(row(), context=context).data["citations"],
        end=lambda: AnswerSerializer(row(), context=context).data,
    )
    return sse.response(sse.stream(answer.uuid, translate, after=after))
