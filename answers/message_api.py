"""REST doorways: one question or answer, and what can be done with it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from answers import (
    answering,
    conversations,
    sse,
    threads,
)
from answers import feedback as judging
from answers.api_answers import ANSWERED, EVENTS, StreamOrJSON, respond, streamed
from answers.models import Feedback, Message
from answers.serializers import (
    AgainSerializer,
    EditSerializer,
    FeedbackSerializer,
    MessageSerializer,
)
from ingestion.errors import PermanentError
from ingestion.json_types import Refused


class MessageViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Message]):
    """Your questions and the answers to them."""

    serializer_class = MessageSerializer
    queryset = Message.objects.none()
    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    content_negotiation_class = StreamOrJSON
    required_scopes = dict.fromkeys(
        ("stop", "again", "edit", "show", "feedback", "withdraw_feedback"), "read"
    )

    def get_queryset(self) -> QuerySet[Message]:
        user: Any = self.request.user
        match self.action:
            case "retrieve" | "show":
                return conversations.messages_visible_to(user)
            case "edit":
                return conversations.questions_visible_to(user)
            case _:
                return conversations.answers_visible_to(user)

    @extend_schema(
        responses={(200, "text/event-stream"): EVENTS},
        parameters=[OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER)],
    )
    @action(detail=True)
    def events(self, request: Request, id: UUID) -> HttpResponseBase:
        """Follow an answer, from the start or from where the connection was lost."""
        return streamed(request, self.get_object(), after=sse.resume_point(request.headers))

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, id: UUID) -> Response:
        """Stop an answer that is being written; what was said is kept."""
        answering.stop(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=AgainSerializer, responses=ANSWERED)
    @action(detail=True, methods=["post"])
    def again(self, request: Request, id: UUID) -> HttpResponseBase:
        """Write another answer to the question of this one, which is kept."""
        question = self.get_object().question
        assert question is not None, "an answer belongs to a question"
        form = AgainSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        begin = partial(answering.answer_again, question)
        return respond(request, begin, **form.validated_data)

    @extend_schema(request=EditSerializer, responses=ANSWERED)
    @action(detail=True, methods=["post"])
    def edit(self, request: Request, id: UUID) -> HttpResponseBase:
        """Ask an edited question in the place of this one, which is kept."""
        question, form = self.get_object(), EditSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        begin = partial(answering.ask_instead, question, asked.pop("question"))
        return respond(request, begin, **asked)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def show(self, request: Request, id: UUID) -> Response:
        """Let the conversation show, and go on with, the branch that holds this message."""
        threads.show(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=FeedbackSerializer, responses=FeedbackSerializer)
    @action(detail=True, methods=["get", "put"])
    def feedback(self, request: Request, id: UUID) -> Response:
        """Say what you think of an answer; once for each answer, and it can be changed."""
        answer = self.get_object()
        user: Any = request.user
        if request.method == "GET":
            found = get_object_or_404(Feedback, message=answer, user=user)
            return Response(FeedbackSerializer(found).data)
        form = FeedbackSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            given = judging.give(answer, user, **form.validated_data)
        except PermanentError as exc:
            raise Refused({"reason": str(exc)}) from exc
        return Response(FeedbackSerializer(given).data)

    @extend_schema(request=None, responses={204: None})
    @feedback.mapping.delete
    def withdraw_feedback(self, request: Request, id: UUID) -> Response:
        """Take back what you said about an answer."""
        user: Any = request.user
        judging.withdraw(self.get_object(), user)
        return Response(status=status.HTTP_204_NO_CONTENT)
