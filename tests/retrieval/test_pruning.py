import time

import pytest

from ingestion import documents
from retrieval import building, changes, keywords, pruning, space_reader, spaces
from retrieval.changes import ChangesPruned
from retrieval.index_folders import folder_of
from retrieval.models import Embedding, IndexChange, SpaceVersion, SpaceVersionState
from retrieval.space_reader import SpaceReader
from tests.retrieval.conftest import axis, only, restart, texts


def text_version() -> SpaceVersion:
    return spaces.live_versions()["text"]


def next_version(model: str, settings) -> SpaceVersion:
    """Fill the next version of the text space and make it live."""
    settings.SPACES["text"]["model"] = model
    version = spaces.begin_version("text")
    assert spaces.build_version(version)
    version.refresh_from_db()
    assert version.state == SpaceVersionState.LIVE
    return version


def states() -> dict[int, str]:
    return dict(SpaceVersion.objects.filter(space="text").values_list("number", "state"))


def vectors_of(number: int) -> int:
    return Embedding.objects.filter(
        space_version__space="text", space_version__number=number
    ).count()


def changed_documents(version: SpaceVersion) -> set[int]:
    rows = IndexChange.objects.filter(space_version=version)
    return set(rows.values_list("document_id", flat=True))


def found_by(reader: SpaceReader, fruit: str, *among) -> list[str]:
    state = reader.current(text_version())
    hits = state.search(axis(fruit), limit=10, where=only(*among), ef_search=None, exact=False)
    return texts(hits)


@pytest.fixture
def pruned_at_once(monkeypatch) -> None:
    monkeypatch.setattr(pruning, "PRUNE_FROM", 1)


@pytest.fixture
def three_versions(library, settings):
    library.one = library.document("apple", "pear")
    building.build_snapshot(text_version())
    next_version("fruit-2", settings)
    next_version("fruit-1", settings)
    assert states() == {1: "retired", 2: "retired", 3: "live"}
    return library


# --- versions that are no longer searched ------------------------------------------------------


def test_one_version_is_kept_to_roll_back_to(three_versions) -> None:
    oldest = SpaceVersion.objects.get(space="text", number=1)
    assert folder_of(oldest).is_dir()
    spaces.tend()
    assert states() == {1: "discarded", 2: "retired", 3: "live"}
    assert [vectors_of(number) for number in (1, 2, 3)] == [0, 2, 2]
    assert not folder_of(oldest).exists()
    assert found_by(SpaceReader(), "pear", three_versions.one) == ["pear", "apple"]


def test_rolling_back_finds_the_kept_version_and_never_a_discarded_one(three_versions) -> None:
    pruning.prune()
    assert spaces.roll_back("text").number == 2
    assert found_by(SpaceReader(), "pear", three_versions.one) == ["pear", "apple"]
    with pytest.raises(LookupError):
        spaces.roll_back("text")
    # What was rolled back from is not searched again either, but stays known.
    spaces.tend()
    assert states() == {1: "discarded", 2: "live", 3: "discarded"}
    assert vectors_of(3) == 0
    assert vectors_of(2) == 2


@pytest.mark.parametrize("is_pruned", [False, True])
def test_a_roll_back_passes_over_what_was_rolled_back_itself(library, settings, is_pruned) -> None:
    library.document("apple")
    next_version("fruit-2", settings)
    assert spaces.roll_back("text").number == 1
    third = spaces.begin_version("text", waits=True)
    assert spaces.build_version(third)
    spaces.switch_to(third)
    if is_pruned:
        pruning.prune()
        assert states() == {1: "retired", 2: "discarded", 3: "live"}
        assert [vectors_of(number) for number in (1, 2, 3)] == [1, 0, 1]
    assert spaces.roll_back("text").number == 1
    with pytest.raises(LookupError):
        spaces.roll_back("text")


def test_a_discarded_version_is_neither_fed_nor_filled(three_versions) -> None:
    pruning.prune()
    three_versions.document("plum")
    assert [vectors_of(number) for number in (1, 2, 3)] == [0, 2, 3]
    oldest = SpaceVersion.objects.get(space="text", number=1)
    assert spaces.build_version(oldest)
    assert spaces.activate(oldest)
    assert states()[1] == "discarded"
    assert (vectors_of(1), changed_documents(oldest)) == (0, set())


def test_vectors_go_in_batches_and_the_rest_next_time(three_versions, monkeypatch) -> None:
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 1)
    pruning.prune(until=time.monotonic())
    assert (states()[1], vectors_of(1)) == ("discarded", 2)
    pruning.prune()
    assert vectors_of(1) == 0


