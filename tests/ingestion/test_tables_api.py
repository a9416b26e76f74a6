"""The API of whole tables, and the pictures of figures."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from ingestion.collections import default_for
from ingestion.models import Chunk, ChunkKind, Document
from tests.ingestion.ready_document import TABLE, make_document

pytestmark = pytest.mark.django_db


@pytest.fixture
def document() -> Document:
    """Two pages with a table each, which are parts of one."""
    found = make_document(default_for(User.objects.create_user("ana")))
    for chunk in found.chunks.filter(kind=ChunkKind.TABLE):
        chunk.table = {**TABLE, "key": "table-1", "part": chunk.page_number, "parts": 2}
        chunk.save()
    return found


@pytest.fixture
def api(document) -> APIClient:
    client = APIClient()
    client.force_authenticate(document.collection.owner)
    return client


def path_of(document: Document, rest: str) -> str:
    return f"/api/v1/documents/{document.uuid}/{rest}"


def test_a_table_over_two_pages_is_one(api, document) -> None:
    (listed,) = api.get(path_of(document, "tables/")).json()["results"]
    assert (listed["number"], listed["pages"], listed["rows"]) == (1, [1, 2], 3)
    assert "cells" not in listed
    whole = api.get(path_of(document, "tables/1/")).json()
    assert whole["markdown"].count("| Year | Revenue |") == 1
    assert [(c["row"], c["page"]) for c in whole["cells"] if c["column"] == 0] == [
        *((0, 1), (1, 1), (2, 2))
    ]
    assert [(part["page"], part["first_row"], part["rows"]) for part in whole["parts"]] == [
        *((1, 0, 2), (2, 2, 1))
    ]


def test_a_table_as_comma_separated_values(api, document) -> None:
    answer = api.get(path_of(document, "tables/1/csv/"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode() == "Year,Revenue\r\n2023,<b>42</b>\r\n2023,<b>42</b>\r\n"


def test_pictures_of_tables_and_figures(api, document) -> None:
    (part, _) = api.get(path_of(document, "tables/1/")).json()["parts"]
    chunks = api.get(path_of(document, "chunks/?page=1")).json()["results"]
    (figure,) = [chunk for chunk in chunks if chunk["kind"] == "image"]
    for address in (part["image_url"], figure["image_url"]):
        answer = api.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")


def test_what_is_not_there_or_not_yours_is_not_found(api, document) -> None:
    for rest in ("tables/0/", "tables/2/", "tables/2/csv/", "chunks/999999/image/"):
        assert api.get(path_of(document, rest)).status_code == 404
    stranger = APIClient()
    stranger.force_authenticate(User.objects.create_user("cid"))
    chunk = Chunk.objects.filter(document=document, kind=ChunkKind.TABLE).first()
    for rest in ("tables/", "tables/1/", "tables/1/csv/", f"chunks/{chunk.pk}/image/"):
        assert stranger.get(path_of(document, rest)).status_code == 404
