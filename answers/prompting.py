"""A question with its evidence becomes a prompt. Pure: texts and images in, prompt out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from string import Template

from answers.evidence import Evidence
from answers.markers import without_markers

PROMPTS = Path(__file__).parent / "prompts"
TURN_CHARACTERS = 1200
# What the instructions and the frame around each source cost, generously.
FRAME_TOKENS = 700


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the conversation: `role` is "user" or "assistant"."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class PromptImage:
    """The image of source `number`, as a data URL."""

    number: int
    url: str


@dataclass(frozen=True, slots=True)
class ReaderPrompt:
    """Everything a reader gets: the parts, and the same as texts ready to send.

    `question` is the person's own; `standalone` is the one that was searched for: a follow-up
    with what it refers to.
    `attached` are the person's own pictures, as data URLs.
    """

    question: str
    standalone: str
    system: str
    user: str
    evidence: tuple[Evidence, ...] = ()
    turns: tuple[Turn, ...] = ()
    images: tuple[PromptImage, ...] = ()
    attached: tuple[str, ...] = ()


def render(
    question: str,
    evidence: Sequence[Evidence],
    *,
    standalone: str = "",
    about: str = "",
    turns: Sequence[Turn] = (),
    images: Mapping[int, str] | None = None,
) -> ReaderPrompt:
    """Render the prompt; `images` maps evidence numbers to data URLs.

    `about` tells a model what the question does not: what the person has marked.
    """
    shown = images or {}
    asked = "\n\n".join(filter(None, (question.strip(), about)))
    sources = "\n\n".join(_source(piece, piece.number in shown) for piece in evidence)
    return ReaderPrompt(
        question=question,
        standalone=standalone or question,
        system=_template("system").substitute().strip(),
        user=_template("question")
        .substitute(sources=sources or "(nothing was found)", question=asked)
        .strip(),
        evidence=tuple(evidence),
        turns=tuple(turns),
        images=tuple(
            PromptImage(piece.number, shown[piece.number])
            for piece in evidence
            if piece.number in shown
        ),
    )


def _source(piece: Evidence, has_image: bool) -> str:
    title, page = _attribute(piece.document_title), _attribute(piece.page_label or str(piece.page))
    lines = [
        f'<source n="{piece.number}" document="{title}" page="{page}" kind="{piece.kind}">',
        *([_inert(" > ".join(piece.heading_path))] if piece.heading_path else []),
        *([f"Caption: {_inert(piece.caption)}"] if piece.caption else []),
        *([f"({_attached(piece)})"] if has_image else []),
        *([_said(piece)] if piece.text else []),
        *([f"The text says of it: {_inert(piece.references)}"] if piece.references else []),
        "</source>",
    ]
    return "\n".join(lines)


def _attached(piece: Evidence) -> str:
    return "The image of its page is attached." if piece.shows_page else "Its image is attached."


def _said(piece: Evidence) -> str:
    if piece.repeats:
        return f"(It says the same, word for word, as source [{piece.repeats}].)"
    return _inert(piece.text)


def _inert(text: str) -> str:
    """Keep a document's text from closing its frame, or opening another one."""
    return re.sub(r"<(?=\s*/?\s*(?:source|question)\b)", "‹", text, flags=re.IGNORECASE)


def _attribute(text: str) -> str:
    return " ".join(_inert(text).replace('"', "”").split())


def shortened(text: str) -> str:
    """Cut an earlier message, and take its markers out: they name other sources now."""
    text = without_markers(text).strip()
    return text if len(text) <= TURN_CHARACTERS else f"{text[:TURN_CHARACTERS].rstrip()} …"


def answered(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Keep the questions that were answered, each with its answer.

    The chat templates of some models refuse whatever does not take turns, a person first.
    """
    pairs = [
        (asked, said)
        for asked, said in pairwise(turns)
        if (asked.role, said.role) == ("user", "assistant")
    ]
    return tuple(turn for pair in pairs for turn in pair)


@lru_cache
def _template(name: str) -> Template:
    return Template((PROMPTS / f"{name}.txt").read_text(encoding="utf-8"))
