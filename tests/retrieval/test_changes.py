import threading

import pytest
from django.db import connection, connections, transaction

from ingestion import documents
from ingestion.models import Document
from retrieval import changes, spaces
from retrieval.models import Embedding, IndexChange, SpaceVersion, SpaceVersionState


def revisions() -> dict[str, int]:
    return dict(SpaceVersion.objects.values_list("space", "revision"))


def logged() -> dict[tuple[str, int], int]:
    fields = ("space_version__space", "document_id", "revision")
    rows = IndexChange.objects.values_list(*fields)
    return {(space, document): revision for space, document, revision in rows}


def test_each_change_raises_the_revision_of_every_fed_version(library) -> None:
    SpaceVersion.objects.create(space="text", number=2, model="m")
    SpaceVersion.objects.create(space="text", number=3, model="m", state=SpaceVersionState.RETIRED)
    changes.record(7)
    changes.record(8)
    changes.record(7)
    fields = ("space", "number", "revision")
    assert set(SpaceVersion.objects.values_list(*fields)) == {
        ("image", 1, 3),
        ("keywords", 1, 3),
        ("text", 1, 3),
        ("text", 2, 3),
        ("text", 3, 0),
    }
    assert logged()["image", 7] == 3
    assert logged()["image", 8] == 2
    assert IndexChange.objects.count() == 8


def test_one_version_alone_may_change(library) -> None:
    changes.record(7, versions=[spaces.live_versions()["text"]])
    assert revisions() == {"text": 1, "image": 0, "keywords": 0}
    assert logged() == {("text", 7): 1}


def test_a_change_that_is_rolled_back_never_was(library) -> None:
    with transaction.atomic():
        changes.record(7)
        transaction.set_rollback(True)
    assert (set(revisions().values()), logged()) == ({0}, {})


def test_publishing_and_deleting_are_recorded_and_passed_on(
    library, asked, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        document = library.document("apple")
    assert asked == [("refresh_indexes",)]
    primary_key = document.pk
    assert logged() == dict.fromkeys(
        [("text", primary_key), ("image", primary_key), ("keywords", primary_key)], 1
    )
    with django_capture_on_commit_callbacks(execute=True):
        documents.delete(document)
    assert asked == [("refresh_indexes",)] * 2
    assert set(logged().values()) == {2}


def test_another_title_is_recorded_and_passed_on(
    library, asked, django_capture_on_commit_callbacks
) -> None:
    document = library.document("apple")
    asked.clear()
    with django_capture_on_commit_callbacks(execute=True):
        documents.label(document, title="Orchards of 2024")
    assert asked == [("refresh_indexes",)]
    assert set(logged().values()) == {2}
    documents.label(document, title="Orchards of 2024", tags=["fruit"])
    assert set(logged().values()) == {2}


def test_deleting_a_collection_records_each_document(library) -> None:
    library.document("apple")
    library.document("pear")
    keys = set(Document.objects.values_list("pk", flat=True))
    IndexChange.objects.all().delete()
    library.collection.delete()
    assert {document for _, document in logged()} == keys


# SQLite lets one writer in at a time, so there is nothing to see.
if connection.vendor != "sqlite":

    @pytest.mark.django_db(transaction=True)
    def test_revisions_become_visible_in_their_order(library) -> None:
        recorded, go_on = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                changes.record(1)
                recorded.set()
                go_on.wait(60)
            connections.close_all()

        def fast() -> None:
            changes.record(2)
            connections.close_all()

        first, second = threading.Thread(target=slow), threading.Thread(target=fast)
        first.start()
        recorded.wait(10)
        second.start()
        second.join(0.5)
        assert second.is_alive()  # It waits: its revision would overtake one not yet visible.
        assert logged() == {}
        go_on.set()
        first.join()
        second.join()
        assert (logged()["text", 1], logged()["text", 2]) == (1, 2)

    @pytest.mark.django_db(transaction=True)
    def test_recording_a_change_does_not_hold_up_new_vectors(library) -> None:
        document = library.document("apple", "pear")
        Embedding.objects.all().delete()
        version, chunk = spaces.live_versions()["text"], document.chunks.first()
        done = threading.Event()

        def insert() -> None:
            Embedding.objects.create(chunk=chunk, space_version=version, vector=b"")
            done.set()
            connections.close_all()

        with transaction.atomic():
            changes.record(document.pk)
            other = threading.Thread(target=insert)
            other.start()
            assert done.wait(10)
        other.join()
