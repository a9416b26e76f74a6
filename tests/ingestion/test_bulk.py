"""One thing done to several documents of the list."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from ingestion.collections import default_for
from ingestion.models import Collection, Document, DocumentState
from ingestion.signals import document_deleting

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana")


@pytest.fixture
def home(ana) -> Collection:
    return default_for(ana)


@pytest.fixture
def as_ana(ana) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def add(collection: Collection, title: str, **fields) -> Document:
    given = {"sha256": title, "filename": f"{title}.pdf", "size_bytes": 1, "page_count": 1}
    given |= {"state": DocumentState.READY, "live_generation": 1, **fields}
    return Document.objects.create(collection=collection, title=title, **given)


def do(client: Client, verb: str, *documents: Document, **more):
    body = {"do": verb, "document": [document.uuid for document in documents], **more}
    return client.post("/documents/bulk/", body)


def told(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_tags_are_added_and_taken_away_and_filter_the_list(as_ana, home) -> None:
    one, two, other = (add(home, title, tags=["old"]) for title in ("one", "two", "other"))
    assert "2 documents were tagged" in told(do(as_ana, "tag", one, two, tags="Audit, q3"))
    one.refresh_from_db()
    assert one.tags == ["old", "audit", "q3"]
    shown = as_ana.get("/documents/", {"tag": "audit"})
    assert {row.document for row in shown.context["rows"]} == {one, two}
    assert "?tag=q3" in shown.content.decode()
    do(as_ana, "untag", one, tags="old, q3")
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.tags, other.tags) == (["audit"], ["old"])


def test_a_move_goes_as_far_as_it_can(as_ana, ana, home) -> None:
    target = Collection.objects.create(name="Reports", owner=ana)
    moved, twin = add(home, "moved"), add(home, "twin")
    add(target, "twin")
    watched = add(home, "watched", source_path="/srv/inbox/watched.pdf")
    said = told(do(as_ana, "move", moved, twin, watched, target=target.pk))
    assert "1 document was moved" in said
    assert "“twin”: The same file is in “Reports” already." in said
    assert "“watched”: It is kept in step with a folder" in said
    assert set(target.documents.values_list("title", flat=True)) == {"moved", "twin"}
    assert set(home.documents.values_list("title", flat=True)) == {"twin", "watched"}


def test_a_deletion_is_asked_about_first(as_ana, home) -> None:
    one, two, kept = add(home, "one"), add(home, "two"), add(home, "kept")
    asked = do(as_ana, "delete", one, two, back="/documents/?state=ready").content.decode()
    assert "Delete 2 documents?" in asked
    assert Document.objects.count() == 3
    answer = do(as_ana, "delete", one, two, is_confirmed="1", back="/documents/?state=ready")
    assert answer.url == "/documents/?state=ready"
    assert list(Document.objects.all()) == [kept]


def test_no_proof_is_made_that_nobody_is_shown(as_ana, home, monkeypatch) -> None:
    asked: list[Document] = []
    monkeypatch.setattr(document_deleting, "send", lambda sender, document: asked.append(document))
    do(as_ana, "delete", add(home, "one"), add(home, "two"), is_confirmed="1")
    assert (asked, Document.objects.count()) == ([], 0)


def test_only_what_is_in_work_is_cancelled(as_ana, home) -> None:
    busy = add(home, "busy", state=DocumentState.PARSING, live_generation=0)
    ready = add(home, "ready")
    said = told(do(as_ana, "cancel", busy, ready))
    assert "1 document was cancelled" in said
    assert "“ready”: It is not being read." in said
    busy.refresh_from_db()
    assert busy.state == DocumentState.CANCELLED


def test_only_what_failed_is_tried_again(
    as_ana, home, sent_tasks, django_capture_on_commit_callbacks
) -> None:
    failed, ready = add(home, "failed", state=DocumentState.FAILED), add(home, "ready")
    with django_capture_on_commit_callbacks(execute=True):
        said = told(do(as_ana, "retry", failed, ready))
    assert "1 document was begun again" in said
    assert "“ready”: It neither failed nor was cancelled, and no page was skipped." in said
    assert [document_id for document_id, _ in sent_tasks] == [failed.pk]


@pytest.mark.parametrize(
    ("verb", "more", "sentence"),
    [
        ("tag", {"tags": " , "}, "Write at least one tag."),
        ("move", {}, "Choose a collection to move the documents to."),
        ("paint", {}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_told(as_ana, home, verb, more, sentence) -> None:
    document = add(home, "one")
    assert sentence in told(do(as_ana, verb, document, **more))
    assert "Pick at least one document." in told(do(as_ana, "tag", tags="audit"))


def test_nothing_of_others_is_changed(as_ana, home) -> None:
    ben = User.objects.create_user("ben")
    theirs = default_for(ben)
    document = add(theirs, "theirs")
    for verb in ("tag", "untag", "move", "cancel", "reparse", "retry", "delete"):
        answer = do(as_ana, verb, document, tags="x", target=home.pk, is_confirmed="1")
        assert "None of these documents" in told(answer)
    own = add(home, "own")
    assert "You may not add documents" in told(do(as_ana, "move", own, target=theirs.pk))
    document.refresh_from_db()
    assert (document.collection, document.tags, document.state) == (theirs, [], "ready")


def test_it_leads_back_to_this_site_only(as_ana, home) -> None:
    answer = do(as_ana, "tag", add(home, "one"), tags="x", back="https://elsewhere.example/")
    assert answer.url == "/documents/"
