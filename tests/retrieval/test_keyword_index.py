import shutil
import threading
from pathlib import Path

import pytest

from retrieval.candidates import CandidateFilter
from retrieval.keyword_index import (
    KeywordEntry,
    KeywordIndex,
    KeywordIndexDamaged,
    WriterBusy,
)

EVERYTHING = CandidateFilter(frozenset({1, 2, 3}))


def entry(chunk: int, document: int, text: str, kind: str = "text", page: int = 1) -> KeywordEntry:
    return KeywordEntry(chunk, document, kind, page, text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keywords").mkdir()
    return tmp_path / "keywords"


@pytest.fixture
def index(folder: Path) -> KeywordIndex:
    index = KeywordIndex.create(folder)
    entries = [
        entry(10, 1, "The company filed its 10-K with revenue of $1,234.5 million."),
        entry(11, 1, "Revenue by segment", kind="table", page=2),
        entry(20, 2, "Cafés serve naïve e-mail", kind="image", page=3),
        entry(30, 3, "Nothing of note"),
    ]
    index.replace([1, 2, 3], entries, revision=7)
    return index


def found(index: KeywordIndex, query: str, where: CandidateFilter = EVERYTHING) -> list[int]:
    return [hit.chunk_id for hit in index.search(query, limit=10, where=where)]


@pytest.mark.parametrize(
    ("query", "chunks"),
    [
        ("filing companies", [10]),
        ("10K", [10]),
        ("1234.5", [10]),
        ("cafe email", [20]),
        ("REVENUES", [11, 10]),
        ("elephant", []),
        ('revenue AND (segment OR "', [11, 10]),
        ("document:1 *", []),
        ("-", []),
    ],
)
def test_words_are_found_however_they_are_written(index, query: str, chunks: list[int]) -> None:
    assert found(index, query) == chunks


@pytest.mark.parametrize(
    ("where", "chunks"),
    [
        (CandidateFilter(frozenset({1})), [11, 10]),
        (CandidateFilter(frozenset({2, 3})), []),
        (CandidateFilter(frozenset({1}), kinds=frozenset({"table", "image"})), [11]),
        (CandidateFilter(frozenset({1}), pages=(1, 1)), [10]),
        (CandidateFilter(frozenset({1}), pages=(-5, 99)), [11, 10]),
        (CandidateFilter(frozenset()), []),
        (CandidateFilter(frozenset({0})), []),
    ],
)
def test_the_filter_holds_within_the_search(index, where, chunks: list[int]) -> None:
    assert found(index, "revenue", where) == chunks


def test_a_filter_does_not_change_scores(index) -> None:
    [narrow] = index.search("10-K", limit=5, where=CandidateFilter(frozenset({1}), pages=(1, 1)))
    [wide] = index.search("10-K", limit=5, where=EVERYTHING)
    assert narrow == wide


def test_the_limit_is_applied_after_the_filter(folder: Path) -> None:
    index = KeywordIndex.create(folder)
    entries = [entry(n, 1 + n % 1000, "apple " * (1 + n % 7)) for n in range(1, 3000)]
    index.replace([], entries, revision=1)
    hits = index.search("apple", limit=5, where=CandidateFilter(frozenset({42})))
    assert {hit.chunk_id for hit in hits} == {41, 1041, 2041}


def test_a_document_is_replaced_as_a_whole(index) -> None:
    index.replace([1], [entry(12, 1, "revenue again")], revision=8)
    assert found(index, "revenue") == [12]
    assert (index.revision, index.count) == (8, 3)
    index.replace([1, 2], [], revision=9)
    assert (index.revision, index.count) == (9, 1)


def test_replacing_twice_is_the_same_as_once(index) -> None:
    for _ in range(2):
        index.replace([3], [entry(31, 3, "elephant")], revision=8)
    assert (found(index, "elephant"), index.count) == ([31], 4)


def test_a_writer_that_dies_has_changed_nothing(index, folder: Path) -> None:
    def entries():
        yield entry(12, 1, "elephant")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.replace([1, 2], entries(), revision=8)
    again = KeywordIndex.open(folder)
    assert (again.revision, again.count, found(again, "elephant")) == (7, 4, [])


def test_another_reader_sees_a_commit_after_reload(index, folder: Path) -> None:
    other = KeywordIndex.open(folder)
    index.replace([3], [entry(31, 3, "elephant")], revision=8)
    assert (other.revision, found(other, "elephant")) == (7, [])
    other.reload()
    assert (other.revision, found(other, "elephant")) == (8, [31])


def test_only_one_writer_at_a_time(index, folder: Path) -> None:
    other = KeywordIndex.open(folder)

    def entries():
        with pytest.raises(WriterBusy):
            other.replace([], [], revision=9)
        yield entry(31, 3, "elephant")

    index.replace([3], entries(), revision=8)
    other.replace([], [], revision=9)
    assert other.revision == 9


def test_a_deleted_folder_still_answers_but_cannot_be_written(index, folder: Path) -> None:
    shutil.rmtree(folder)
    assert found(index, "10-K") == [10]
    with pytest.raises(KeywordIndexDamaged):
        index.replace([1], [], revision=8)
    with pytest.raises(KeywordIndexDamaged):
        index.reload()
    assert found(index, "10-K") == [10]


def test_every_changed_byte_is_noticed(index, folder: Path) -> None:
    segments = [path for path in folder.iterdir() if path.suffix in (".term", ".idx", ".fast")]
    assert len(segments) == 3
    for path in segments:
        whole = path.read_bytes()
        for damaged in (whole[:-1], whole[:5], bytes([whole[0] ^ 1]) + whole[1:], b""):
            path.write_bytes(damaged)
            with pytest.raises(KeywordIndexDamaged):
                KeywordIndex.open(folder)
        path.write_bytes(whole)
    assert KeywordIndex.open(folder).count == 4


def test_an_index_without_its_list_of_segments_is_damaged(index, folder: Path) -> None:
    (folder / "meta.json").unlink()
    with pytest.raises(KeywordIndexDamaged):
        KeywordIndex.open(folder)


def test_several_threads_search_one_index(index) -> None:
    results: list[list[int]] = []
    start = threading.Barrier(8)

    def run() -> None:
        start.wait()
        results.extend(found(index, "company revenue naïve 10-K") for _ in range(50))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [results[0]] * 400
