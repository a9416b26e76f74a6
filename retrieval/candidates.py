"""What goes into a search of one index, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentIn:
    """The chunk's document is one of these, by id; none of them finds nothing."""

    ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class KindIn:
    """The chunk is of one of these kinds; none of them finds nothing."""

    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class PagesBetween:
    """The chunk is on a physical page from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Combined:
    """All of `must`, at least one of `should` where there is any, and none of `must_not`."""

    must: tuple[Term, ...] = ()
    should: tuple[Term, ...] = ()
    must_not: tuple[Term, ...] = ()


Term = DocumentIn | KindIn | PagesBetween | Combined


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """What may be found: documents by id, chunk kinds, and physical pages (both ends included).

    `document_ids` holds the permissions, so it is never optional: empty finds nothing. All of
    `terms` must hold as well.
    """

    document_ids: frozenset[int]
    kinds: frozenset[str] | None = None
    pages: tuple[int, int] | None = None
    terms: tuple[Term, ...] = ()

    @property
    def finds_nothing(self) -> bool:
        empty_range = self.pages is not None and self.pages[0] > self.pages[1]
        no_kind = self.kinds is not None and not self.kinds
        return not self.document_ids or no_kind or empty_range

    def all_terms(self) -> tuple[Term, ...]:
        """Everything but the permissions, as terms that must all hold."""
        kinds = () if self.kinds is None else (KindIn(self.kinds),)
        pages = () if self.pages is None else (PagesBetween(*self.pages),)
        return (*kinds, *pages, *self.terms)

    def admits(self, document_id: int, kind: str, page: int) -> bool:
        """Tell whether one chunk may be found."""
        if document_id not in self.document_ids:
            return False
        return all(_holds(term, document_id, kind, page) for term in self.all_terms())


def _holds(term: Term, document_id: int, kind: str, page: int) -> bool:
    match term:
        case DocumentIn(ids):
            return document_id in ids
        case KindIn(kinds):
            return kind in kinds
        case PagesBetween(first, last):
            return first <= page <= last
        case Combined(must, should, must_not):
            here = (document_id, kind, page)
            return (
                all(_holds(each, *here) for each in must)
                and (not should or any(_holds(each, *here) for each in should))
                and not any(_holds(each, *here) for each in must_not)
            )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One chunk found in one index; a higher score is better, whatever the metric."""

    chunk_id: int
    score: float


class IndexNotReady(Exception):
    """The index cannot answer yet; the message is a sentence that says so to people."""