def test_changes_of_retired_versions_go_and_of_one_that_came_back_stay(three_versions) -> None:
    retired = SpaceVersion.objects.get(space="text", number=2)
    assert changed_documents(retired) == {three_versions.one.pk}
    pruning.prune()
    assert changed_documents(retired) == set()
    spaces.roll_back("text")
    later = three_versions.document("plum")
    pruning.prune()
    assert changed_documents(retired) == {later.pk}
    assert found_by(SpaceReader(), "plum", later) == ["plum"]


# --- changes of versions that are searched -----------------------------------------------------


def test_only_records_of_deleted_documents_go(library, pruned_at_once) -> None:
    kept, gone = library.document("apple"), library.document("plum")
    gone_pk = gone.pk
    documents.delete(gone)
    pruning.prune()
    for version in spaces.live_versions().values():
        known = {kept.pk} if version.space != keywords.SPACE else {kept.pk, gone_pk}
        assert changed_documents(version) == known  # There is no keyword index yet.
    keywords.refresh(spaces.live_versions()["keywords"])
    pruning.prune()
    assert changed_documents(spaces.live_versions()["keywords"]) == {kept.pk}


def test_few_records_are_left_alone(library) -> None:
    gone = library.document("plum")
    documents.delete(gone)
    pruning.prune()
    assert IndexChange.objects.count() == 3
    assert not SpaceVersion.objects.filter(pruned_to__gt=0).exists()


def test_a_reader_that_is_behind_starts_from_the_rows(library, pruned_at_once) -> None:
    one, gone = library.document("apple"), library.document("plum")
    reader = SpaceReader()
    assert found_by(reader, "plum", one, gone) == ["plum", "apple"]
    both = only(one, gone)
    documents.delete(gone)
    pruning.prune()
    assert changed_documents(text_version()) == {one.pk}
    state = reader.current(text_version())
    hits = state.search(axis("plum"), limit=10, where=both, ef_search=None, exact=False)
    assert texts(hits) == ["apple"]
    assert (len(hits), state.count) == (1, 1)


def test_a_reader_that_is_behind_starts_from_the_snapshot(library, pruned_at_once) -> None:
    one, gone = library.document("apple"), library.document("plum")
    building.build_snapshot(text_version())
    reader = SpaceReader()
    assert reader.current(text_version()).count == 2
    documents.delete(gone)
    pruning.prune()
    # The snapshot still holds the deleted document, so its record stays.
    assert gone.pk is None or gone.pk in changed_documents(text_version())
    assert len(changed_documents(text_version())) == 2
    building.build_snapshot(text_version(), anew=True)
    pruning.prune()
    assert changed_documents(text_version()) == {one.pk}
    later = library.document("pear")
    state = reader.current(text_version())
    assert (state.count, state.snapshot is not None) == (2, True)
    assert found_by(reader, "pear", one, later) == ["pear", "apple"]


def test_a_snapshot_from_before_the_pruning_is_not_served(library, asked) -> None:
    one, gone = library.document("apple"), library.document("plum")
    version = text_version()
    building.build_snapshot(version)
    documents.delete(gone)
    IndexChange.objects.exclude(document_id=one.pk).delete()
    SpaceVersion.objects.filter(pk=version.pk).update(pruned_to=text_version().revision)
    restart()
    state = space_reader.reader_of(version).current(text_version())
    assert (state.snapshot, state.count) == (None, 1)
    assert ("build_snapshot", version.pk) in asked
    assert building.is_due(text_version())
    assert building.build_snapshot(text_version()).count == 1


def test_a_keyword_index_from_before_the_pruning_is_built_anew(library, asked) -> None:
    one, gone = library.document("apple"), library.document("plum")
    both = only(one, gone)
    version = spaces.live_versions()["keywords"]
    keywords.refresh(version)
    documents.delete(gone)
    IndexChange.objects.exclude(document_id=one.pk).delete()
    revision = spaces.live_versions()["keywords"].revision
    SpaceVersion.objects.filter(pk=version.pk).update(pruned_to=revision)
    now = spaces.live_versions()["keywords"]
    assert keywords.report(now).condition == keywords.BEHIND
    keywords.search("plum", limit=5, where=both, version=now)
    assert ("refresh_keywords", version.pk) in asked
    keywords.refresh(now)
    assert keywords.report(now).chunks == 1
    assert keywords.search("plum", limit=5, where=both, version=now) == []


def test_changes_that_are_not_known_any_more_are_said_to_be(library) -> None:
    document = library.document("apple")
    version = text_version()
    assert changes.since(version, 0) == {document.pk: version.revision}
    SpaceVersion.objects.filter(pk=version.pk).update(pruned_to=version.revision)
    assert changes.since(version, version.revision) == {}
    with pytest.raises(ChangesPruned):
        changes.since(version, version.revision - 1)
