"""A library of any size that is like real documents: grown from the windows of a few real ones.

A generated document takes its passages from one real document, leans towards a topic of its own
(another real passage), and every passage is moved in the direction in which two real ones differ.
So passages of a document lie as near to one another as real ones do, and neighbours come at
growing distances rather than all at the same: `neighbours` says how much alike the two are.
Rows are written past the ORM, into a database that is thrown away.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baselines import page_texts

WORDS_PER_WINDOW = 90
WINDOWS_PER_FILE = 100
MOST_WINDOWS = 2000
LEAST_WINDOWS = 100
WORDS_PER_CHUNK = 60
CHUNKS_PER_DOCUMENT = 100
DOCUMENTS_AT_ONCE = 50
# How far a document leans to its topic, and a passage strays; chosen by `neighbours`.
TOPIC = 0.6
STRAY = (0.2, 0.8)
QUERY_WORDS = 10


@dataclass(frozen=True, slots=True)
class Windows:
    """Passages of real files, file by file: their words and vectors; `ends` are file borders."""

    words: list[list[str]]
    vectors: np.ndarray
    ends: list[int]

    def of_file(self, number: int) -> range:
        return range(0 if number == 0 else self.ends[number - 1], self.ends[number])


def read_windows(data: Path, embedder: Any) -> Windows:
    """Read and encode the plain text of the folder's PDFs. Exits when there is too little."""
    words: list[list[str]] = []
    ends: list[int] = []
    for path in sorted((data / "pdfs" if (data / "pdfs").is_dir() else data).rglob("*.pdf")):
        words += _windows_of(path)[:WINDOWS_PER_FILE]
        if len(words) > (ends[-1] if ends else 0):
            ends.append(len(words))
        if len(words) >= MOST_WINDOWS:
            break
    if len(words) < LEAST_WINDOWS:
        raise SystemExit(f"{data} has too little text in PDFs: {len(words)} passages.")
    return Windows(words, embedder.encode_texts([" ".join(each) for each in words]), ends)


