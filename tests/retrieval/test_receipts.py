"""A deletion's receipt: what went, and that searching proves it."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from ingestion import receipts
from ingestion.models import Document
from retrieval import changes, keyword_reader, keywords, space_reader, spaces
from retrieval.receipts import IndexWitness
from tests.retrieval.conftest import only

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def document(library) -> Document:
    library.document("pear")
    found = library.document("apple", {"text": "plum", "kind": "table"})
    found.file.save("a.pdf", ContentFile(b"%PDF"))
    keywords.refresh(spaces.live_versions()[keywords.SPACE])
    return found


def test_it_says_what_went_and_proves_it(document) -> None:
    folder = document.folder
    receipt = receipts.delete(document)
    assert receipt.chunks == {"text": 1, "table": 1}
    assert (receipt.pages, receipt.files, receipt.bytes) == (1, 1, 4)
    assert receipt.vectors["text"] == 2
    assert {proof.source for proof in receipt.proofs} == {"text", "image", "keywords"}
    by_source = {proof.source: proof for proof in receipt.proofs}
    assert [by_source[name].found for name in ("text", "keywords")] == [0, 0]
    assert by_source["text"].texts == 2
    assert receipt.is_gone
    assert not default_storage.exists(f"{folder}/source.pdf")


def test_the_proof_is_one_that_can_fail(document) -> None:
    """Asked while the document is still there, the same witness finds it."""
    proofs = {proof.source: proof for proof in IndexWitness(document).look()}
    assert proofs["text"].found
    assert proofs["keywords"].found


def test_what_an_index_still_holds_is_counted(document, monkeypatch) -> None:
    """As if the indexes had not been told: they hold what the database does not."""
    keywords.search("apple", limit=1, where=only(document))
    space_reader.reader_of(spaces.live_versions()["text"]).current(spaces.live_versions()["text"])
    monkeypatch.setattr(changes, "record", lambda document_id: None)
    receipt = receipts.delete(document)
    proofs = {proof.source: proof for proof in receipt.proofs}
    assert proofs["text"].found
    assert proofs["keywords"].found
    assert not receipt.is_gone


def test_a_keyword_index_that_is_catching_up_proves_nothing(document, monkeypatch) -> None:
    keywords.search("apple", limit=1, where=only(document))
    monkeypatch.setattr(keyword_reader, "AT_ONCE", -1)
    proofs = {proof.source: proof for proof in receipts.delete(document).proofs}
    assert proofs["keywords"].found is None
    assert "catching up" in proofs["keywords"].note


def test_nothing_is_found_before_the_indexes_caught_up_nor_after(document) -> None:
    witness = IndexWitness(document)
    receipts.delete(document)
    keywords.refresh(spaces.live_versions()[keywords.SPACE])
    assert all(not proof.found for proof in witness.look())


def test_a_source_that_cannot_be_asked_proves_nothing(document, settings) -> None:
    (settings.MODELS_DIR / "fruit-1.safetensors").unlink()
    spaces.SpaceVersion.objects.filter(space="text").update(model="nowhere")
    proofs = {proof.source: proof for proof in receipts.delete(document).proofs}
    assert proofs["text"].found is None
    assert proofs["text"].note


def test_the_api_answers_with_the_receipt_or_with_nothing(document, library, client, redis_cache):
    client.force_login(library.collection.owner)
    other = library.document("cherry")
    body = client.delete(f"/api/v1/documents/{document.uuid}/").json()
    assert body["id"] == str(document.uuid)
    assert body["is_gone"] is True
    assert body["chunks"] == {"text": 1, "table": 1}
    response = client.delete(f"/api/v1/documents/{other.uuid}/?receipt=false")
    assert (response.status_code, response.content) == (204, b"")
    assert not Document.objects.filter(pk=other.pk).exists()


def test_the_page_shows_it_also_without_scripts(document, library, client, redis_cache) -> None:
    client.force_login(library.collection.owner)
    url = f"/documents/{document.uuid}/delete/"
    text = client.post(url, follow=True).content.decode()
    assert "is gone" in text
    assert "found nothing" in text
    other = library.document("cherry")
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/documents/"}
    text = client.post(f"/documents/{other.uuid}/delete/", headers=headers).content.decode()
    assert 'id="dialog-body" hx-swap-oob="innerHTML"' in text
