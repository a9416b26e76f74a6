import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ingestion.errors import TransientError
from retrieval import (
    building,
    faiss_index,
    index_plan,
    leases,
    snapshots,
    space_reader,
    spaces,
    vector_search,
)
from retrieval.index_folders import current_name, folder_of
from retrieval.models import SpaceVersion
from tests.retrieval.conftest import axis, only, restart, texts


def version() -> SpaceVersion:
    return spaces.live_versions()["text"]


def load() -> snapshots.Snapshot:
    found = snapshots.load(folder_of(version()), building.identity_of(version()))
    assert found is not None
    return found


def test_a_snapshot_says_what_it_is(library) -> None:
    library.document("apple", "pear")
    building.build_snapshot(version())
    manifest = load().manifest
    assert manifest.identity == snapshots.Identity(str(version().uuid), "fruit-1", 4, "cosine")
    assert (manifest.revision, manifest.count) == (version().revision, 2)
    assert manifest.index == {"type": "flat"}
    assert set(manifest.checksums) == {"index.faiss", "rows.npz"}


def test_there_may_be_no_snapshot(library) -> None:
    assert snapshots.load(folder_of(version()), building.identity_of(version())) is None


def test_an_empty_space_has_an_empty_snapshot(library) -> None:
    building.build_snapshot(version())
    assert load().manifest.count == 0
    restart()
    one = library.document("apple")
    assert texts(vector_search.search(version(), axis("apple"), limit=1, where=only(one)))


def test_vectors_of_replaced_and_deleted_chunks_are_left_out(library) -> None:
    one, two = library.document("apple"), library.document("pear")
    library.parse(one, "plum", "cherry")
    two.delete()
    building.build_snapshot(version())
    assert sorted(load().rows.chunks) == sorted(one.chunks.values_list("pk", flat=True))


@pytest.mark.parametrize("kind", index_plan.TYPES)
def test_every_type_of_index_is_searched_alike(library, settings, kind: str) -> None:
    settings.SPACES["text"]["index"] = {"type": kind, "M": 8, "ef_construction": 20}
    spaces.sync()
    found = [library.document(*("apple " * n + "pear" for n in range(1, 40)))]
    building.build_snapshot(version())
    restart()
    found.append(library.document("cherry apple"))
    where = only(*found)
    hits = vector_search.search(version(), axis("apple"), limit=3, where=where)
    assert texts(hits) == ["apple " * n + "pear" for n in (39, 38, 37)]
    exact = vector_search.search(version(), axis("cherry"), limit=1, where=where, exact=True)
    assert texts(exact) == ["cherry apple"]
    assert load().manifest.index["type"] == kind


def test_the_one_before_is_kept_and_older_ones_go(library) -> None:
    library.document("apple")
    names = []
    for _ in range(4):
        building.build_snapshot(version())
        names.append(current_name(folder_of(version())))
    left = {path.name for path in folder_of(version()).iterdir()}
    assert left == {"CURRENT", *names[-2:]}


def test_a_writer_that_dies_leaves_the_current_one_in_place(library, monkeypatch) -> None:
    one = library.document("apple")
    building.build_snapshot(version())
    before = current_name(folder_of(version()))

    def die(*args: object, **kwargs: object) -> None:
        raise SystemExit

    for step in ("retrieval.snapshots.write_manifest", "retrieval.index_folders.os.replace"):
        library.document("pear")
        with monkeypatch.context() as patch:
            patch.setattr(step, die)
            with pytest.raises(SystemExit):
                building.build_snapshot(version())
        assert current_name(folder_of(version())) == before
        restart()
        assert texts(vector_search.search(version(), axis("apple"), limit=1, where=only(one)))
    building.build_snapshot(version())
    assert not list(folder_of(version()).glob("*.partial"))
    assert load().manifest.count == 3


def test_a_full_disk_is_worth_another_try(library, monkeypatch) -> None:
    library.document("apple")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(faiss_index.VectorIndex, "save", full)
    with pytest.raises(TransientError, match="No space left on device"):
        building.build_snapshot(version())
    assert current_name(folder_of(version())) == ""
    assert not list(folder_of(version()).glob("*"))
    assert version().writer == ""


