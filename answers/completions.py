"""A collection as a model of OpenAI's chat API: what such a request means, and its answer.

Source: OpenAI API reference, "Chat completions" and "Models".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils.text import slugify

from answers import conversations
from answers.inert import inert
from answers.markers import escape_markdown
from answers.models import Conversation, Message, Role
from answers.prompting import Turn
from ingestion.errors import PermanentError
from ingestion.models import Collection

EVERYTHING = "pagewise"
ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}


class UnknownModel(PermanentError):
    """There is no collection of that name, or the user may not read it."""

    code = "model_not_found"


@dataclass(frozen=True, slots=True)
class Model:
    """What can be asked: one collection, or (None) everything that the user may read."""

    id: str
    name: str
    created: int
    collection: Collection | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "model",
            "created": self.created,
            "owned_by": "pagewise",
            "name": self.name,
        }


def models_for(user: AbstractUser) -> list[Model]:
    """List everything as one model, and each readable collection as another."""
    readable = Collection.objects.visible_to(user)
    return [
        Model(EVERYTHING, "All documents", int(user.date_joined.timestamp())),
        *(_model_of(collection) for collection in readable),
    ]


def _model_of(collection: Collection) -> Model:
    # The number keeps two collections of one name apart, and survives a new name.
    id = f"{EVERYTHING}/{slugify(collection.name) or 'collection'}-{collection.pk}"
    return Model(id, collection.name, int(collection.created_at.timestamp()), collection)


def find(user: AbstractUser, model_id: str) -> Model:
    """Return the model of that id, whatever the collection is called by now.

    Raises UnknownModel.
    """
    if model_id == EVERYTHING:
        return models_for(user)[0]
    number = model_id.rpartition("-")[2]
    if model_id.startswith(f"{EVERYTHING}/") and number.isdecimal():
        found = Collection.objects.visible_to(user).filter(pk=int(number)).first()
        if found is not None:
            return _model_of(found)
    raise UnknownModel(f"There is no model {model_id!r} here: GET /v1/models lists them.")


def begin(user: Any, model: Model, earlier: Sequence[Turn]) -> Conversation:
    """Make the conversation that the request brought along."""
    chosen = [model.collection] if model.collection else []
    with transaction.atomic():
        made = conversations.create(user, title="API", is_listed=False, collections=chosen)
        _add_earlier(made, earlier)
    return made


def _add_earlier(conversation: Conversation, earlier: Sequence[Turn]) -> None:
    """Store what was said, as pairs of a question and its answer."""
    asked: list[str] = []
    last: Message | None = None
    for turn in earlier:
        if turn.role == Role.USER:
            asked.append(turn.text)
        elif asked:
            question = Message.objects.create(
                conversation=conversation, role=Role.USER, content="\n".join(asked), follows=last
            )
            last = Message.objects.create(
                conversation=conversation,
                role=Role.ASSISTANT,
                content=turn.text,
                question=question,
            )
            asked = []


def completion(model: Model, answer: Message, citations: Sequence[dict[str, Any]]) -> dict:
    """The whole answer, with the sources that it cites below its text."""
    message = {
        "role": "assistant",
        "content": inert(answer.content) + sources_text(citations),
        "citations": list(citations),
    }
    choice = {"index": 0, "message": message, "finish_reason": _reason(answer), "logprobs": None}
    return {
        **_head(model, answer, "chat.completion"),
        "choices": [choice],
        "usage": usage(answer),
    }


def chunk(
    model: Model, answer: Message, delta: dict[str, Any], *, reason: str | None = None
) -> bytes:
    """One piece of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
    return data({**_head(model, answer, "chat.completion.chunk"), "choices": [choice]})


def last_chunks(
    model: Model, answer: Message, citations: Sequence[dict[str, Any]], *, with_usage: bool
) -> list[bytes]:
    """What ends a streamed answer: its sources, why it ended, and the usage if asked for."""
    delta = {"content": sources_text(citations), "citations": list(citations)}
    frames = [chunk(model, answer, delta), chunk(model, answer, {}, reason=_reason(answer))]
    if with_usage:
        head = _head(model, answer, "chat.completion.chunk")
        frames.append(data({**head, "choices": [], "usage": usage(answer)}))
    return [*frames, b"data: [DONE]\n\n"]


def data(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False, default=str)}\n\n".encode()


def usage(answer: Message) -> dict[str, int]:
    """Tokens as the reader counted them; zeros where it does not."""
    taken = int(answer.usage.get("prompt_tokens") or 0)
    given = int(answer.usage.get("completion_tokens") or 0)
    return {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given}


def sources_text(citations: Sequence[dict[str, Any]]) -> str:
    """The cited sources as a Markdown list, for front ends that show nothing but text."""
    lines = []
    for citation in citations:
        place = f"{citation['document_title']}, page {citation['page_label'] or citation['page']}"
        # A title is whatever somebody named their document: nothing in it may end the link.
        text = escape_markdown(inert(place)).replace("]", "\\]")
        url = citation["urls"]["document"]
        lines.append(f"[{citation['number']}] {f'[{text}]({url})' if url else text}")
    return "\n\nSources:\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""


def _head(model: Model, answer: Message, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{answer.uuid.hex}",
        "object": kind,
        "created": int(answer.created_at.timestamp()),
        "model": model.id,
    }


def _reason(answer: Message) -> str:
    return answer.finish_reason or "stop"
