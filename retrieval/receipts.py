"""Bear witness to a deletion: what a document had here, and that no source finds it after."""

from __future__ import annotations

from collections import Counter

from ingestion.models import Chunk, Document
from ingestion.receipts import Proof
from retrieval import keywords, search
from retrieval.candidates import CandidateFilter
from retrieval.models import Embedding, SpaceVersion, SpaceVersionState
from retrieval.request import Query, SearchRequest, Source, Stage
from retrieval.requests import known_spaces

TEXTS = 3
# Of a passage, as a query: more would be cut by the models anyway.
QUERY_CHARACTERS = 400


class IndexWitness:
    """Holds the vectors' counts and a few exact texts of a document that is about to go."""

    def __init__(self, document: Document) -> None:
        self._document_id = document.pk
        rows = Embedding.objects.filter(chunk__document=document).order_by()
        versions = rows.values_list("space_version", flat=True)
        self._counts = Counter(versions)
        self._texts = _some_texts(document)

    def vectors(self) -> dict[str, int]:
        versions = SpaceVersion.objects.in_bulk(list(self._counts))
        return {
            _name(version): self._counts[pk]
            for pk, version in sorted(versions.items(), key=lambda item: _name(item[1]))
        }

    def look(self) -> list[Proof]:
        return [self._ask(space) for space in known_spaces()] if self._texts else []

    def _ask(self, space: str) -> Proof:
        # The document's id is allowed here though it is gone: only what is left can be found.
        where = CandidateFilter(frozenset({self._document_id}))
        request = SearchRequest(Stage((Source(space),)))
        queries = [Query(text) for text in self._texts]
        results = search.search_many(queries, where=where, request=request, use_cache=False)
        # Not the hits: those are read from the database, where the chunks are gone anyway.
        found = sum(len(result.rankings.get(space, ())) for result in results)
        notes = dict.fromkeys(note for result in results for note in result.notes)
        asked = all(space in result.index_versions for result in results)
        # What is left in an index that is known to be behind goes when it has caught up.
        is_known = asked and not (found and keywords.BEHIND in notes)
        return Proof(
            source=space,
            texts=len(queries),
            found=found if is_known else None,
            note="" if is_known else " ".join(notes),
        )


def _name(version: SpaceVersion) -> str:
    is_live = version.state == SpaceVersionState.LIVE
    return version.space if is_live else f"{version.space} v{version.number}"


def _some_texts(document: Document) -> list[str]:
    """Exact texts of the first, the middle and the last passage that have words."""
    chunks = Chunk.objects.live().filter(document=document).exclude(text="").order_by("order")
    texts = list(chunks.values_list("text", flat=True))
    places = sorted({0, len(texts) // 2, len(texts) - 1})[:TEXTS] if texts else []
    return [texts[place][:QUERY_CHARACTERS] for place in places]