def test_only_one_process_builds(library) -> None:
    library.document("apple")
    with leases.writing(version()):
        with pytest.raises(leases.LeaseLost, match="is writing the index of text v1"):
            building.build_snapshot(version())
        assert current_name(folder_of(version())) == ""
    building.build_snapshot(version())


def test_a_dead_writers_lease_is_taken_over(library) -> None:
    library.document("apple")
    long_ago = timezone.now() - leases.STALE_AFTER - timedelta(seconds=1)
    SpaceVersion.objects.update(writer="the dead", writer_seen_at=long_ago)
    building.build_snapshot(version())
    assert (version().writer, version().writer_seen_at) == ("", None)


def test_a_writer_that_was_taken_for_dead_switches_nothing(library, monkeypatch) -> None:
    library.document("apple")
    save = faiss_index.VectorIndex.save

    def lose_the_lease(index: faiss_index.VectorIndex, path) -> None:
        save(index, path)
        SpaceVersion.objects.update(writer="another", writer_seen_at=timezone.now())

    monkeypatch.setattr(faiss_index.VectorIndex, "save", lose_the_lease)
    with pytest.raises(leases.LeaseLost, match="has taken over"):
        building.build_snapshot(version())
    assert current_name(folder_of(version())) == ""
    assert version().writer == "another"


def test_a_lease_is_renewed_while_it_is_held(library, monkeypatch) -> None:
    with leases.writing(version()) as lease:
        taken = version().writer_seen_at
        lease.renew()
        assert version().writer_seen_at == taken
        monkeypatch.setattr(leases, "RENEW_AFTER", timedelta(0))
        lease.renew()
        renewed = version().writer_seen_at
        assert taken is not None
        assert renewed is not None
        assert renewed > taken


def test_a_writer_says_how_far_it_is(library, monkeypatch) -> None:
    monkeypatch.setattr(leases, "RENEW_AFTER", timedelta(0))
    monkeypatch.setattr(building, "ADD_AT_ONCE", 1)
    library.document("apple", "pear", "plum")
    said: list[float | None] = []
    renew = leases.Lease.renew

    def watched(lease: leases.Lease, done: float | None = None) -> None:
        renew(lease, done)
        said.append(leases.done_by_writer(version()))

    monkeypatch.setattr(leases.Lease, "renew", watched)
    assert leases.done_by_writer(version()) is None
    building.build_snapshot(version())
    assert said[0] == building.COPIED
    assert said == sorted(said, key=lambda done: done or 0.0)
    assert said[-1] == 1
    assert leases.done_by_writer(version()) is None


def test_a_dead_writer_says_nothing(library) -> None:
    long_ago = timezone.now() - leases.STALE_AFTER - timedelta(seconds=1)
    SpaceVersion.objects.update(writer="the dead", writer_seen_at=long_ago, writer_done=0.4)
    assert leases.done_by_writer(version()) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_writers_at_once_one_wins(library) -> None:
    library.document("apple")
    start, leave = threading.Barrier(6), threading.Event()
    outcomes: list[str] = []
    target = version()

    def run() -> None:
        start.wait()
        try:
            with leases.writing(target):
                outcomes.append("won")
                leave.wait(30)
        except leases.LeaseLost:
            outcomes.append("lost")
        finally:
            if len(outcomes) == 6:
                leave.set()
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    while len(outcomes) < 6 and any(thread.is_alive() for thread in threads):
        leave.wait(0.01)
    leave.set()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 5 + ["won"]


@pytest.fixture(params=["ivf_rabitq", "hnsw", "hnsw_sq8"])
def graph(request, library, settings):
    """A library whose text space has an approximate index of 200 rows."""
    settings.SPACES["text"]["index"] = {"type": request.param, "M": 8, "ef_construction": 20}
    spaces.sync()
    library.many = library.document(*("apple " * n + "pear" for n in range(1, 201)))
    building.build_snapshot(version())
    return library


def found(fruit: str, *documents, limit: int = 1) -> list[str]:
    where = only(*documents)
    return texts(vector_search.search(version(), axis(fruit), limit=limit, where=where))


