import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import connection

from ingestion import documents
from ingestion.models import Document
from retrieval import building, snapshots, space_reader, spaces, vector_search, vectors
from retrieval.candidates import CandidateFilter, IndexNotReady
from retrieval.index_folders import current_name, folder_of
from retrieval.models import Embedding, IndexChange, SpaceVersion
from retrieval.space_reader import SpaceReader
from retrieval.vectors import VectorBatch
from tests.retrieval.conftest import axis, only, restart, texts


def text_version() -> SpaceVersion:
    return spaces.live_versions()["text"]


def search(fruit: str, *found, reader: SpaceReader | None = None, **filters) -> list[str]:
    version, where = text_version(), only(*found, **filters)
    if reader is None:
        return texts(vector_search.search(version, axis(fruit), limit=10, where=where))
    state = reader.current(version)
    hits = state.search(axis(fruit), limit=10, where=where, ef_search=None, exact=False)
    return texts(hits)


def settled() -> None:
    """Wait until a snapshot that was noticed is loaded."""
    reader = space_reader.reader_of(text_version())
    reader.current(text_version())
    reader.wait_for_loader()


def state() -> space_reader.SpaceState:
    return space_reader.reader_of(text_version()).current(text_version())


def test_a_document_is_found_as_soon_as_it_is_published(library) -> None:
    first = library.document("apple", "pear")
    assert search("pear", first) == ["pear", "apple"]
    second = library.document("pear plum")
    assert search("pear", first, second) == ["pear", "pear plum", "apple"]


def test_every_reader_sees_publish_reparse_and_delete(library) -> None:
    readers = [SpaceReader(), SpaceReader()]
    one, two = library.document("apple"), library.document("plum")
    building.build_snapshot(text_version())
    late = SpaceReader()
    for reader in (*readers, late):
        assert search("apple", one, two, reader=reader) == ["apple", "plum"]
    library.parse(one, "cherry", "pear")
    for reader in (*readers, late):
        assert search("cherry", one, two, reader=reader) == ["cherry", "plum", "pear"]
    gone = only(one, two)
    documents.delete(two)
    for reader in (*readers, late):
        found = reader.current(text_version()).search(
            axis("plum"), limit=10, where=gone, ef_search=None, exact=False
        )
        assert texts(found) == ["cherry", "pear"]


def test_what_is_being_embedded_is_not_found_before_it_is_published(library) -> None:
    document = library.document("apple")
    library.add_chunks(document, "cherry")
    from retrieval import embedding

    embedding.embed_document(document, document.run)
    assert search("cherry", document) == ["apple"]


def test_nothing_is_found_outside_the_filter(library) -> None:
    mine, other = library.document("pear"), library.document("apple")
    for _ in range(2):
        assert search("apple", mine) == ["pear"]
        assert search("apple") == []
        assert search("apple", mine, other, kinds=frozenset({"image"})) == []
        building.build_snapshot(text_version())
        restart()


def test_a_filter_that_keeps_one_in_a_thousand_is_exact(library) -> None:
    many = library.document(*(f"apple {'plum ' * (number % 5)}" for number in range(1500)))
    few = library.document("pear apple", "cherry")
    version = text_version()
    for prepare in (lambda: None, lambda: building.build_snapshot(version), restart):
        prepare()
        assert search("apple", few) == ["pear apple", "cherry"]
        assert len(search("apple", few, many)) == 10


def test_an_unchanged_index_costs_no_query(library, django_assert_num_queries) -> None:
    where = only(library.document("apple"))
    version = text_version()
    vector_search.search(version, axis("apple"), limit=5, where=where)
    with django_assert_num_queries(0):
        vector_search.search(version, axis("apple"), limit=5, where=where)


def test_catching_up_takes_three_queries_however_much_changed(
    library, django_assert_num_queries
) -> None:
    found = [library.document("apple")]
    search("apple", *found)
    found += [library.document("pear") for _ in range(5)]
    version = text_version()
    with django_assert_num_queries(3):
        vector_search.search(version, axis("pear"), limit=5, where=only(*found))


