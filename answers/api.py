"""REST doorways: conversations, questions, and what answers cite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from answers import (
    answering,
    attachments,
    conversations,
    exporting,
    readers,
    searching,
    threads,
    turns,
)
from answers.api_answers import ANSWERED, StreamOrJSON, respond
from answers.attachments import Attached
from answers.models import Conversation, Message
from answers.serializers import (
    AskSerializer,
    ConversationSerializer,
    MessageSerializer,
    QuestionSerializer,
    ReaderSerializer,
)
from ingestion import file_responses


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
        mine: QuerySet[Conversation] = Conversation.objects.visible_to(self.request.user)
        if self.action == "list":
            found = Conversation.objects.visible_to(self.request.user).listed()
            mine = conversations.matching(found, self.request.query_params.get("find", ""))
        return mine.prefetch_related("collections", "documents")

    @extend_schema(
        parameters=[OpenApiParameter("find", str, description="Words of titles or messages.")]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List your conversations, the latest first."""
        return super().list(request, *args, **kwargs)

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

    @extend_schema(
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (200, "text/markdown"): OpenApiTypes.STR,
        },
        parameters=[
            OpenApiParameter("as", str, enum=[*exporting.FORMATS], default="json"),
        ],
    )
    @action(detail=True)
    def export(self, request: Request, id: UUID) -> HttpResponse:
        """Take the branch that is shown away as a file: Markdown, PDF or JSON."""
        name = request.query_params.get("as", "json")
        if name not in exporting.FORMATS:
            raise ValidationError({"as": f"Choose one of: {', '.join(exporting.FORMATS)}."})
        return exporting.response(self.get_object(), request, name)

    @extend_schema(
        responses=MessageSerializer(many=True),
        parameters=[
            OpenApiParameter(
                "branches", str, enum=["all"], description="Also those that are not shown."
            )
        ],
    )
    @action(detail=True)
    def messages(self, request: Request, id: UUID) -> Response:
        """List the questions and answers of the branch that is shown, oldest first."""
        conversation = self.get_object()
        rows = conversation.messages.select_related("conversation", "question", "follows")
        branches = request.query_params.get("branches")
        if branches not in (None, "all"):
            raise ValidationError({"branches": "Say “all”, or leave it out."})
        if branches is None:
            tree = threads.tree_of(conversation.pk)
            rows = rows.filter(pk__in=threads.shown(conversation, tree))
        paginator: Any = api_settings.DEFAULT_PAGINATION_CLASS
        pages = paginator()
        page = pages.paginate_queryset(rows, request, self) or []
        found = MessageSerializer(page, many=True, context=self.get_serializer_context())
        return pages.get_paginated_response(found.data)

    @extend_schema(request=QuestionSerializer, responses=ANSWERED)
    @messages.mapping.post
    def ask(self, request: Request, id: UUID) -> HttpResponseBase:
        """Ask the next question, of what the conversation is set to ask."""
        conversation = self.get_object()
        context = {**self.get_serializer_context(), "conversation": conversation}
        form = QuestionSerializer(data=request.data, context=context)
        form.is_valid(raise_exception=True)
        return _ask(request, lambda: conversation, **form.validated_data)


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

        def conversation() -> Conversation:
            if found is None:
                return conversations.create(user, is_listed=keep, **chosen)
            if chosen:
                conversations.set_scope(found, **{"collections": (), "documents": (), **chosen})
            return found

        return _ask(request, conversation, **asked)


class ReadersView(APIView):
    """Who can write answers on this site."""

    required_scope = "read"

    @extend_schema(responses=ReaderSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the readers that a question or a conversation can name."""
        return Response(ReaderSerializer(readers.choices(), many=True).data)


class AttachmentImageView(APIView):
    """Pictures that questions carry."""

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Show a picture, or the place, that a question of yours carries."""
        user: Any = request.user
        found = attachments.find(user, id)
        return file_responses.image(request._request, found.attachment.image)


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
    request: Request, conversation: Callable[[], Conversation], *, question: str, **options: Any
) -> HttpResponseBase:
    follows = options.pop("follows", None)
    carried = Attached(tuple(options.pop("images", ())), tuple(options.pop("regions", ())))

    def begin(*, reader: str | None, wait: bool) -> Message:
        # All or nothing: of a question that is refused, or that nothing can answer, nothing stays.
        with transaction.atomic():
            found = conversation()
            searching.where_to_look(found)
            answer = answering.store(found, question, follows=follows, attached=carried)
        return answering.write(answer, reader=reader, wait=wait)

    return respond(request, begin, **options)
