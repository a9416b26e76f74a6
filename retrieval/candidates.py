"""What goes into a search of one index, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """What may be found: documents by id, chunk kinds, and physical pages (both ends included).

    `document_ids` holds the permissions, so it is never optional: empty finds nothing.
    """

    document_ids: frozenset[int]
    kinds: frozenset[str] | None = None
    pages: tuple[int, int] | None = None

    @property
    def finds_nothing(self) -> bool:
        empty_range = self.pages is not None and self.pages[0] > self.pages[1]
        no_kind = self.kinds is not None and not self.kinds
        return not self.document_ids or no_kind or empty_range


@dataclass(frozen=True, slots=True)
class Candidate:
    """One chunk found in one index; a higher score is better, whatever the metric."""

    chunk_id: int
    score: float


class IndexNotReady(Exception):
    """The index cannot answer yet; the message is a sentence that says so to people."""
