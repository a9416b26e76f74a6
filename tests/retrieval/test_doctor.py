"""Every kind of damage is found, and mended from the database."""

from __future__ import annotations

import pytest
from django.db.models import F

from ingestion.models import Chunk
from retrieval import building, doctor, keywords, spaces, vector_search
from retrieval.index_folders import current_name, folder_of
from retrieval.models import Embedding, SpaceVersion
from tests.retrieval.conftest import axis, only, restart, texts


def text() -> SpaceVersion:
    return spaces.live_versions()["text"]


def found() -> set[tuple[str, str, int]]:
    return {(finding.code, finding.where, finding.count) for finding in doctor.examine()}


@pytest.fixture
def shelf(library):
    """Two indexed documents, with a snapshot and a keyword index."""
    one, two = library.document("apple", "pear"), library.document("plum")
    building.build_snapshot(text())
    keywords.refresh(spaces.live_versions()[keywords.SPACE])
    assert found() == set()
    yield one, two
    restart()
    doctor.repair()
    assert found() == set()
    best = vector_search.search(text(), axis("pear"), limit=1, where=only(one, two))
    assert texts(best) == ["pear"]


def test_vectors_that_are_missing(shelf) -> None:
    one, _ = shelf
    Embedding.objects.filter(chunk__document=one, space_version=text()).delete()
    assert ("missing_vectors", "text", 2) in found()
    # The index still holds them: nothing told it that they went.
    assert ("ghosts_in_index", "text", 2) in found()


def test_vectors_of_another_dimension(shelf) -> None:
    row = Embedding.objects.filter(space_version=text()).first()
    row.vector = bytes(row.vector)[:-4]
    row.save()
    assert ("wrong_dimension", "text", 1) in found()


def test_vectors_of_replaced_passages(shelf) -> None:
    one, _ = shelf
    stale = one.chunks.get(text="apple")
    copy = Chunk.objects.get(pk=stale.pk)
    copy.pk, copy.generation = None, 0
    copy.save()
    vector = Embedding.objects.get(chunk=stale, space_version=text())
    vector.pk, vector.chunk = None, copy
    vector.save()
    assert found() == {("ghost_vectors", "text", 1)}


def test_an_index_that_was_changed_on_disk(shelf) -> None:
    folder = folder_of(text())
    file = folder / current_name(folder) / "index.faiss"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00\x01")
    assert ("damaged_index", "text", 1) in found()


def test_an_index_that_lost_rows_without_a_word(shelf) -> None:
    _, two = shelf
    extra = Chunk.objects.create(
        document=two, page=two.pages.get(), generation=two.live_generation, order=9,
        kind="text", page_number=1, box=[0, 0, 1, 1], text="cherry",
    )  # fmt: skip
    vector = Embedding.objects.filter(space_version=text()).first()
    Embedding.objects.create(
        chunk=extra, space_version=text(), vector=vector.vector, content_hash="x"
    )
    assert found() == {("lost_from_index", "text", 1), ("lost_from_index", "keywords", 1)}


def test_a_keyword_index_that_is_gone(shelf) -> None:
    folder = folder_of(spaces.live_versions()[keywords.SPACE])
    for path in folder.rglob("*.idx"):
        path.unlink()
    restart()
    assert ("damaged_index", "keywords", 3) in found()


def test_folders_of_versions_that_are_no_more(shelf, settings) -> None:
    stray = settings.INDEX_DIR / "text" / "v9-00000000"
    stray.mkdir(parents=True)
    assert ("orphan_index", str(settings.INDEX_DIR), 1) in found()


def test_what_is_on_its_way_is_no_finding(shelf, library) -> None:
    one, _ = shelf
    library.add_chunks(one, "cherry")
    assert one.chunks.filter(generation=F("document__live_generation") + 1).exists()
    assert found() == set()
