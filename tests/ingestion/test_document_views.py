"""One document's page, and the files that it shows."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse

from ingestion import viewer
from ingestion.collections import default_for
from ingestion.models import Document, DocumentState, Page, PageState
from tests.ingestion.ready_document import make_document

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana")


@pytest.fixture
def client(ana) -> Client:
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def document(ana) -> Document:
    return make_document(default_for(ana), pages=3)


def text(response) -> str:
    return response.content.decode()


def test_shows_every_page_with_the_boxes_of_the_current_one(client, document, monkeypatch) -> None:
    monkeypatch.setattr("ingestion.viewer.AROUND", 0)
    page = text(client.get(f"{document.get_absolute_url()}?page=2"))
    assert page.count('class="sheet"') == 3
    assert page.count('class="region region-text"') == 1
    assert page.count("data-wanting") == 2
    assert '<rect x="50.0" y="200" width="300.5" height="80" rx="2"/>' in page
    assert 'id="page-2" data-page="2" tabindex="-1" autofocus' in page
    assert "text of page 2" in page
    assert "text of page 1" not in page


def test_a_citation_opens_its_page_with_the_evidence_framed(client, document) -> None:
    response = client.get(f"{document.get_absolute_url()}?box=3,10,20.5,110,70.5&box=3,1,2,3,4")
    assert response.context["number"] == 3
    (sheet,) = [sheet for sheet in response.context["sheets"] if sheet.evidence]
    assert sheet.page.number == 3
    assert '<rect x="10.0" y="20.5" width="100.0" height="50.0" rx="2"/>' in text(response)


def test_numbers_in_boxes_stay_numbers_in_every_language(client, document, settings) -> None:
    settings.LANGUAGE_CODE = "de"
    page = text(client.get(f"{document.get_absolute_url()}?box=1,10,20.5,110,70.5"))
    assert 'y="20.5"' in page


@pytest.mark.parametrize(
    "query", ["page=0", "page=99999999999", "page=x", "box=1,2", "box=a,b,c,d,e", "box=1,9,9,1,1"]
)
def test_nonsense_in_the_address_is_left_out(client, document, query) -> None:
    response = client.get(f"{document.get_absolute_url()}?{query}")
    assert response.status_code == 200
    assert response.context["evidence"].rects == {}


def test_table_cells_are_shown_as_text(client, document) -> None:
    page = text(client.get(f"{document.get_absolute_url()}?page=1"))
    assert "<th>Revenue</th>" in page
    assert "&lt;b&gt;42&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("panel", "shown"),
    [
        ("page", "A table on page 2"),
        ("figures", "A image on page 3"),
        ("outline", "Results"),
        ("coverage", "the file"),
        ("about", "SHA-256"),
        ("nonsense", "text of page 2"),
    ],
)
def test_panels(client, document, panel, shown) -> None:
    url = reverse("ingestion:panel", args=[document.uuid])
    assert shown in text(client.get(url, {"panel": panel, "page": 2}))


def test_tells_of_pages_that_could_not_be_read(client, document) -> None:
    Page.objects.filter(document=document, number=2).update(
        state=PageState.SKIPPED, image="", warnings=["Page 2 took too long."]
    )
    page = text(client.get(f"{document.get_absolute_url()}?panel=coverage"))
    assert "1 page could not be read and is not searched." in page
    assert page.count("Page 2 took too long.") == 2


def test_the_state_is_polled_while_it_moves_and_then_the_page_loads_again(client, document) -> None:
    url = reverse("ingestion:state", args=[document.uuid])
    Document.objects.filter(pk=document.pk).update(state=DocumentState.PARSING, pages_done=1)
    page = text(client.get(document.get_absolute_url()))
    assert f'hx-get="{url}"' in page
    assert "Parsing page 2 of 3" in text(client.get(url))
    Document.objects.filter(pk=document.pk).update(error="The hub cannot be reached.")
    assert "Parsing page 2 of 3. The hub cannot be reached." in text(client.get(url))
    Document.objects.filter(pk=document.pk).update(state=DocumentState.READY)
    assert client.get(url).headers["HX-Refresh"] == "true"


def test_regions_reach_over_from_the_page_before(client, document) -> None:
    chunk = document.chunks.filter(page_number=1, kind="text").get()
    chunk.spans = [
        [0, 5, 1, 50, 100, 350, 180],
        [5, 9, 2, 60, 40, 300, 52],
        [9, 12, 2, 60, 52, 200, 64],
    ]
    chunk.save()
    page = text(client.get(reverse("ingestion:sheet", args=[document.uuid, 2])))
    assert f'data-chunk="{chunk.pk}"' in page
    assert '<rect x="60.0" y="40.0" width="240.0" height="24.0" rx="2"/>' in page
    panel = text(client.get(reverse("ingestion:panel", args=[document.uuid]), {"page": 2}))
    assert "text of page 1" in panel


def test_a_passage_in_two_columns_has_a_box_in_each(document) -> None:
    chunk = document.chunks.filter(page_number=1, kind="text").get()
    left = [[n, n + 1, 1, 50, 600 + 12 * n, 290, 610 + 12 * n] for n in range(3)]
    right = [[n, n + 1, 1, 310, 40 + 12 * n, 550, 50 + 12 * n] for n in range(3, 5)]
    chunk.spans, chunk.box = left + right, [50, 40, 550, 634]
    chunk.save()
    (region,) = [r for r in viewer.regions(document, range(1, 2))[1] if r.chunk == chunk]
    assert region.rects == (viewer.Rect(50, 600, 240, 34), viewer.Rect(310, 76, 240, 22))


# --- Files ----------------------------------------------------------------------------------


def image_urls(document: Document) -> list[str]:
    chunk = document.chunks.exclude(image="").first()
    return [
        reverse("ingestion:page_image", args=[document.uuid, 1]),
        reverse("ingestion:crop", args=[document.uuid, chunk.pk]),
    ]


def test_images_are_harmless_and_private(client, document) -> None:
    for url in image_urls(document):
        response = client.get(url)
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Disposition"] == "inline"
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.content.startswith(b"\xff\xd8")


def test_an_image_is_kept_for_ever_under_its_version_alone(client, document) -> None:
    page = client.get(document.get_absolute_url())
    address = page.context["sheets"][0].image_url
    assert "immutable" in client.get(address).headers["Cache-Control"]
    assert "immutable" not in client.get(f"{address}x").headers["Cache-Control"]


def test_an_image_is_not_sent_again(client, document) -> None:
    for url in image_urls(document):
        etag = client.get(url).headers["ETag"]
        again = client.get(url, headers={"If-None-Match": etag})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["ETag"] == etag


def test_what_has_no_image_is_not_found(client, document) -> None:
    text_chunk = document.chunks.filter(kind="text").first()
    crop = reverse("ingestion:crop", args=[document.uuid, text_chunk.pk])
    Page.objects.filter(document=document, number=2).update(image="documents/gone/pages/2-a.jpg")
    gone = reverse("ingestion:page_image", args=[document.uuid, 2])
    beyond = reverse("ingestion:page_image", args=[document.uuid, 9])
    assert [client.get(url).status_code for url in (crop, gone, beyond)] == [404, 404, 404]


@pytest.mark.django_db(transaction=True)
def test_the_file_is_a_download_under_its_name(ana, document) -> None:
    Document.objects.filter(pk=document.pk).update(filename='Übersicht "2023".pdf')

    async def fetch():
        client = AsyncClient()
        await client.aforce_login(ana)
        response = await client.get(reverse("ingestion:download", args=[document.uuid]))
        return response, b"".join([block async for block in response])

    response, body = asyncio.run(fetch())
    assert body == document.file.read()
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''%C3%9C")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_passage_over_two_pages_is_covered_on_both(document) -> None:
    chunk = document.chunks.get(page_number=1, kind="text")
    document.chunks.filter(page_number=2, kind="text").delete()
    chunk.spans = [[0, 5, 1, 0, 0, 9, 9], [5, 9, 2, 0, 0, 9, 9], [9, 12, 2, 0, 9, 9, 18]]
    chunk.save()
    counts = [(entry.text, entry.table) for entry in viewer.coverage(document)]
    assert counts == [(1, 1)] * 3


def test_a_long_table_is_shown_once_however_many_passages_it_fills(client, document) -> None:
    chunk = document.chunks.get(page_number=1, kind="table")
    chunk.pk, chunk.order = None, 12345
    chunk.save()
    page = text(client.get(f"{document.get_absolute_url()}?page=1"))
    assert page.count("<th>Revenue</th>") == 1
    assert viewer.coverage(document)[0].table == 1
    assert [p.chunk.page_number for p in viewer.figures(document) if p.table] == [1, 2, 3]


def test_a_table_over_pages_is_shown_and_sent_whole(client, document) -> None:
    for chunk in document.chunks.filter(kind="table"):
        chunk.table |= {"key": "table-1", "part": chunk.page_number, "parts": 3}
        chunk.save()
    (card,) = [passage for passage in viewer.figures(document) if passage.table]
    assert card.pages == (1, 2, 3)
    second = document.chunks.get(page_number=2, kind="table")
    address = reverse("ingestion:table", args=[document.uuid, second.pk])
    assert address in text(client.get(f"{document.get_absolute_url()}?page=2"))
    page = text(client.get(address))
    assert (page.count("<th>Revenue</th>"), page.count("&lt;b&gt;42&lt;/b&gt;")) == (1, 3)
    response = client.get(reverse("ingestion:table_csv", args=[document.uuid, second.pk]))
    assert text(response).count("2023,<b>42</b>") == 3
    assert response["X-Content-Type-Options"] == "nosniff"
    other = document.chunks.filter(kind="text").first()
    assert client.get(reverse("ingestion:table", args=[document.uuid, other.pk])).status_code == 404
