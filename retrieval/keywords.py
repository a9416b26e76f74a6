"""Search chunks by their words.

The keyword index is a version of the space "keywords"; the chunks' text is its truth.
"""

from __future__ import annotations

from dataclasses import dataclass

from retrieval import changes, keyword_building, keyword_reader
from retrieval.candidates import Candidate, CandidateFilter
from retrieval.changes import ChangesPruned
from retrieval.keyword_building import live_chunks
from retrieval.keyword_index import KeywordIndexDamaged
from retrieval.models import SpaceVersion

SPACE = "keywords"

BEHIND = (
    "The keyword index is catching up: documents added a moment ago may not be found by their "
    "words yet."
)
REBUILDING = "The keyword index is being rebuilt, so nothing is found by its words."


def search(
    query: str, *, limit: int, where: CandidateFilter, version: SpaceVersion | None = None
) -> list[Candidate]:
    """Return the chunks that best match the query's words, best first.

    The query is plain text: nothing in it is syntax. Searches `version` as it was just read
    from the database, else the live one. Raises IndexNotReady while the index is rebuilt.
    """
    version = version or SpaceVersion.objects.live().filter(space=SPACE).first()
    if version is None or where.finds_nothing or not query.strip():
        return []
    index = keyword_reader.reader_of(version).current(version)
    return index.search(query, limit=limit, where=where)


def lag(version: SpaceVersion) -> str:
    """Say in a sentence what the search just made may have missed; empty when nothing.

    Costs no query.
    """
    index = keyword_reader.reader_of(version).index
    return BEHIND if index is not None and index.revision < version.revision else ""


@dataclass(frozen=True, slots=True)
class Report:
    """Chunks in the index, how many it still lacks, and what that means in a sentence."""

    chunks: int
    missing: int
    condition: str


def report(version: SpaceVersion) -> Report:
    """Look at the index, and change nothing."""
    try:
        index = keyword_reader.reader_of(version).glance(version)
    except KeywordIndexDamaged:
        index = None
    if index is None:
        missing = live_chunks().count()
        return Report(0, missing, REBUILDING if missing else "")
    if index.revision >= version.revision:
        return Report(index.count, 0, "")
    try:
        behind = live_chunks(list(changes.since(version, index.revision)))
    except ChangesPruned:
        behind = live_chunks()
    missing = behind.count()
    return Report(index.count, missing, BEHIND if missing else "")


def refresh(version: SpaceVersion) -> None:
    """Bring the index on disk up to date, or build it.

    Raises TransientError when another process is at it, or the disk does not take it.
    """
    keyword_reader.reader_of(version).refresh(version)


def build(version: SpaceVersion) -> None:
    """Build the index anew from the database, beside the current one, and switch to it.

    Raises LeaseLost when another process is at it, and TransientError when the disk does not
    take it.
    """
    keyword_building.build(version)
