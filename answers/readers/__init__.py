"""Readers write the answer: what they all look like, and where each one is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from answers.prompting import ReaderPrompt
from ingestion.errors import PermanentError


class PromptTooLong(PermanentError):
    """The model cannot take so much: less evidence may help."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a reader can take: tokens of evidence and turns, images and their longest side."""

    prompt_tokens: int
    images: int = 0
    image_pixels: int = 1024


@dataclass(frozen=True, slots=True)
class Quote:
    """Characters [start, end) of the text of evidence `number`, used word for word."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReaderDelta:
    """The next piece of an answer, or something learnt about it.

    `grounded` is False where the reader found that the evidence does not hold the answer.
    `note` is a sentence for the person, `site_note` one for administrators. `usage` counts
    tokens. `finish_reason` tells why an answer ends before its end: "length" or
    "content_filter".
    """

    text: str = ""
    quotes: tuple[Quote, ...] = ()
    grounded: bool | None = None
    note: str = ""
    site_note: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    finish_reason: str = ""


class Reader(Protocol):
    """Writes an answer from evidence; `name` is what the answer is stamped with.

    `label` is what people choose it by. A class that can be set up for several endpoints
    (settings.ENDPOINTS) builds one of them by `of_endpoint(name)`.
    """

    name: str
    label: str
    capabilities: Capabilities

    @classmethod
    def is_configured(cls) -> bool:
        """Tell whether the settings name what it needs; it need not be reachable."""

    def stream(self, prompt: ReaderPrompt) -> Generator[ReaderDelta, None, None]:
        """Yield the answer bit by bit. Raises PermanentError, TransientError, PromptTooLong."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A reader as it is offered: `label` is for people."""

    name: str
    label: str
    is_default: bool
    images: int


def reader_for(name: str = "") -> Reader:
    """Build the reader of this name in settings.READERS; the default where it is empty."""
    name = name or settings.READER
    if name not in available():
        raise PermanentError(
            f"The reader “{name}” is not set up here. Choose one of: {', '.join(available())}."
        )
    reader = _class(name)
    return reader.of_endpoint(name) if name in settings.ENDPOINTS else reader()


def available() -> list[str]:
    """Names of the readers that can be asked as this site is configured."""
    return [
        name
        for name in settings.READERS
        if name in settings.ENDPOINTS or _class(name).is_configured()
    ]


def choices() -> list[Choice]:
    """The readers that can be asked, with what people call them."""
    found = [(name, reader_for(name)) for name in available()]
    return [
        Choice(name, reader.label, name == settings.READER, reader.capabilities.images)
        for name, reader in found
    ]


def label_of(stamp: str) -> str:
    """What people call the reader that an answer is stamped with; it may be gone by now."""
    name, _, model = stamp.partition("/")
    if model or name not in settings.READERS:
        return model or name
    return str(getattr(_class(name), "label", name))


def _class(name: str) -> Any:
    return import_string(settings.READERS[name])
