"""A conversation as a file: Markdown, PDF or JSON, as its reader may see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header

from answers import transcripts, turns
from answers.models import Conversation
from answers.serializers import ConversationSerializer, MessageSerializer
from answers.transcripts import Transcript
from ingestion import story_pdf


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file; `label` is for people."""

    label: str
    media_type: str
    extension: str
    write: Callable[[Conversation, HttpRequest], bytes]


def response(conversation: Conversation, request: HttpRequest, name: str) -> HttpResponse:
    """Answer with the file, as an attachment. Raises KeyError for a format that is not there."""
    kind = FORMATS[name]
    found = HttpResponse(kind.write(conversation, request), content_type=kind.media_type)
    file_name = transcripts.file_name(str(conversation), kind.extension)
    found["Content-Disposition"] = content_disposition_header(True, file_name)
    found["Cache-Control"] = "private, no-store"
    return found


def _transcript(conversation: Conversation, request: HttpRequest) -> Transcript:
    path = reverse("answers:conversation", args=[conversation.uuid])
    return Transcript(
        title=str(conversation),
        url=request.build_absolute_uri(path),
        taken_at=timezone.localtime(),
        turns=turns.of_conversation(conversation, _user(request)),
    )


def _markdown(conversation: Conversation, request: HttpRequest) -> bytes:
    return transcripts.markdown(_transcript(conversation, request)).encode()


def _pdf(conversation: Conversation, request: HttpRequest) -> bytes:
    html = transcripts.html(_transcript(conversation, request))
    return story_pdf.pdf_of(html, css=transcripts.CSS, title=str(conversation))


def _json(conversation: Conversation, request: HttpRequest) -> bytes:
    shown = [
        message
        for turn in turns.of_conversation(conversation, _user(request))
        for message in (turn.question, turn.answer and turn.answer.message)
        if message
    ]
    prefetch_related_objects(shown, "follows")
    context = {"request": request}
    messages = MessageSerializer(shown, many=True, context=context).data
    data = {**ConversationSerializer(conversation, context=context).data, "messages": messages}
    return json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()


def _user(request: HttpRequest) -> AbstractUser:
    assert isinstance(request.user, AbstractUser), "only who signed in has conversations"
    return request.user


FORMATS = {
    "markdown": Format("Markdown", "text/markdown; charset=utf-8", "md", _markdown),
    "pdf": Format("PDF", "application/pdf", "pdf", _pdf),
    "json": Format("JSON", "application/json", "json", _json),
}