def test_a_fresh_process_starts_from_the_snapshot(library, monkeypatch) -> None:
    one = library.document("apple", "pear")
    building.build_snapshot(text_version())
    two = library.document("plum")
    restart()
    monkeypatch.setattr("retrieval.vectors.stream", None)  # Reading all rows would fail.
    assert search("plum", one, two) == ["plum", "apple", "pear"]
    assert (state().count, len(state().fresh.rows), state().deleted) == (3, 1, 0)


def test_a_new_snapshot_is_taken_over_without_a_miss(library) -> None:
    one = library.document("apple")
    assert search("apple", one) == ["apple"]
    building.build_snapshot(text_version())
    assert search("apple", one) == ["apple"]
    two = library.document("apple plum")
    settled()
    assert search("apple", one, two) == ["apple", "apple plum"]
    assert state().snapshot is not None
    assert (state().count, len(state().fresh.rows)) == (2, 1)


def test_rows_of_changed_documents_are_hidden_in_the_snapshot(library) -> None:
    one, two = library.document("apple", "pear"), library.document("plum")
    building.build_snapshot(text_version())
    restart()
    library.parse(one, "cherry")
    assert search("apple", one, two) == ["plum", "cherry"]
    assert (state().deleted, state().count) == (2, 2)


@pytest.mark.parametrize("file", ["index.faiss", "rows.npz", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_snapshot_is_rebuilt_and_never_served(library, asked, file, damage) -> None:
    one = library.document("apple", "pear")
    building.build_snapshot(text_version())
    folder = folder_of(text_version())
    path = folder / current_name(folder) / file
    whole = path.read_bytes()
    if damage == "flip":
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    elif damage == "cut":
        path.write_bytes(whole[:-3])
    else:
        path.unlink()
    restart()
    asked.clear()
    assert search("pear", one) == ["pear", "apple"]
    assert state().snapshot is None
    assert asked == [("build_snapshot", text_version().pk)]
    building.build_snapshot(text_version())
    restart()
    assert search("pear", one) == ["pear", "apple"]
    assert state().snapshot is not None


@pytest.mark.parametrize(
    ("field", "value"), [("version", "another"), ("model", "fruit-9"), ("metric", "l2")]
)
def test_a_foreign_snapshot_is_not_served(library, asked, field: str, value: str) -> None:
    one = library.document("apple")
    building.build_snapshot(text_version())
    folder = folder_of(text_version())
    place = folder / current_name(folder)
    manifest = snapshots.read_manifest(place)
    changes: dict[str, Any] = {field: value}
    identity = replace(manifest.identity, **changes)
    snapshots.write_manifest(place, replace(manifest, identity=identity))
    restart()
    assert search("apple", one) == ["apple"]
    assert state().snapshot is None
    assert ("build_snapshot", text_version().pk) in asked


def test_a_snapshot_newer_than_the_database_is_not_served(library, asked) -> None:
    one = library.document("apple")
    building.build_snapshot(text_version())
    SpaceVersion.objects.update(revision=0)
    IndexChange.objects.all().delete()
    Embedding.objects.filter(space_version=text_version()).update(
        vector=axis("plum").astype("<f4").tobytes()
    )
    restart()
    hits = vector_search.search(text_version(), axis("plum"), limit=1, where=only(one))
    assert hits[0].score == pytest.approx(1)
    assert ("build_snapshot", text_version().pk) in asked


def test_the_folder_may_be_deleted_while_the_process_runs(library, asked, settings) -> None:
    one = library.document("apple")
    building.build_snapshot(text_version())
    restart()
    assert search("apple", one) == ["apple"]
    shutil.rmtree(settings.INDEX_DIR)
    asked.clear()
    two = library.document("apple pear")
    assert search("apple", one, two) == ["apple", "apple pear"]
    settled()
    assert ("build_snapshot", text_version().pk) in asked
    building.build_snapshot(text_version())
    settled()
    assert search("apple", one, two) == ["apple", "apple pear"]
    restart()
    shutil.rmtree(settings.INDEX_DIR)
    assert search("apple", one, two) == ["apple", "apple pear"]


def test_a_change_that_commits_while_another_is_read_is_not_lost(library, monkeypatch) -> None:
    one = library.document("apple")
    search("apple", one)
    stale = text_version()
    two = library.document("pear")
    three = library.document("plum")
    reader = space_reader.reader_of(stale)
    stale.revision += 1  # As another thread read it, between the two.
    assert reader.current(stale).revision == text_version().revision
    assert search("pear", one, two, three) == ["pear", "apple", "plum"]


@pytest.mark.django_db(transaction=True)
def test_a_large_space_without_a_snapshot_is_read_in_the_background(library, monkeypatch) -> None:
    one = library.document("apple")
    monkeypatch.setattr(space_reader, "LOAD_AT_ONCE", 0)
    monkeypatch.setattr(space_reader, "WAIT_SECONDS", 0)
    go_on, real = threading.Event(), vectors.stream

    def slow(version: SpaceVersion) -> Iterator[VectorBatch]:
        go_on.wait(10)
        yield from real(version)

    monkeypatch.setattr(vectors, "stream", slow)
    for _ in range(2):
        with pytest.raises(IndexNotReady, match="being read from the database"):
            search("apple", one)
    go_on.set()
    space_reader.reader_of(text_version()).wait_for_loader()
    assert search("apple", one) == ["apple"]


@pytest.fixture
def far_behind(library, monkeypatch) -> list[Document]:
    """What is in the library, of which this process has read the first document alone."""
    found = [library.document("apple")]
    assert search("apple", *found) == ["apple"]
    monkeypatch.setattr(space_reader, "LOAD_AT_ONCE", 1)
    monkeypatch.setattr(space_reader, "WAIT_SECONDS", 0)
    return [*found, library.document("pear", "plum")]


@pytest.mark.django_db(transaction=True)
def test_a_process_far_behind_catches_up_in_the_background(far_behind, monkeypatch) -> None:
    found = far_behind
    go_on, real = threading.Event(), vectors.of_documents

    def slow(version: SpaceVersion, ids: list[int]) -> VectorBatch:
        assert threading.current_thread() is not threading.main_thread()
        go_on.wait(10)
        return real(version, ids)

    monkeypatch.setattr(vectors, "of_documents", slow)
    for _ in range(2):
        with pytest.raises(IndexNotReady, match="being read from the database"):
            search("pear", *found)
    go_on.set()
    space_reader.reader_of(text_version()).wait_for_loader()
    assert search("pear", *found) == ["pear", "apple", "plum"]


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_that_comes_while_a_process_catches_up_is_kept(far_behind, monkeypatch) -> None:
    found = far_behind
    go_on, real = threading.Event(), vectors.of_documents

    def slow(version: SpaceVersion, ids: list[int]) -> VectorBatch:
        go_on.wait(10)
        return real(version, ids)

    monkeypatch.setattr(vectors, "of_documents", slow)
    with pytest.raises(IndexNotReady):
        search("pear", *found)
    (follower,) = (one for one in threading.enumerate() if one.name == "follow-text")
    building.build_snapshot(text_version())
    reader = space_reader.reader_of(text_version())
    reader._notice_new_snapshot(text_version())
    reader.wait_for_loader()
    go_on.set()
    follower.join()
    assert search("pear", *found) == ["pear", "apple", "plum"]
    assert state().snapshot is not None


@pytest.mark.django_db(transaction=True)
def test_a_process_behind_what_is_recorded_starts_anew(library, monkeypatch) -> None:
    found = [library.document("apple")]
    assert search("apple", *found) == ["apple"]
    found.append(library.document("pear", "plum"))
    SpaceVersion.objects.filter(space="text").update(pruned_to=text_version().revision)
    monkeypatch.setattr(space_reader, "LOAD_AT_ONCE", 1)
    with pytest.raises(IndexNotReady):
        search("pear", *found)
    assert search("pear", *found) == ["pear", "apple", "plum"]


@pytest.mark.django_db(transaction=True)
def test_a_new_snapshot_catches_up_while_the_old_state_answers(library, monkeypatch) -> None:
    found = [library.document("apple")]
    building.build_snapshot(text_version())
    restart()
    assert search("apple", *found) == ["apple"]
    building.build_snapshot(text_version(), anew=True)
    found.append(library.document("pear", "plum"))
    monkeypatch.setattr(space_reader, "LOAD_AT_ONCE", 2)
    assert search("pear", *found) == ["pear", "apple", "plum"]
    monkeypatch.setattr(space_reader, "LOAD_AT_ONCE", 0)
    settled()
    assert search("pear", *found) == ["pear", "apple", "plum"]
    assert state().snapshot is not None


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_snapshot_and_fresh_rows_are_scored_alike(library, settings, metric: str) -> None:
    settings.SPACES["text"]["metric"] = metric
    SpaceVersion.objects.all().delete()
    spaces.sync()
    one = library.document("apple apple", "apple pear")
    hits = vector_search.search(text_version(), axis("apple"), limit=5, where=only(one))
    building.build_snapshot(text_version())
    restart()
    again = vector_search.search(text_version(), axis("apple"), limit=5, where=only(one))
    assert [hit.chunk_id for hit in hits] == [hit.chunk_id for hit in again]
    assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in again])
    expected = {"cosine": [1, 0.5**0.5], "dot": [2, 1], "l2": [-1, -1]}[metric]
    assert [hit.score for hit in hits] == pytest.approx(expected)


