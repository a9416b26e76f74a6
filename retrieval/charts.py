"""What the lab draws of each space: similarities of pairs, and a map of the vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings

from ingestion.errors import PermanentError, TransientError
from ingestion.models import Document
from retrieval import evaluation, spaces, vectors
from retrieval.models import QuestionSet, SpaceVersion
from retrieval.projection import projected
from retrieval.query_vectors import QueryVectors
from retrieval.request import Query
from retrieval.rows import KIND_CODES, Rows
from retrieval.similarity import similarities

BINS = 24
MAX_QUESTIONS = 200
MAX_POINTS = 1200
RANDOM_PER_QUESTION = 20
SEED = 11
# The drawings' own units.
WIDTH, HEIGHT = 480, 240
KINDS = {code: kind for kind, code in KIND_CODES.items()}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram, in the drawing's units."""

    x: float
    y: float
    width: float
    height: float
    of: str
    title: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One chunk on the map, and where it stands."""

    x: float
    y: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of one space; `note` says what cannot be, and why."""

    space: str
    model: str
    bars: tuple[Bar, ...] = ()
    low: float = 0.0
    high: float = 0.0
    matching_mean: float = 0.0
    random_mean: float = 0.0
    dots: tuple[Dot, ...] = field(default=())
    method: str = ""
    note: str = ""


def drawings(
    question_set: QuestionSet | None, documents: frozenset[int], *, only: str = ""
) -> list[Drawing]:
    """Draw one vector space, of the documents that may be seen; the others by name alone."""
    live = spaces.live_versions()
    return [
        _drawing(live[space], question_set, documents)
        if space == only
        else Drawing(space, live[space].model)
        for space in settings.SPACES
        if space in live
    ]


def _drawing(
    version: SpaceVersion, question_set: QuestionSet | None, documents: frozenset[int]
) -> Drawing:
    found = _sample(version, documents)
    if not len(found.rows):
        return Drawing(version.space, version.model, note="It holds no vectors yet.")
    places, method = projected(found.vectors)
    dots = tuple(
        Dot(round(x * WIDTH, 1), round((1 - y) * WIDTH, 1), kind, title)
        for (x, y), (kind, title) in zip(places.tolist(), _described(found.rows), strict=True)
    )
    drawing = Drawing(version.space, version.model, dots=dots, method=method)
    if question_set is None:
        return drawing
    try:
        matching, by_chance = _pairs(version, question_set, found)
    except (PermanentError, TransientError) as exc:
        return Drawing(version.space, version.model, dots=dots, method=method, note=str(exc))
    return _with_histogram(drawing, matching, by_chance)


def _described(rows: Rows) -> Iterator[tuple[str, str]]:
    """Yield the kind of each chunk, and its document and page."""
    titles = dict(
        Document.objects.filter(pk__in=set(rows.documents.tolist())).values_list("pk", "title")
    )
    for kind, document, page in zip(rows.kinds, rows.documents, rows.pages, strict=True):
        yield KINDS.get(int(kind), "text"), f"{titles.get(int(document), '')}, page {page}"


def _sample(version: SpaceVersion, documents: frozenset[int]) -> vectors.VectorBatch:
    rows = vectors.live_embeddings(version).filter(chunk__document__in=documents)
    ids = np.array(rows.values_list("pk", flat=True), dtype=np.int64)
    if len(ids) > MAX_POINTS:
        ids = np.random.default_rng(SEED).choice(ids, MAX_POINTS, replace=False)
    return vectors.of_embeddings(version, ids.tolist())


def _pairs(
    version: SpaceVersion, question_set: QuestionSet, others: vectors.VectorBatch
) -> tuple[np.ndarray, np.ndarray]:
    """Score each question with its evidence, and with chunks drawn by lot."""
    asked = list(question_set.questions.select_related("document")[:MAX_QUESTIONS])
    encoder = QueryVectors([Query(question.text) for question in asked], use_cache=False)
    dice = np.random.default_rng(SEED)
    matching, by_chance = [], []
    for number, question in enumerate(asked):
        query = vectors.checked(encoder.of(number, version)[0][None, :], version)[0]
        gold = vectors.of_chunks(version, sorted(evaluation.gold_chunks(question)))
        if not len(gold.rows):
            continue
        scores = similarities(query, gold.vectors, version.metric, np.arange(len(gold.rows)))
        matching.append(float(scores.max()))
        lot = dice.integers(0, len(others.rows), RANDOM_PER_QUESTION)
        by_chance.append(similarities(query, others.vectors, version.metric, lot))
    return np.array(matching), np.concatenate(by_chance) if by_chance else np.array([])


def _with_histogram(drawing: Drawing, matching: np.ndarray, by_chance: np.ndarray) -> Drawing:
    if not len(matching):
        note = "No question of the set has its evidence in this space."
        return Drawing(
            drawing.space, drawing.model, dots=drawing.dots, method=drawing.method, note=note
        )
    both = np.concatenate([matching, by_chance])
    edges = np.linspace(float(both.min()), float(both.max()) or 1e-6, BINS + 1)
    shares = {
        of: np.histogram(values, edges)[0] / max(1, len(values))
        for of, values in (("random", by_chance), ("matching", matching))
    }
    most = max(float(share.max()) for share in shares.values())
    return Drawing(
        drawing.space,
        drawing.model,
        bars=tuple(_bars(shares, most, edges.tolist())),
        low=float(edges[0]),
        high=float(edges[-1]),
        matching_mean=float(matching.mean()),
        random_mean=float(by_chance.mean()),
        dots=drawing.dots,
        method=drawing.method,
    )


def _bars(shares: dict[str, np.ndarray], most: float, edges: Sequence[float]) -> list[Bar]:
    step = WIDTH / BINS
    return [
        Bar(
            x=round(number * step + (step / 2 if of == "matching" else 0), 1),
            y=round(HEIGHT - share / most * HEIGHT, 1),
            width=round(step / 2 - 1, 1),
            height=round(share / most * HEIGHT, 1),
            of=of,
            title=f"{of}: {share:.0%} from {edges[number]:.2f} to {edges[number + 1]:.2f}",
        )
        for of, heights in shares.items()
        for number, share in enumerate(heights.tolist())
        if share
    ]
