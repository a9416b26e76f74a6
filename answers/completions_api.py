"""REST doorways: `/v1/models` and `/v1/chat/completions`, for any OpenAI client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from django.db import DatabaseError, close_old_connections, transaction
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from answers import answering, completions, conversations, openai_errors, searching, sse
from answers.api_answers import AnswerFailed, StreamOrJSON
from answers.completions import Model
from answers.completions_serializers import CompletionRequestSerializer, split
from answers.events import DELETED, UNREACHABLE, Event
from answers.inert import Inertly
from answers.models import Conversation, Message, MessageState
from answers.serializers import MessageSerializer
from ingestion.errors import TransientError

logger = logging.getLogger(__name__)


class OpenAIView(APIView):
    """Speaks OpenAI's dialect, errors included."""

    required_scope = "read"
    content_negotiation_class = StreamOrJSON

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        usual = super().get_exception_handler()

        def handler(exc: Exception, context: dict[str, Any]) -> Response | None:
            response = usual(exc, context)
            if response is None:
                return None
            problem: Any = response.data
            code = problem["code"]
            response.status_code = 404 if code == "model_not_found" else response.status_code
            details = [
                f"{error['field']}: {error['message']}" for error in problem.get("errors", [])
            ]
            response.data = openai_errors.body(" ".join([problem["detail"], *details]), code)
            response.content_type = "application/json"
            if isinstance(exc, AnswerFailed):
                # The official client would ask twice more; the reader has tried again itself.
                response["x-should-retry"] = "false"
            return response

        return handler


class ModelsView(OpenAIView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """List what can be asked."""
        user: Any = request.user
        found = [model.as_json() for model in completions.models_for(user)]
        return Response({"object": "list", "data": found})


class ModelView(OpenAIView):
    @extend_schema(exclude=True)
    def get(self, request: Request, id: str) -> Response:
        """Show one of them."""
        user: Any = request.user
        return Response(completions.find(user, id).as_json())


class ChatCompletionsView(OpenAIView):
    @extend_schema(exclude=True)
    def post(self, request: Request) -> Any:
        """Answer from the documents; the cited sources stand below the text."""
        form = CompletionRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked, user = form.validated_data, request.user
        model = completions.find(user, asked["model"])  # type: ignore[arg-type]
        earlier, question = split(asked["messages"])
        with transaction.atomic():
            conversation = completions.begin(user, model, earlier)
            searching.where_to_look(conversation)
            answer = answering.store(conversation, question)
        if asked["stream"]:
            options = asked["stream_options"] or {}
            usage = bool(options.get("include_usage"))
            writer = _Writer(request, model, answer, with_usage=usage)
            return self._streamed(writer, conversation, answer)
        try:
            return self._whole(request, model, answer)
        finally:
            conversations.delete(conversation)

    def _streamed(
        self, writer: _Writer, conversation: Conversation, answer: Message
    ) -> StreamingHttpResponse:
        try:
            answering.write(answer)
        except TransientError:
            conversations.delete(conversation)
            raise
        return sse.response(_then_delete(writer, sse.stream(answer.uuid, writer), conversation))

    def _whole(self, request: Request, model: Model, answer: Message) -> Response:
        answering.write(answer, wait=True)
        if answer.state == MessageState.FAILED:
            raise AnswerFailed(answer.error)
        return Response(completions.completion(model, answer, _cited(request, answer)))


class _Writer:
    """Turns an answer's events into chunks."""

    def __init__(
        self, request: Request, model: Model, answer: Message, *, with_usage: bool
    ) -> None:
        self._request, self._model, self._answer = request, model, answer
        self._with_usage = with_usage
        self._begun = False
        self._inertly = Inertly()
        self.ended = False

    def __call__(self, batch: Sequence[Event]) -> list[bytes]:
        frames: list[bytes] = []
        if not self._begun:
            self._begun = True
            frames.append(self._chunk({"role": "assistant", "content": ""}))
        for event in batch:
            frames += self._frames(event)
        return frames

    def _frames(self, event: Event) -> list[bytes]:
        if event.kind == "ping":
            return [sse.PING]
        if event.kind == "delta":
            return self._text(self._inertly.take(event.data["text"]))
        if not event.is_final:
            return []
        self.ended = True
        return [*self._text(self._inertly.rest()), *self._last()]

    def _text(self, text: str) -> list[bytes]:
        return [self._chunk({"content": text})] if text else []

    def _last(self) -> list[bytes]:
        rows = Message.objects.select_related("conversation", "question")
        answer = rows.filter(pk=self._answer.pk).first()
        if answer is None:
            return [completions.data(openai_errors.body(DELETED, "answer_failed"))]
        if answer.state == MessageState.FAILED:
            return [completions.data(openai_errors.body(answer.error, "answer_failed"))]
        cited = _cited(self._request, answer)
        return completions.last_chunks(self._model, answer, cited, with_usage=self._with_usage)

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        return completions.chunk(self._model, self._answer, delta)


async def _then_delete(
    writer: _Writer, frames: AsyncIterator[bytes], conversation: Conversation
) -> AsyncIterator[bytes]:
    """The conversation is the client's to keep; also one that hangs up leaves none behind.

    These clients do not come back to resume: an answer that breaks off is told as an error.
    """
    try:
        async for frame in frames:
            # The official client takes a lone `retry:` for an empty piece of the answer.
            if frame != sse.RETRY:
                yield frame
        if not writer.ended:
            yield completions.data(openai_errors.body(UNREACHABLE, "unavailable"))
    finally:
        # Not awaited: a client that hangs up cancels this task, and with it what it awaits.
        asyncio.get_running_loop().run_in_executor(None, _delete, conversation)


def _delete(conversation: Conversation) -> None:
    """Delete it in a thread that nobody looks after; what fails is deleted a day later."""
    try:
        conversations.delete(conversation)
    except (DatabaseError, OSError):
        logger.exception("the conversation %s of an API answer was not deleted", conversation.uuid)
    finally:
        close_old_connections()


def _cited(request: Request, answer: Message) -> list[dict[str, Any]]:
    found = MessageSerializer(answer, context={"request": request}).data["citations"]
    return [citation for citation in found if citation["cited"]]
