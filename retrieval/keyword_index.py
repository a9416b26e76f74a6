"""Tantivy: one BM25 index of chunks on disk. No other module imports it.

The index says itself up to which revision it is complete: that number is committed together
with the chunks it counts, so a writer that dies in the middle has changed nothing. Tantivy's
own lock lets one writer in at a time, over all processes.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from retrieval.candidates import (
    Candidate,
    CandidateFilter,
    Combined,
    DocumentIn,
    KindIn,
    PagesBetween,
    Term,
)
from retrieval.keyword_text import STOP_WORDS, prepare

# The document number of the entry that holds the revision; no row of the database has it.
STAMP = 0
WORD = r"\d+(?:\.\d+)+|[\p{L}\p{M}\p{N}_]+"
LONGEST_WORD = 60
WRITER_BYTES = 32_000_000
# So many words of a query are looked up; nobody types more, and pasted pages are cut.
MOST_WORDS = 64
FOOTER_MAGIC = 1337
# So many sets of documents are kept in the form in which Tantivy takes them.
KNOWN_SCOPES = 16


class KeywordIndexDamaged(Exception):
    """The files are not an index that can be read or written."""


class WriterBusy(Exception):
    """Another thread or process is writing the index."""


@dataclass(frozen=True, slots=True)
class KeywordEntry:
    """One chunk as it is indexed."""

    chunk_id: int
    document_id: int
    kind: str
    page: int
    text: str


class KeywordIndex:
    """An open index. Searching is thread-safe, and sees the commit of the last reload."""

    def __init__(self, index: Any) -> None:
        index.register_tokenizer("english", _analyzer())
        index.config_reader("manual")
        self._index = index
        # Whoever may read ten thousand documents asks again soon, and naming them to Tantivy
        # takes longer (8 ms) than finding what they hold (5 ms).
        self._of_known = lru_cache(maxsize=KNOWN_SCOPES)(self._of_documents)
        self.reload()

    @classmethod
    def create(cls, folder: Path) -> KeywordIndex:
        import tantivy

        schema = tantivy.SchemaBuilder()
        schema.add_unsigned_field("chunk", fast=True)
        schema.add_unsigned_field("document", indexed=True)
        schema.add_unsigned_field("page", indexed=True, fast=True)
        schema.add_unsigned_field("revision", fast=True)
        schema.add_text_field("kind", tokenizer_name="raw", index_option="basic")
        schema.add_text_field("content", tokenizer_name="english", index_option="freq")
        return cls(tantivy.Index(schema.build(), path=str(folder), reuse=False))

    @classmethod
    def open(cls, folder: Path) -> KeywordIndex:
        """Open and verify an index. Raises KeywordIndexDamaged."""
        import tantivy

        try:
            _verify(folder)
            return cls(tantivy.Index.open(str(folder)))
        except (ValueError, OSError, KeyError) as exc:
            raise KeywordIndexDamaged(f"the keyword index cannot be read: {exc}") from exc

    def reload(self) -> None:
        """See the newest commit. Raises KeywordIndexDamaged, and keeps the one before."""
        try:
            self._index.reload()
        except ValueError as exc:
            raise KeywordIndexDamaged(f"the keyword index cannot be read: {exc}") from exc
        self._searcher = self._index.searcher()
        self.revision = self._stamped_revision()

    def _stamped_revision(self) -> int:
        import tantivy

        query = tantivy.Query.term_query(self._index.schema, "document", STAMP)
        hits = self._searcher.search(query, 1, count=False).hits
        values = self._searcher.fast_field_values("revision", [address for _, address in hits])
        return int(values[0] or 0) if values else 0

    @property
    def count(self) -> int:
        """Chunks in the index."""
        return max(0, self._searcher.num_docs - 1)

    def replace(
        self, document_ids: Iterable[int], entries: Iterable[KeywordEntry], *, revision: int
    ) -> None:
        """Put the entries in place of all that the documents had, in one commit.

        Raises WriterBusy, and KeywordIndexDamaged when it cannot be written.
        """
        writer = self._writer()
        try:
            writer.delete_documents_by_query(self._of_documents([STAMP, *document_ids]))
            for entry in entries:
                writer.add_document(_as_document(entry))
            writer.add_document(_stamp(revision))
            writer.commit()
            writer.wait_merging_threads()
        except ValueError as exc:
            raise KeywordIndexDamaged(f"the keyword index cannot be written: {exc}") from exc
        self.reload()

    def _writer(self) -> Any:
        try:
            return self._index.writer(heap_size=WRITER_BYTES, num_threads=1)
        except ValueError as exc:
            if "LockBusy" in str(exc):
                raise WriterBusy from exc
            raise KeywordIndexDamaged(f"the keyword index cannot be written: {exc}") from exc

    def search(self, query: str, *, limit: int, where: CandidateFilter) -> list[Candidate]:
        """Return the chunks with the best BM25 scores (k1 = 1.2, b = 0.75), best first."""
        words = words_of(query)
        if not words or where.finds_nothing or limit <= 0:
            return []
        searcher = self._searcher
        hits = searcher.search(self._query(words, where), limit, count=False).hits
        chunks = searcher.fast_field_values("chunk", [address for _, address in hits])
        found = [
            Candidate(int(chunk), score)
            for chunk, (score, _) in zip(chunks, hits, strict=True)
            if chunk is not None
        ]
        return sorted(found, key=lambda hit: (-hit.score, hit.chunk_id))

    def _query(self, words: list[str], where: CandidateFilter) -> Any:
        import tantivy

        schema, query, occur = self._index.schema, tantivy.Query, tantivy.Occur
        should = [
            (occur.Should, query.term_query(schema, "content", word, "freq")) for word in words
        ]
        filters = [self._of_known(where.document_ids)]
        filters += [self._holding(term) for term in where.all_terms()]
        # A filter lets through and adds nothing to the score.
        must = [(occur.Must, query.const_score_query(each, 0.0)) for each in filters]
        return query.boolean_query([(occur.Must, query.boolean_query(should)), *must])

    def _holding(self, term: Term) -> Any:
        import tantivy

        schema, query, unsigned = self._index.schema, tantivy.Query, tantivy.FieldType.Unsigned
        match term:
            case DocumentIn(documents):
                return self._of_known(documents)
            case KindIn(kinds):
                return query.term_set_query(schema, "kind", list(kinds))
            case PagesBetween(first, last):
                return query.range_query(schema, "page", unsigned, max(0, first), max(0, last))
            case Combined():
                return self._combined(term)

    def _combined(self, term: Combined) -> Any:
        import tantivy

        occur = tantivy.Occur
        # A boolean query of exclusions alone would find nothing: it starts from everything.
        clauses = [(occur.Must, tantivy.Query.all_query())]
        clauses += [(occur.Must, self._holding(each)) for each in term.must]
        if term.should:
            some = [(occur.Should, self._holding(each)) for each in term.should]
            clauses.append((occur.Must, tantivy.Query.boolean_query(some)))
        clauses += [(occur.MustNot, self._holding(each)) for each in term.must_not]
        return tantivy.Query.boolean_query(clauses)

    def _of_documents(self, document_ids: Iterable[Any]) -> Any:
        import tantivy

        return tantivy.Query.term_set_query(self._index.schema, "document", list(document_ids))


def words_of(query: str) -> list[str]:
    """Return the distinct words of a query as they are indexed, without stop words.

    A query of stop words alone keeps them. Nothing in it is syntax.
    """
    text = prepare(query)
    words = _query_analyzer().analyze(text) or _analyzer().analyze(text)
    return list(dict.fromkeys(words))[:MOST_WORDS]


def stems_of(text: str) -> frozenset[str]:
    """Return what a text is found by: its words as they are indexed."""
    return frozenset(_analyzer().analyze(prepare(text)))


@cache
def _analyzer() -> Any:
    return _steps().filter(_filters().stemmer("english")).build()


@cache
def _query_analyzer() -> Any:
    filters = _filters()
    without = _steps().filter(filters.custom_stopword(STOP_WORDS))
    return without.filter(filters.stemmer("english")).build()


def _filters() -> Any:
    import tantivy

    return tantivy.Filter


def _steps() -> Any:
    import tantivy

    filters = tantivy.Filter
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(WORD))
    builder = builder.filter(filters.remove_long(LONGEST_WORD)).filter(filters.lowercase())
    return builder.filter(filters.ascii_fold())


def _as_document(entry: KeywordEntry) -> Any:
    import tantivy

    document = tantivy.Document()
    document.add_unsigned("chunk", entry.chunk_id)
    document.add_unsigned("document", entry.document_id)
    document.add_unsigned("page", entry.page)
    document.add_text("kind", entry.kind)
    document.add_text("content", prepare(entry.text))
    return document


def _stamp(revision: int) -> Any:
    import tantivy

    document = tantivy.Document()
    document.add_unsigned("document", STAMP)
    document.add_unsigned("revision", revision)
    return document


def _verify(folder: Path) -> None:
    """Check every segment file against the checksum in its footer. Raises ValueError.

    The footer is JSON with the CRC-32 of what stands before it, then the JSON's length and a
    magic number, both 32 bits. Tantivy itself checks it only when asked, and Python cannot ask.
    """
    segments = json.loads((folder / "meta.json").read_text())["segments"]
    prefixes = {segment["segment_id"].replace("-", "") for segment in segments}
    for path in folder.iterdir():
        if path.name.split(".")[0] in prefixes:
            _verify_file(path)


def _verify_file(path: Path) -> None:
    data = path.read_bytes()
    if len(data) < 8:
        raise ValueError(f"{path.name} is cut off")
    length, magic = struct.unpack("<II", data[-8:])
    end = len(data) - 8 - length
    if magic != FOOTER_MAGIC or end < 0:
        raise ValueError(f"{path.name} has no footer")
    if json.loads(data[end:-8])["crc"] != zlib.crc32(data[:end]):
        raise ValueError(f"{path.name} has changed")