def _windows_of(path: Path) -> list[list[str]]:
    try:
        pages = page_texts(path)
    except (RuntimeError, ValueError):
        return []  # No PDF that can be read.
    found = []
    for text in pages.values():
        words = text.split()
        starts = range(0, len(words), WORDS_PER_WINDOW)
        found += [words[start : start + WORDS_PER_WINDOW] for start in starts]
    return [words for words in found if len(words) >= WORDS_PER_WINDOW // 3]


def queries(data: Path, questions: Path | None, windows: Windows, count: int) -> list[str]:
    """Return real questions where the folder has some, else phrases of its files."""
    dice = random.Random(5)
    files = [questions] if questions else sorted(data.rglob("questions*.jsonl"))
    found = sorted({text for file in files for text in _questions_in(file)})
    dice.shuffle(found)
    while len(found) < count:
        words = dice.choice(windows.words)
        start = dice.randrange(max(1, len(words) - QUERY_WORDS))
        found.append(" ".join(words[start : start + QUERY_WORDS]))
    return found[:count]


def _questions_in(file: Path) -> Iterator[str]:
    for line in file.read_text().splitlines():
        if line.strip() and (text := json.loads(line).get("question")):
            yield str(text)


# --- passages ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passages:
    """The generated passages of one document."""

    texts: list[str]
    vectors: np.ndarray


def document(windows: Windows, number: int) -> Passages:
    """Generate the document of this number; the same one each time."""
    dice = np.random.default_rng(number)
    own = np.asarray(windows.of_file(int(dice.integers(len(windows.ends)))))
    taken = own[dice.integers(0, len(own), CHUNKS_PER_DOCUMENT)]
    others = dice.integers(0, len(windows.vectors), CHUNKS_PER_DOCUMENT)
    texts = [
        _mixed(windows.words[one], windows.words[other])
        for one, other in zip(taken.tolist(), others.tolist(), strict=True)
    ]
    return Passages(texts, _moved(windows.vectors, taken, dice))


def _mixed(one: Sequence[str], other: Sequence[str]) -> str:
    half = WORDS_PER_CHUNK // 2
    return " ".join([*one[:half], *other[-half:]])


def _moved(real: np.ndarray, taken: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    topic = real[dice.integers(len(real))]
    one, other = dice.integers(0, len(real), (2, len(taken)))
    stray = real[one] - real[other]
    length = np.maximum(np.linalg.norm(stray, axis=1, keepdims=True), 1e-6)
    stray *= dice.uniform(*STRAY, (len(taken), 1)) / length
    vectors = np.sqrt(1 - TOPIC**2) * real[taken] + TOPIC * topic + stray
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def neighbours(vectors: np.ndarray) -> dict[int, float]:
    """Return the median cosine of a vector to its 1st, 5th, 10th and 50th neighbour."""
    cosines = -np.sort(-(vectors[::5] @ vectors.T), axis=1)
    return {rank: round(float(np.median(cosines[:, rank])), 2) for rank in (1, 5, 10, 50)}


# --- rows ----------------------------------------------------------------------------------------


def grow_to(size: int, windows: Windows) -> None:
    """Add documents until there are so many passages, half of them in either collection."""
    from ingestion.models import Document

    held = Document.objects.count()
    wanted = max(1, size // CHUNKS_PER_DOCUMENT)
    for first in range(held, wanted, DOCUMENTS_AT_ONCE):
        _add(range(first, min(wanted, first + DOCUMENTS_AT_ONCE)), windows)


def collections() -> list[Any]:
    """Return the two collections that the documents lie in, by turns."""
    from django.contrib.auth import get_user_model

    from ingestion.models import Collection

    owner, _ = get_user_model().objects.get_or_create(username="speed", is_superuser=True)
    names = ("Even", "Odd")
    return [Collection.objects.get_or_create(owner=owner, name=name)[0] for name in names]


def _add(numbers: range, windows: Windows) -> None:
    from django.db import transaction

    from ingestion.models import Document, Page
    from retrieval import changes

    both = collections()
    with transaction.atomic():
        documents = [
            Document(
                collection=both[number % 2],
                title=f"Generated {number}",
                sha256=str(number),
                size_bytes=1,
                live_generation=1,
                state="ready",
            )
            for number in numbers
        ]
        Document.objects.bulk_create(documents)
        pages = Page.objects.bulk_create([Page(document=each, number=1) for each in documents])
        for number, owner, page in zip(numbers, documents, pages, strict=True):
            _add_passages(document(windows, number), owner, page)
            changes.record(owner.pk)


def _add_passages(passages: Passages, owner: Any, page: Any) -> None:
    from ingestion.models import Chunk
    from retrieval import spaces, vectors
    from retrieval.models import Embedding

    live = spaces.live_versions()
    first = 1 + owner.pk * CHUNKS_PER_DOCUMENT
    common = Chunk(
        document=owner,
        page=page,
        generation=1,
        order=0,
        kind="text",
        page_number=1,
        box=[0, 0, 1, 1],
    )
    kinds = ["image" if order % 10 == 0 else "text" for order in range(len(passages.texts))]
    varying = (
        (first + order, order, kinds[order], 1 + order % 20, text)
        for order, text in enumerate(passages.texts)
    )
    _insert(common, ("id", "order", "kind", "page_number", "text"), varying)
    packed = [vectors.pack(vector) for vector in passages.vectors]
    for space in ("text", "image"):
        rows = (
            (first + order, vector)
            for order, (vector, kind) in enumerate(zip(packed, kinds, strict=True))
            if space == "text" or kind == "image"
        )
        _insert(Embedding(space_version=live[space]), ("chunk_id", "vector"), rows)


def _insert(common: Any, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows that differ from the common one in some columns only, without an object each."""
    from django.db import connection

    fields = [f for f in common._meta.concrete_fields if f.attname not in columns]
    fields = [field for field in fields if not field.primary_key]
    same = [field.get_db_prep_save(getattr(common, field.attname), connection) for field in fields]
    names = [*columns, *(field.column for field in fields)]
    quoted = ", ".join(connection.ops.quote_name(name) for name in names)
    places = ", ".join(["%s"] * len(names))
    table = connection.ops.quote_name(common._meta.db_table)
    statement = f"INSERT INTO {table} ({quoted}) VALUES ({places})"
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[*row, *same] for row in rows])
