"""The library that speed is measured on: like real documents, and searched like them."""

import json

import numpy as np
import pymupdf
import pytest

from benchmarks import generated_library
from benchmarks.generated_library import Windows
from ingestion.models import Chunk, Document
from retrieval import spaces, vectors
from retrieval.models import Embedding
from retrieval.scope import allowed
from retrieval.search import search
from tests.retrieval.conftest import (  # noqa: F401  (fixtures)
    asked,
    axis,
    fruit_spaces,
    library,
)


@pytest.fixture
def windows() -> Windows:
    """Two files of 40 passages of two fruits each."""
    fruits = ("apple", "pear", "plum", "cherry")
    words = [[f"{fruit}{number}"] * 90 for fruit in fruits for number in range(20)]
    dice = np.random.default_rng(0)
    vectors = np.stack([axis(fruit) for fruit in fruits for _ in range(20)])
    vectors = vectors + dice.normal(0, 0.1, vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Windows(words, vectors.astype(np.float32), [40, 80])


class Encoder:
    def encode_texts(self, texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 4), dtype=np.float32)


def save_pdf(path, words: str, pages: int) -> None:
    with pymupdf.open() as document:
        for _ in range(pages):
            document.new_page().insert_textbox((20, 20, 580, 780), words, fontsize=6)
        document.save(path)


def test_passages_are_read_from_the_pdfs_of_the_folder(tmp_path) -> None:
    (tmp_path / "pdfs").mkdir()
    save_pdf(tmp_path / "pdfs" / "a.pdf", "word " * 180, 60)
    save_pdf(tmp_path / "pdfs" / "b.pdf", "word " * 90, 3)
    (tmp_path / "pdfs" / "broken.pdf").write_bytes(b"no PDF")
    read = generated_library.read_windows(tmp_path, Encoder())
    assert read.ends == [100, 103]
    assert {len(words) for words in read.words} == {90}
    assert read.of_file(1) == range(100, 103)


def test_a_folder_without_text_is_refused(tmp_path) -> None:
    with pytest.raises(SystemExit, match="too little text in PDFs: 0 passages"):
        generated_library.read_windows(tmp_path, Encoder())


def test_questions_of_the_folder_come_first(tmp_path, windows) -> None:
    lines = [json.dumps({"question": "Which?"}), "", json.dumps({"id": 1})]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    found = generated_library.queries(tmp_path, None, windows, 3)
    assert (len(found), found[0]) == (3, "Which?")
    assert {len(query.split()) for query in found[1:]} == {generated_library.QUERY_WORDS}


def test_a_generated_document_is_the_same_each_time_and_of_one_file(windows) -> None:
    one, again, other = (generated_library.document(windows, number) for number in (3, 3, 4))
    assert one.texts == again.texts != other.texts
    assert (one.vectors == again.vectors).all()
    assert np.allclose(np.linalg.norm(one.vectors, axis=1), 1, atol=1e-5)
    own = {text.split()[0] for text in one.texts}
    files = [{words[0] for words in windows.words[:40]}, {words[0] for words in windows.words[40:]}]
    assert any(own <= file for file in files)


def test_the_library_grows_to_a_size_and_is_searched(library, windows, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setattr(generated_library, "DOCUMENTS_AT_ONCE", 2)
    generated_library.grow_to(300, windows)
    generated_library.grow_to(300, windows)  # They are there already.
    assert (Document.objects.count(), Chunk.objects.live().count()) == (3, 300)
    rows = Embedding.objects.filter(chunk__kind="image")
    assert [Embedding.objects.count(), rows.count()] == [330, 60]
    for version in spaces.live_versions().values():
        spaces.rebuild_index(version)
    even = generated_library.collections()[0]
    where = allowed(even.owner, collections=[even.pk])
    hits = search("apple", where=where, rerank=False).hits
    assert {hit.chunk.document.collection_id for hit in hits} == {even.pk}
    own = Embedding.objects.filter(
        space_version=spaces.live_versions()["text"], chunk__document__collection=even
    )
    scores = {
        row.chunk_id: vectors.unpack([bytes(row.vector)], 4)[0] @ axis("apple") for row in own
    }
    assert max(scores, key=lambda pk: scores[pk]) in {hit.chunk.pk for hit in hits}
