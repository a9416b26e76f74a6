"""Questions to begin with, made from the headings and captions of the newest documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from ingestion.models import Chunk, ChunkKind, Document

SHOWN = 4
DOCUMENTS = 4
CHUNKS_READ = 150
# A heading worth asking about has some words, and is no number, date or lone "Introduction".
WORDS = range(2, 9)
TITLE_LENGTH = 60
CAPTION_LENGTH = range(15, 110)
_NUMBERING = re.compile(r"^[\s\d.:)(\-–§]*(?:[A-Z]\.)?\s*")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question, the kind of evidence that should answer it, and the document's title."""

    question: str
    kind: str
    document: str


def suggest(documents: Iterable[Document]) -> list[Suggestion]:
    """Offer a few questions, in turn from each of the documents."""
    per_document = [_of_document(document) for document in islice(documents, DOCUMENTS)]
    in_turn = (one for turn in zip_longest(*per_document) for one in turn if one)
    return list(islice(in_turn, SHOWN))


def _of_document(document: Document) -> Iterator[Suggestion]:
    title = _cut(document.title, TITLE_LENGTH)
    chunks = list(
        document.chunks.live().only("kind", "heading_path", "caption", "token_count")[:CHUNKS_READ]
    )
    new = [one for one in headings(chunks) if one.lower() not in title.lower()]
    for heading in new[:2]:
        yield Suggestion(f"What does “{title}” say about “{heading}”?", "text", title)
    for kind, caption in captions(chunks)[:2]:
        yield Suggestion(f"What does “{caption}” show?", kind, title)
    yield Suggestion(f"What is “{title}” about?", "text", title)


def headings(chunks: Iterable[Chunk]) -> list[str]:
    """The headings that can be asked about, the one with the most text below it first."""
    tokens: Counter[str] = Counter()
    for chunk in chunks:
        if chunk.kind == ChunkKind.TEXT and chunk.heading_path:
            heading = _NUMBERING.sub("", " ".join(str(chunk.heading_path[-1]).split()))
            if len(heading.split()) in WORDS and _is_subject(heading):
                tokens[heading.rstrip(".:")] += chunk.token_count
    return [heading for heading, _count in tokens.most_common()]


def captions(chunks: Iterable[Chunk]) -> list[tuple[str, str]]:
    """Kind and caption of the figures and tables that have one of a readable length."""
    found = ((str(chunk.kind), " ".join(chunk.caption.split())) for chunk in chunks)
    return [
        (kind, caption.rstrip(".")) for kind, caption in found if len(caption) in CAPTION_LENGTH
    ]


def _is_subject(text: str) -> bool:
    """Whether it reads well after "about": no question, and no row of figures."""
    letters = sum(character.isalpha() for character in text)
    return letters > 0.7 * len(text) and not text.endswith("?")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
