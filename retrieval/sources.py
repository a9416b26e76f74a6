"""Ask one source (a vector space or the keyword index) for its candidates."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.errors import PermanentError, TransientError
from retrieval import accounting, asides, keywords, scope, vector_search
from retrieval.candidates import Candidate, CandidateFilter, IndexNotReady
from retrieval.embedders import ModelUnavailable
from retrieval.models import SpaceVersion
from retrieval.query_vectors import CannotAsk, QueryVectors
from retrieval.request import KEYWORDS, Query, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.fusion import Ranking


# So many words are no question.
FEW_WORDS = 3


@dataclass(slots=True)
class Run:
    """One query on its way through a request, and what has been found out so far.

    `rankings` holds each list by its label, `versions` the number of each space's version
    that answered, `timings` seconds by stage, `notes` what went wrong, in sentences.
    """

    query: Query
    number: int
    where: CandidateFilter
    live: Mapping[str, SpaceVersion]
    vectors: QueryVectors
    rankings: dict[str, Ranking] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rerank_model: str = ""

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds that the block takes to the stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.timings[stage] = self.timings.get(stage, 0.0) + spent

    def note(self, sentence: str) -> None:
        if sentence and sentence not in self.notes:
            self.notes.append(sentence)


def ask(source: Source, run: Run) -> Ranking | None:
    """Return a source's candidates, best first; None, and a note, when it cannot answer."""
    version = run.live.get(source.space)
    if version is None:
        run.note(f"The {source.space} index was not searched: it has not been set up yet.")
        return None
    try:
        asked = _keywords if source.space == KEYWORDS else _vectors
        found = asked(source, version, run)
    except (ModelUnavailable, IndexNotReady, PermanentError, TransientError) as exc:
        run.note(f"The {source.space} index was not searched: {exc}")
        return None
    run.versions[source.space] = version.number
    return [(candidate.chunk_id, candidate.score) for candidate in found]


def _keywords(source: Source, version: SpaceVersion, run: Run) -> list[Candidate]:
    if not run.query.text.strip():
        raise CannotAsk("a picture has no words to look up.")
    with run.timed(source.label):
        where = scope.narrowed(run.where, source.filter)
        words = _looked_for(run.query.text)
        found = keywords.search(words, limit=source.limit, where=where, version=version)
    run.note(keywords.lag(version))
    return found


def _looked_for(question: str) -> str:
    """The words to look up: what is asked, and what it is called in a company's statements.

    Of a few words alone, those are wanted that were typed.
    """
    also = accounting.words_for(question) if len(question.split()) > FEW_WORDS else ""
    return f"{asides.without(question)} {also}".strip()


def _vectors(source: Source, version: SpaceVersion, run: Run) -> list[Candidate]:
    with run.timed("encode"):
        vector, left_out = run.vectors.of(run.number, version)
    run.note(left_out)
    with run.timed(source.label):
        return vector_search.search(
            version,
            vector,
            limit=source.limit,
            where=scope.narrowed(run.where, source.filter),
            ef_search=source.ef_search,
            exact=source.exact,
        )