@pytest.mark.django_db(transaction=True)
def test_threads_search_while_documents_are_published(library) -> None:
    found = [library.document("apple")]
    everything = CandidateFilter(frozenset(range(1, 10_000)))
    version = text_version()
    vector_search.search(version, axis("apple"), limit=50, where=everything)
    states = [space_reader.reader_of(version).current(version)]
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            while not done.is_set():
                current = space_reader.reader_of(version).state
                assert current is not None
                hits = current.search(
                    axis("apple"), limit=50, where=everything, ef_search=None, exact=False
                )
                assert len(hits) == current.count
        except BaseException as exc:  # noqa: BLE001 — shown by the assertion below.
            errors.append(exc)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        found.append(library.document("apple pear", "plum"))
        states.append(state())
    building.build_snapshot(text_version())
    settled()
    states.append(state())
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [one.count for one in states] == [1, 3, 5, 7, 9, 11, 13, 15, 17, 17]
    connection.close()


def test_a_query_of_the_wrong_size_is_refused(library) -> None:
    from ingestion.errors import PermanentError

    one = library.document("apple")
    with pytest.raises(PermanentError, match="4 dimensions"):
        vector_search.search(text_version(), np.ones(3), limit=1, where=only(one))
    with pytest.raises(PermanentError, match="not finite"):
        vector_search.search(text_version(), np.full(4, np.nan), limit=1, where=only(one))


def test_before_the_first_vector_nothing_is_found(library) -> None:
    SpaceVersion.objects.filter(space="text").update(dimension=0)
    one = library.document()
    assert search("apple", one) == []
    library.parse(one, "apple")
    assert search("apple", one) == ["apple"]


def test_what_is_no_longer_live_is_dropped_from_memory(library) -> None:
    one = library.document("apple")
    version = text_version()
    search("apple", one)
    before = space_reader.reader_of(version)
    assert space_reader.reader_of(version) is before
    SpaceVersion.objects.filter(pk=version.pk).update(state="retired")
    SpaceVersion.objects.create(space="text", number=2, state="live", model="m", dimension=4)
    search("apple", one)
    assert space_reader.reader_of(version) is not before