def test_a_graph_is_extended_by_what_changed(graph, monkeypatch) -> None:
    changed, deleted = graph.document("plum", "plum apple"), graph.document("cherry")
    building.build_snapshot(version())
    graph.parse(changed, "cherry plum")
    gone = only(deleted, changed)
    deleted.delete()
    with monkeypatch.context() as patch:
        patch.setattr("retrieval.vectors.stream", None)  # Reading all rows would fail.
        building.build_snapshot(version())
    snapshot = load()
    assert (snapshot.manifest.count, snapshot.manifest.revision) == (204, version().revision)
    restart()
    assert found("cherry", graph.many, changed) == ["cherry plum"]
    assert found("pear", graph.many, changed) == ["apple pear"]
    hits = vector_search.search(version(), axis("cherry"), limit=9, where=gone)
    assert texts(hits) == ["cherry plum"]
    state = space_reader.reader_of(version()).state
    assert state is not None
    assert (state.count, state.deleted, len(state.fresh.rows)) == (201, 3, 0)


def test_a_graph_that_has_changed_a_lot_is_built_anew(graph) -> None:
    graph.document(*(f"plum {n}" for n in range(41)))
    graph.parse(graph.many, "apple", "pear")
    building.build_snapshot(version())
    assert load().manifest.count == 43


def test_a_graph_of_other_parameters_is_built_anew(graph, settings) -> None:
    settings.SPACES["text"]["index"] = {"type": "flat"}
    spaces.sync()
    building.build_snapshot(version())
    assert load().manifest.index == {"type": "flat"}
    assert not list(folder_of(version()).glob(f"{load().name}/vectors.f32"))


def test_a_graph_from_before_serves_until_lists_take_its_place(
    library, settings, monkeypatch
) -> None:
    settings.SPACES["text"]["index"] = {"type": "hnsw", "M": 8, "ef_construction": 20}
    spaces.sync()
    many = library.document(*("apple " * n + "pear" for n in range(1, 201)))
    building.build_snapshot(version())
    assert set(load().manifest.index) == {"type", "m", "ef_construction", "ef_search"}
    settings.SPACES["text"]["index"] = {"type": "auto"}
    monkeypatch.setattr(index_plan, "FLAT_BELOW", 100)
    spaces.sync()
    restart()
    assert found("pear", many) == ["apple pear"]
    held = space_reader.reader_of(version()).state
    assert held is not None
    assert held.snapshot is not None
    assert held.snapshot.index.plan.type == "hnsw"
    building.build_snapshot(version())
    assert load().manifest.index == index_plan.plan({}, 200).as_dict()
    restart()
    assert found("pear", many) == ["apple pear"]


def test_how_far_a_graph_is_searched_needs_no_new_graph(graph, settings, monkeypatch) -> None:
    before = load()
    settings.SPACES["text"]["index"] = {**settings.SPACES["text"]["index"], "ef_search": 77}
    spaces.sync()
    restart()
    reader = space_reader.reader_of(version())
    held = reader.current(version()).snapshot
    assert held is not None
    assert (held.name, held.index.plan.ef_search) == (before.name, 77)
    graph.document("plum")
    with monkeypatch.context() as patch:
        patch.setattr("retrieval.vectors.stream", None)  # Building it anew would fail.
        building.build_snapshot(version())
    assert load().manifest.index["ef_search"] == 77


def test_a_damaged_graph_is_built_anew(graph) -> None:
    path = folder_of(version()) / load().name / "index.faiss"
    path.write_bytes(path.read_bytes()[:-1])
    graph.document("plum")
    building.build_if_due(version())
    assert load().manifest.count == 201


def test_a_task_builds_nothing_that_is_not_needed(library, settings) -> None:
    library.document("apple")
    building.build_if_due(version())
    assert current_name(folder_of(version())) == ""
    settings.SNAPSHOT_AFTER_ROWS = 0
    building.build_if_due(version())
    name = current_name(folder_of(version()))
    building.build_if_due(version())
    assert current_name(folder_of(version())) == name != ""
    SpaceVersion.objects.update(revision=0)
    building.build_if_due(version())
    assert current_name(folder_of(version())) != name


def test_a_snapshot_of_mostly_deleted_rows_is_built_anew(library) -> None:
    document = library.document("apple", "pear", "plum")
    building.build_snapshot(version())
    assert not building.is_mostly_dead(version())
    library.parse(document, "cherry")
    assert building.is_mostly_dead(version())
    spaces.tend()
    assert not building.is_mostly_dead(version())
    assert load().manifest.count == 1
