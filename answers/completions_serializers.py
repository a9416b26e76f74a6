"""Requests of OpenAI's chat API, as far as they mean something here."""

from __future__ import annotations

from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from answers.answering import QUESTION_LENGTH
from answers.completions import ROLES
from answers.models import Role
from answers.prompting import Turn

# A front end may send a long conversation along.
MOST_MESSAGES = 500
LONGEST_TEXT = 100_000


class ContentField(serializers.Field[Any, Any, Any, Any]):
    """A message's text, or a list of its parts."""

    default_validators = [ProhibitNullCharactersValidator(), ProhibitSurrogateCharactersValidator()]

    def to_internal_value(self, data: Any) -> str:
        if data is None:
            return ""
        parts = [{"type": "text", "text": data}] if isinstance(data, str) else data
        if not isinstance(parts, list):
            raise serializers.ValidationError("Must be a text or a list of parts.")
        text = "\n".join(_text_of(part) for part in parts)
        if len(text) > LONGEST_TEXT:
            raise serializers.ValidationError(f"Longer than {LONGEST_TEXT} characters.")
        return text


def _text_of(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    raise serializers.ValidationError(
        "Parts of the type “text” are understood; to ask about a picture, attach it in the chat."
    )


class ChatMessageSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(["system", "developer", "user", "assistant", "tool"])
    content = ContentField(allow_null=True, default="")


class StreamOptionsSerializer(serializers.Serializer[Any]):
    include_usage = serializers.BooleanField(allow_null=True, default=False)


class CompletionRequestSerializer(serializers.Serializer[Any]):
    """What is not listed (temperature, tools, ...) is left to the configured reader."""

    model = serializers.CharField(max_length=300)
    messages: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=ChatMessageSerializer(), allow_empty=False, max_length=MOST_MESSAGES
    )
    stream = serializers.BooleanField(allow_null=True, default=False)
    stream_options = StreamOptionsSerializer(allow_null=True, default=None)

    def validate_messages(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if messages[-1]["role"] != "user" or not messages[-1]["content"].strip():
            raise serializers.ValidationError("The last message must be a question of the user.")
        if len(messages[-1]["content"]) > QUESTION_LENGTH:
            raise serializers.ValidationError(
                f"The last message is longer than {QUESTION_LENGTH} characters."
            )
        return messages


def split(messages: list[dict[str, Any]]) -> tuple[list[Turn], str]:
    """Part what was said before from the question; only people and answers count.

    What the user said in several messages since the last answer is one question, as far back
    as its length allows: what was refused as too long is not to stand in the way of the next.
    """
    said = [
        Turn(ROLES[message["role"]], message["content"])
        for message in messages
        if message["role"] in ROLES and message["content"]
    ]
    answers = [place for place, turn in enumerate(said) if turn.role == Role.ASSISTANT]
    begins = answers[-1] + 1 if answers else 0
    question = said[-1].text
    for turn in reversed(said[begins:-1]):
        longer = f"{turn.text}\n\n{question}"
        if len(longer) > QUESTION_LENGTH:
            break
        question = longer
    return said[:begins], question
