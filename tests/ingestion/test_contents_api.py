"""The API of documents: labels, pages, chunks, collections; and who may do what."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from ingestion import files
from ingestion.collections import default_for
from ingestion.models import Collection, Document, DocumentState, PageState
from tests.factories import upload
from tests.ingestion.ready_document import make_document

pytestmark = pytest.mark.django_db

DOCUMENTS = "/api/v1/documents/"


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana")


@pytest.fixture
def document(ana) -> Document:
    return make_document(default_for(ana))


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api(ana) -> APIClient:
    return client_of(ana)


@pytest.fixture
def reader(document) -> APIClient:
    """Somebody who may read the collection, but not change it."""
    ben = User.objects.create_user("ben")
    document.collection.viewers.add(ben)
    return client_of(ben)


@pytest.fixture
def stranger() -> APIClient:
    return client_of(User.objects.create_user("cid"))


def path_of(document: Document, rest: str = "") -> str:
    return f"{DOCUMENTS}{document.uuid}/{rest}"


def test_an_upload_brings_tags_and_metadata(api, sent_tasks) -> None:
    form = {"file": upload(), "tags": "Audit, q3", "metadata": json.dumps({"year": 2024})}
    answer = api.post(DOCUMENTS, form, format="multipart")
    assert answer.status_code == 201
    assert (answer.json()["tags"], answer.json()["metadata"]) == (["audit", "q3"], {"year": 2024})


@pytest.mark.parametrize("more", [{"tags": "a!"}, {"metadata": '{"a b": 1}'}, {"metadata": "[1]"}])
def test_an_upload_with_other_labels_is_refused_whole(api, sent_tasks, more) -> None:
    answer = api.post(DOCUMENTS, {"file": upload(), **more}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (422, "labels_refused")
    assert not Document.objects.exists()
    assert list(files.files_under("documents")) == []


def test_labels_are_changed_one_kind_at_a_time(api, document) -> None:
    api.patch(path_of(document), {"tags": ["Audit"], "metadata": {"year": 2024}})
    answer = api.patch(path_of(document), {"metadata": {"due": "2024-05-31"}})
    assert answer.status_code == 200
    assert answer.json()["tags"] == ["audit"]
    assert answer.json()["metadata"] == {"due": "2024-05-31"}
    refused = api.patch(path_of(document), {"metadata": {"nested": {"a": 1}}})
    assert (refused.status_code, refused.json()["code"]) == (422, "labels_refused")
    document.refresh_from_db()
    assert document.metadata == {"due": "2024-05-31"}


def test_labels_that_no_answer_could_hold_are_refused(api, document) -> None:
    for labels in (
        {"metadata": {"a": "\ud800"}},
        {"tags": ["\ud800"]},
        {"metadata": {"\ud800": 1}},
    ):
        refused = api.patch(path_of(document), json.dumps(labels), content_type="application/json")
        assert refused.status_code in (400, 422)
    assert api.get(DOCUMENTS).status_code == 200
    assert api.get(f"{DOCUMENTS}?tag=%00").json()["code"] == "labels_refused"


def test_the_list_is_narrowed_by_tags(api, document) -> None:
    make_document(document.collection, title="Other")
    api.patch(path_of(document), {"tags": ["audit", "q3"]})

    def titles(query: str) -> list[str]:
        return [entry["title"] for entry in api.get(f"{DOCUMENTS}?{query}").json()["results"]]

    assert titles("tag=audit&tag=Q3") == ["Annual report"]
    assert titles("tag=audit&tag=q4") == []


def test_the_list_is_searched_by_name_and_put_in_order(api, document) -> None:
    other = make_document(document.collection, title="Zebra", pages=1)

    def titles(query: str) -> list[str]:
        return [entry["title"] for entry in api.get(f"{DOCUMENTS}?{query}").json()["results"]]

    assert titles("") == titles("order=newest") == ["Zebra", "Annual report"]
    assert titles("order=title") == titles("order=oldest") == ["Annual report", "Zebra"]
    assert titles("order=largest&limit=1") == ["Annual report"]
    assert titles("name=report+ANNUAL") == titles("name=report.pdf") == ["Annual report"]
    assert titles(f"name=zeb&state=ready&collection={other.collection_id}") == ["Zebra"]
    assert titles("name=annual+zebra") == []


@pytest.mark.parametrize("query", ["foo=1", "nmae=annual", "ordering=title"])
def test_what_the_list_does_not_know_is_refused_with_what_it_knows(api, document, query) -> None:
    answer = api.get(f"{DOCUMENTS}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    (error,) = answer.json()["errors"]
    assert error["field"] == query.partition("=")[0]
    assert "collection, state, name, order, tag, limit, offset" in error["message"]
    assert api.get(f"{DOCUMENTS}?order=up").status_code == 400


def test_a_title_is_changed_and_a_misspelt_field_refused(api, document) -> None:
    answer = api.patch(path_of(document), {"title": "  Report of\n2024 "})
    assert answer.json()["title"] == "Report of 2024"
    for field in ("titel", "state", "\ud800"):
        body = json.dumps({field: "x", "title": "Other"})
        refused = api.patch(path_of(document), body, content_type="application/json")
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid")
    assert "title, tags, metadata" in refused.json()["errors"][0]["message"]
    document.refresh_from_db()
    assert document.title == "Report of 2024"


def test_the_list_asks_no_more_of_the_database_for_more_documents(
    api, document, django_assert_num_queries
) -> None:
    with CaptureQueriesContext(connection) as for_one:
        api.get(DOCUMENTS)
    other = make_document(document.collection, title="Other")
    other.pages.filter(number=1).update(state=PageState.SKIPPED)
    with django_assert_num_queries(len(for_one)) as for_two:
        listed = api.get(DOCUMENTS).json()["results"]
    said = {entry["title"]: entry["progress"]["label"] for entry in listed}
    assert said == {"Annual report": "Ready", "Other": "Ready, 1 page skipped"}
    assert not any('"outline"' in query["sql"] for query in for_two)


def test_pages_with_their_state_image_and_blocks(api, document) -> None:
    listed = api.get(path_of(document, "pages/")).json()
    assert [page["number"] for page in listed["results"]] == [1, 2]
    page = api.get(path_of(document, "pages/2/")).json()
    assert (page["state"], page["text_source"], page["blocks"]) == ("done", "text_layer", [])
    image = api.get(page["image_url"])
    assert (image.status_code, image["Content-Type"]) == (200, "image/jpeg")
    assert api.get(path_of(document, "pages/3/")).status_code == 404


def test_chunks_by_page_and_kind(api, document) -> None:
    def found(query: str = "") -> list[str]:
        answer = api.get(path_of(document, f"chunks/{query}"))
        return [chunk["text"] for chunk in answer.json()["results"]]

    assert len(found()) == 6
    assert found("?page=2&kind=table") == ["table of page 2"]
    refused = api.get(path_of(document, "chunks/?page=x"))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "page")


def test_one_page_is_read_again(api, document, sent_tasks) -> None:
    answer = api.post(path_of(document, "pages/2/redo/"))
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    assert document.pages.get(number=2).state == PageState.PENDING
    assert document.pages.get(number=1).state == PageState.DONE


def test_a_reader_sees_everything_and_changes_nothing(reader, document) -> None:
    for rest in ("", "pages/", "pages/1/", "pages/1/image/", "chunks/"):
        assert reader.get(path_of(document, rest)).status_code == 200
    collection = f"/api/v1/collections/{document.collection_id}/"
    answers = [
        reader.patch(path_of(document), {"tags": ["mine"]}),
        reader.delete(path_of(document)),
        *(reader.post(path_of(document, f"{verb}/")) for verb in ("retry", "cancel", "reparse")),
        reader.post(path_of(document, "pages/1/redo/")),
        reader.patch(collection, {"name": "Mine"}),
        reader.delete(collection),
    ]
    assert {answer.status_code for answer in answers} == {403}
    document.refresh_from_db()
    assert (document.state, document.tags) == (DocumentState.READY, [])


def test_a_stranger_finds_nothing(stranger, document) -> None:
    for rest in ("", "pages/", "pages/1/", "pages/1/image/", "chunks/"):
        assert stranger.get(path_of(document, rest)).status_code == 404
    assert stranger.patch(path_of(document), {"tags": ["mine"]}).status_code == 404
    assert stranger.post(path_of(document, "pages/1/redo/")).status_code == 404
    assert stranger.delete(f"/api/v1/collections/{document.collection_id}/").status_code == 404


def test_a_collection_is_renamed_and_deleted_by_its_owner(api, ana, document) -> None:
    path = f"/api/v1/collections/{document.collection_id}/"
    assert api.patch(path, {"name": "Board papers"}).json()["name"] == "Board papers"
    Collection.objects.create(owner=ana, name="Other")
    assert api.patch(path, {"name": "Other"}).status_code == 409
    assert api.delete(path).status_code == 204
    assert not Document.objects.exists()
    assert not Collection.objects.filter(name="Board papers").exists()


def test_an_administrator_renames_by_the_names_of_its_owner(ana, document) -> None:
    boss = User.objects.create_superuser("boss")
    Collection.objects.create(owner=boss, name="Reports")
    Collection.objects.create(owner=ana, name="Drafts")
    api, path = client_of(boss), f"/api/v1/collections/{document.collection_id}/"
    assert api.patch(path, {"name": "Reports"}).status_code == 200
    refused = api.patch(path, {"name": "Drafts"})
    assert refused.status_code == 409
    assert refused.json()["detail"] == "ana already has a collection of this name."


def test_an_editor_may_fill_a_collection_but_not_delete_it(document) -> None:
    eve = User.objects.create_user("eve")
    document.collection.editors.add(eve)
    api = client_of(eve)
    assert api.patch(path_of(document), {"tags": ["hers"]}).status_code == 200
    assert api.delete(f"/api/v1/collections/{document.collection_id}/").status_code == 403
    assert Document.objects.exists()


def test_an_empty_choice_is_none_and_a_text_that_is_no_json_is_refused(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("boss"))
    wrong = client.get("/api/v1/documents/?state=")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "state")
    form = {"file": SimpleUploadedFile("a.txt", b"some words"), "metadata": "{year: 2023"}
    refused = client.post("/api/v1/documents/", form)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "metadata")
