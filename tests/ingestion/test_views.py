"""The document pages: who sees what, uploads, live states, actions."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from ingestion import documents, pipeline
from ingestion.collections import default_for
from ingestion.models import Collection, Document, DocumentState, PageState
from tests.factories import pdf_bytes, upload
from tests.ingestion.ready_document import make_document

pytestmark = pytest.mark.django_db

LIST = "/documents/"
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/documents/"}


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana")


@pytest.fixture
def ben() -> User:
    return User.objects.create_user("ben")


@pytest.fixture
def collection(ana) -> Collection:
    return default_for(ana)


@pytest.fixture
def document(collection) -> Document:
    return make_document(collection)


@pytest.fixture
def as_ana(ana) -> Client:
    return signed_in(ana)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response) -> str:
    return response.content.decode()


# --- The list -------------------------------------------------------------------------------


def test_a_first_visit_makes_a_collection_and_says_what_to_do(as_ana, ana) -> None:
    response = as_ana.get(LIST)
    assert Collection.objects.get(owner=ana).name == "My documents"
    assert "No documents yet" in text(response)


def test_lists_what_a_document_holds(as_ana, document) -> None:
    response = as_ana.get(LIST)
    (row,) = response.context["rows"]
    assert (row.contents.text, row.contents.table, row.contents.image) == (2, 2, 2)
    assert row.can_edit
    assert f'href="{document.get_absolute_url()}"' in text(response)


def test_filters_by_state_name_and_collection(as_ana, ana, collection, document) -> None:
    other = Collection.objects.create(owner=ana, name="Other")
    failed = make_document(other, title="Minutes", state=DocumentState.FAILED)

    def found(query: str) -> list[Document]:
        return [row.document for row in as_ana.get(f"{LIST}?{query}").context["rows"]]

    assert found("state=failed") == [failed]
    assert found("name=annual") == [document]
    assert found("name=annual+minutes") == []
    assert found(f"collection={collection.pk}") == [document]
    assert found("order=title") == [document, failed]
    assert found("state=nonsense&collection=999&order=up") == [failed, document]


def test_the_list_asks_the_database_no_more_for_more_documents(
    as_ana, collection, django_assert_max_num_queries
) -> None:
    for number in range(8):
        make_document(collection, title=f"Report {number}", pages=1)
    with django_assert_max_num_queries(16) as asked:
        as_ana.get(LIST)
    # It may be long.
    assert not any('"outline"' in query["sql"] for query in asked)


def test_a_long_list_has_pages(as_ana, collection, monkeypatch) -> None:
    monkeypatch.setattr("ingestion.listing.PER_PAGE", 2)
    for number in range(3):
        make_document(collection, title=f"Report {number}", pages=1)
    first = as_ana.get(f"{LIST}?name=report")
    assert len(first.context["rows"]) == 2
    assert "?name=report&amp;page=2" in text(first)


# --- Uploads --------------------------------------------------------------------------------


def send(client: Client, collection: Collection, *files, **headers):
    data = {"file": list(files), "collection": collection.pk}
    return client.post(
        reverse("ingestion:upload"), data, headers=headers or None, follow=not headers
    )


def test_a_plain_form_takes_several_files_and_tells_of_each(as_ana, collection, sent_tasks) -> None:
    files = [
        upload(name="one.pdf"),
        upload(pdf_bytes(["two"]), "two.pdf"),
        upload(b"", "three.pdf"),
    ]
    response = send(as_ana, collection, *files)
    assert {document.filename for document in Document.objects.all()} == {"one.pdf", "two.pdf"}
    assert "“one.pdf” was added" in text(response)
    assert "three.pdf: The file is empty." in text(response)


def test_a_script_gets_the_row_of_what_was_taken(as_ana, collection, sent_tasks) -> None:
    response = send(as_ana, collection, upload(), **HTMX)
    document = Document.objects.get()
    assert f'id="document-{document.uuid}"' in text(response)
    assert f'value="{document.uuid}:queued"' in text(response)
    assert "refused" not in text(response)


@pytest.mark.parametrize("narrowed", ["collection={other}", "name=minutes", "state=failed"])
def test_what_the_list_does_not_show_is_told_and_gets_no_row(
    as_ana, ana, collection, sent_tasks, narrowed
) -> None:
    other = Collection.objects.create(owner=ana, name="Other")
    address = f"http://testserver{LIST}?{narrowed.format(other=other.pk)}"
    headers = HTMX | {"HX-Current-URL": address}
    answer = text(send(as_ana, collection, upload(name="<b>.pdf"), **headers))
    document = Document.objects.get()
    assert f'id="document-{document.uuid}"' not in answer
    link = f'<a href="{LIST}?collection={collection.pk}">“My documents”</a>'
    assert f"“&lt;b&gt;.pdf” was added to {link}." in answer
    sent_in_parts = as_ana.get(reverse("ingestion:taken", args=[document.uuid]), headers=headers)
    assert link in text(sent_in_parts)
    here = HTMX | {"HX-Current-URL": f"http://testserver{LIST}?collection={collection.pk}"}
    row = text(as_ana.get(reverse("ingestion:taken", args=[document.uuid]), headers=here))
    assert f'id="document-{document.uuid}"' in row
    assert "was added" not in row


def test_a_script_gets_the_reason_and_the_document_that_is_there(
    as_ana, collection, ana, sent_tasks
) -> None:
    data = pdf_bytes()
    existing = documents.submit(upload(data), collection=collection, owner=ana)
    response = send(as_ana, collection, upload(data, "again.pdf"), **HTMX)
    assert 'class="document refused"' in text(response)
    assert "already in" in text(response)
    assert existing.get_absolute_url() in text(response)


def test_a_protected_file_asks_for_its_password_and_opens_with_it(
    as_ana, collection, sent_tasks
) -> None:
    data = pdf_bytes(password="secret")
    response = send(as_ana, collection, upload(data), **HTMX)
    assert "data-upload-password" in text(response)
    answer = {"file": upload(data), "collection": collection.pk, "password": "secret"}
    as_ana.post(reverse("ingestion:upload"), answer, headers=HTMX)
    assert Document.objects.get().page_count == 1


def test_nobody_uploads_into_a_collection_that_is_not_theirs(as_ana, ben) -> None:
    closed = Collection.objects.create(owner=ben, name="Closed")
    readable = Collection.objects.create(owner=ben, name="Readable", is_public=True)
    for collection in (closed, readable):
        response = send(as_ana, collection, upload(), **HTMX)
        assert "You may not add documents to this collection." in text(response)
    assert not Document.objects.exists()


def test_file_names_are_shown_as_text(as_ana, collection, sent_tasks) -> None:
    response = send(as_ana, collection, upload(b"", "<img src=x onerror=alert(1)>.pdf"), **HTMX)
    assert "<img src=x" not in text(response)
    assert "&lt;img src=x" in text(response)


# --- Live states ----------------------------------------------------------------------------


def ask_progress(client: Client, *shown: str) -> str:
    response = client.get(reverse("ingestion:progress"), {"active": shown}, headers=HTMX)
    return text(response)


def test_progress_replaces_the_status_alone_while_the_state_is_the_same(as_ana, collection) -> None:
    document = make_document(collection, state=DocumentState.PARSING, pages=4)
    Document.objects.filter(pk=document.pk).update(pages_done=2)
    answer = ask_progress(as_ana, f"{document.uuid}:parsing")
    assert "Parsing page 3 of 4" in answer
    assert f'id="status-{document.uuid}"' in answer
    assert f'id="document-{document.uuid}"' not in answer


def test_progress_replaces_the_row_and_the_counts_when_the_state_changed(as_ana, document) -> None:
    answer = ask_progress(as_ana, f"{document.uuid}:embedding")
    assert f'id="document-{document.uuid}" hx-swap-oob="true"' in answer
    assert 'id="states"' in answer
    assert 'id="collections"' in answer
    assert "Annual report: Ready" in answer


def test_progress_takes_away_what_is_gone_or_not_to_be_seen(as_ana, ben) -> None:
    hidden = make_document(default_for(ben), title="Secret plans")
    answer = ask_progress(as_ana, f"{hidden.uuid}:queued", "nonsense", "not-a-uuid:queued")
    assert f'<li id="document-{hidden.uuid}" hx-swap-oob="delete">' in answer
    assert "Secret plans" not in answer


# --- Actions --------------------------------------------------------------------------------


def test_deletes_only_after_asking(as_ana, document) -> None:
    url = reverse("ingestion:delete", args=[document.uuid])
    assert "Delete this document?" in text(as_ana.get(url))
    assert Document.objects.exists()
    response = as_ana.post(url, follow=True)
    assert "“Annual report” was deleted." in text(response)
    assert not Document.objects.exists()


def test_deletes_a_row_in_place(as_ana, document) -> None:
    url = reverse("ingestion:delete", args=[document.uuid])
    assert f'hx-post="{url}"' in text(as_ana.get(url, headers=HTMX))
    response = as_ana.post(url, headers=HTMX)
    assert f'<li id="document-{document.uuid}" hx-swap-oob="delete">' in text(response)
    assert 'id="dialog-body" hx-swap-oob="innerHTML"' in text(response)
    assert "is gone" in text(response)


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("cancel", DocumentState.PARSING, DocumentState.READY),
        ("retry", DocumentState.FAILED, DocumentState.QUEUED),
        ("reparse", DocumentState.READY, DocumentState.QUEUED),
    ],
)
def test_actions_change_the_state(as_ana, collection, sent_tasks, action, before, after) -> None:
    document = make_document(collection, state=before)
    response = as_ana.post(reverse(f"ingestion:{action}", args=[document.uuid]), headers=HTMX)
    document.refresh_from_db()
    assert document.state == after
    assert f'id="document-{document.uuid}" hx-swap-oob="true"' in text(response)


def test_what_was_found_before_is_said_to_be_searched_still(as_ana, document, sent_tasks) -> None:
    documents.reparse(document)
    assert "to be read again" in text(as_ana.get(f"{document.get_absolute_url()}?panel=coverage"))
    url = reverse("ingestion:cancel", args=[document.uuid])
    assert "What was found before is still searched." in text(as_ana.post(url, follow=True))
    shown = text(as_ana.get(f"{document.get_absolute_url()}?panel=coverage"))
    assert ("the file" in shown, "read again" in shown) == (True, False)
    assert [row.document for row in as_ana.get(f"{LIST}?state=ready").context["rows"]] == [document]
    documents.reparse(document)
    pipeline.fail(document.pk, document.run, "The disk is full.")
    for page in (LIST, document.get_absolute_url()):
        assert "The disk is full. What was found before is still" in text(as_ana.get(page))


def test_what_neither_failed_nor_was_skipped_is_not_begun_again(
    as_ana, document, sent_tasks
) -> None:
    url = reverse("ingestion:retry", args=[document.uuid])
    assert "neither failed nor was cancelled" in text(as_ana.post(url, follow=True))
    assert Document.objects.get().state == DocumentState.READY


def test_redoes_one_page(as_ana, document, sent_tasks) -> None:
    response = as_ana.post(reverse("ingestion:redo_page", args=[document.uuid, 2]))
    assert response.url == f"{document.get_absolute_url()}?page=2"
    states = list(document.pages.values_list("state", flat=True))
    assert states == [PageState.DONE, PageState.PENDING]


def test_a_reader_may_look_but_not_change(document, collection, ben) -> None:
    collection.viewers.add(ben)
    client = signed_in(ben)
    page = text(client.get(document.get_absolute_url()))
    assert "Delete" not in page
    assert "Read this page again" not in page
    for action in ("delete", "retry", "cancel", "reparse"):
        url = reverse(f"ingestion:{action}", args=[document.uuid])
        assert client.post(url).status_code == 404
    assert client.post(reverse("ingestion:redo_page", args=[document.uuid, 1])).status_code == 404
    assert Document.objects.get().state == DocumentState.READY


# --- Collections ----------------------------------------------------------------------------


def test_makes_a_collection_and_shows_it(as_ana, ana) -> None:
    response = as_ana.post(reverse("ingestion:create_collection"), {"name": "  Board  papers "})
    made = Collection.objects.get(owner=ana)
    assert made.name == "Board papers"
    assert response.url == f"{LIST}?collection={made.pk}"


def test_refuses_a_second_collection_of_the_same_name(as_ana, collection) -> None:
    url = reverse("ingestion:create_collection")
    response = as_ana.post(url, {"name": collection.name.upper()}, follow=True)
    assert "You have a collection of this name already." in text(response)
    assert Collection.objects.count() == 1


def test_renames_a_collection(as_ana, ana, collection) -> None:
    url = reverse("ingestion:rename_collection", args=[collection.pk])
    assert f'value="{collection.name}"' in text(as_ana.get(url))
    as_ana.post(url, {"name": "Board papers"})
    collection.refresh_from_db()
    assert collection.name == "Board papers"
    Collection.objects.create(owner=ana, name="Other")
    assert "of this name already" in text(as_ana.post(url, {"name": "other"}, follow=True))


def test_deletes_a_collection_after_saying_how_much_goes(as_ana, collection, document) -> None:
    url = reverse("ingestion:delete_collection", args=[collection.pk])
    assert f'href="{url}"' in text(as_ana.get(f"{LIST}?collection={collection.pk}"))
    assert "goes with 1 document," in text(as_ana.get(url, headers=HTMX))
    assert Document.objects.exists()
    assert "was deleted, with 1 document." in text(as_ana.post(url, follow=True))
    assert not Document.objects.exists()
    assert not Collection.objects.filter(pk=collection.pk).exists()


def test_only_the_owner_renames_and_deletes_a_collection(collection, ben) -> None:
    collection.editors.add(ben)
    client = signed_in(ben)
    assert "Rename" not in text(client.get(f"{LIST}?collection={collection.pk}"))
    for name in ("rename_collection", "delete_collection"):
        url = reverse(f"ingestion:{name}", args=[collection.pk])
        assert {client.get(url).status_code, client.post(url).status_code} == {404}


# --- Tags and metadata ------------------------------------------------------------------------


def test_tags_and_metadata_are_typed_in_and_shown(as_ana, document) -> None:
    url = reverse("ingestion:label", args=[document.uuid])
    typed = {"title": "Audit of 2024", "tags": "Audit, q3", "metadata": 'year: 2024\ncode: "007"'}
    page = text(as_ana.post(url, typed, follow=True))
    document.refresh_from_db()
    assert (document.tags, document.metadata) == (["audit", "q3"], {"year": 2024, "code": "007"})
    assert document.title == "Audit of 2024"
    assert 'value="audit, q3"' in page
    assert "code: &quot;007&quot;\nyear: 2024" in page


def test_what_is_wrong_with_labels_is_said_at_its_field_and_nothing_typed_is_lost(
    as_ana, document
) -> None:
    url = reverse("ingestion:label", args=[document.uuid])
    typed = {"title": " ", "tags": "Beta one, a!, audit", "metadata": "year: 2024\njust <words>"}
    plain = as_ana.post(f"{url}?panel=about&page=2", typed)
    in_place = as_ana.post(f"{url}?panel=about&page=2", typed, headers=HTMX)
    assert (plain.status_code, in_place.status_code) == (422, 200)
    for page in map(text, (plain, in_place)):
        assert "A title must have" in page.partition('id="title-error"')[2]
        assert "“beta one” is no tag" in page.partition('id="tags-error"')[2]
        assert "“a!” is no tag" in page.partition('id="tags-error"')[2]
        assert "is no entry" in page.partition('id="metadata-error"')[2]
        assert 'value="Beta one, a!, audit"' in page
        assert "year: 2024\njust &lt;words&gt;</textarea>" in page
    assert text(in_place).startswith("\n<aside")
    # Where the links of the page lead, which has the form's address.
    back = as_ana.get(f"{url}?page=2&panel=figures")
    assert back.url == f"{document.get_absolute_url()}?page=2&panel=figures"
    document.refresh_from_db()
    assert (document.title, document.tags) == ("Annual report", [])


def test_labels_that_are_saved_in_place_change_the_heading_too(as_ana, document) -> None:
    url = reverse("ingestion:label", args=[document.uuid])
    saved = as_ana.post(f"{url}?panel=about", {"title": "Accounts"}, headers=HTMX)
    assert '<h1 class="truncate" id="document-title" title="Accounts" hx-swap-oob' in text(saved)
    assert "were saved" in text(saved)


def test_a_reader_sees_tags_and_changes_none(document, collection, ben) -> None:
    documents.label(document, tags=["audit"], metadata={"year": 2024})
    collection.viewers.add(ben)
    client = signed_in(ben)
    page = text(client.get(f"{document.get_absolute_url()}?panel=about"))
    assert "audit" in page
    assert "<textarea" not in page
    assert client.post(reverse("ingestion:label", args=[document.uuid])).status_code == 404


# --- Everything, as somebody else ------------------------------------------------------------


def private_urls(document: Document) -> list[str]:
    chunk = document.chunks.exclude(image="").first()
    names = ("document", "panel", "state", "download", "delete")
    return [
        *(reverse(f"ingestion:{name}", args=[document.uuid]) for name in names),
        reverse("ingestion:page_image", args=[document.uuid, 1]),
        reverse("ingestion:sheet", args=[document.uuid, 1]),
        reverse("ingestion:crop", args=[document.uuid, chunk.pk]),
    ]


def test_a_stranger_finds_nothing(document, ben) -> None:
    client = signed_in(ben)
    assert {client.get(url).status_code for url in private_urls(document)} == {404}
    assert "Annual report" not in text(client.get(LIST))


def test_everything_asks_to_sign_in(document) -> None:
    urls = [LIST, reverse("ingestion:progress"), *private_urls(document)]
    responses = [Client().get(url) for url in urls]
    assert {response.status_code for response in responses} == {302}
    assert all(response.url.startswith("/login/") for response in responses)
