"""The chunks of a streamed chat completion become an answer. Pure, but for what they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from answers.readers import ReaderDelta
from answers.readers.endpoints import Endpoint
from answers.readers.thoughts import without_thoughts
from ingestion.errors import PermanentError

CUT_OFF = "The answer was cut off because it reached the longest that is allowed."
FILTERED = "The model's provider filtered this answer."

# No language needs more for a token; an endpoint that sends more ignores the limit it got.
CHARACTERS_PER_TOKEN = 10


def read(endpoint: Endpoint, stream: Iterable[Any]) -> Iterator[ReaderDelta]:
    """Yield the answer of a stream of chat completion chunks, and what it cost.

    An answer that is longer than was asked for is cut. Raises ValueError where the stream ends
    without saying so, or holds what is no chunk, and PermanentError where nothing is said.
    """
    ending = _Ending()
    room = endpoint.max_output_tokens * CHARACTERS_PER_TOKEN
    said = False
    for text in without_thoughts(ending.texts(stream)):
        said = said or bool(text.strip())
        yield ReaderDelta(text=text[:room])
        room -= len(text)
        if room <= 0:
            ending.reason = "length"
            break
    if ending.usage:
        yield ReaderDelta(usage=ending.usage)
    if not ending.reason:
        raise ValueError("the stream ended without saying so")
    if not said:
        raise PermanentError(_nothing_said(endpoint, ending.reason))
    if ending.reason == "length":
        limit = f"The limit is {_limit(endpoint)}."
        yield ReaderDelta(note=CUT_OFF, site_note=limit, finish_reason="length")
    elif ending.reason == "content_filter":
        yield ReaderDelta(note=FILTERED, finish_reason="content_filter")


def _nothing_said(endpoint: Endpoint, reason: str) -> str:
    if reason == "length":
        # Reasoning models may think for as long as they may write.
        return (
            f"The model came to {_limit(endpoint)}, before it wrote any of its answer: raise that "
            "limit, or let the model think less."
        )
    if reason == "content_filter":
        return "The model's provider filtered this answer, and nothing of it is left."
    return "The model ended its answer without writing any of it: ask again, or another model."


def _limit(endpoint: Endpoint) -> str:
    return f"{endpoint.setting('max_output_tokens')}, {endpoint.max_output_tokens} tokens"


def of_whole(completion: Any) -> list[Any]:
    """Make a stream of one chunk of a whole chat completion. Raises ValueError if it is none."""
    try:
        choice = completion["choices"][0]
        text, reason = choice["message"]["content"], choice.get("finish_reason")
    except (LookupError, TypeError, AttributeError) as exc:
        raise ValueError(f"not a chat completion: {str(completion)[:100]}") from exc
    said = SimpleNamespace(delta=SimpleNamespace(content=text), finish_reason=reason or "stop")
    usage = completion.get("usage")
    counts = SimpleNamespace(**usage) if isinstance(usage, dict) else None
    return [SimpleNamespace(choices=[said], usage=counts)]


class _Ending:
    """The texts of a stream of chunks, and what its last chunks say about it."""

    def __init__(self) -> None:
        self.reason = ""
        self.usage: dict[str, int] = {}

    def texts(self, stream: Any) -> Iterator[str]:
        """Yield the texts. Raises ValueError where something is not a chunk at all."""
        for chunk in stream:
            if usage := getattr(chunk, "usage", None):
                names = ("prompt_tokens", "completion_tokens")
                self.usage = {name: int(getattr(usage, name, 0) or 0) for name in names}
            choices = getattr(chunk, "choices", None)
            if not isinstance(choices, list):
                raise ValueError(f"not a chunk of a chat completion: {str(chunk)[:100]}")
            for choice in choices[:1]:
                self.reason = getattr(choice, "finish_reason", None) or self.reason
                text = getattr(getattr(choice, "delta", None), "content", None)
                if isinstance(text, str) and text:
                    yield text
