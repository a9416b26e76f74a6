import time

import numpy as np
import pytest
from django.core.files.storage import FileSystemStorage

from ingestion import pipeline
from ingestion.errors import PermanentError, TransientError
from ingestion.models import Chunk, Document
from retrieval import embedders, embedding, refusals, spaces, vectors
from retrieval.embedders import InputRefused
from retrieval.models import Embedding, IndexChange, SpaceVersion
from tests.retrieval.conftest import axis
from tests.retrieval.fake_models import FruitEmbedder

FIGURE = {
    "kind": "image",
    "text": "apple",
    "caption": "Figure 1: pear",
    "heading_path": ["cherry"],
    "references": "Figure 1 shows a plum.",
    "picture": "plum",
}


def stored(space: str) -> dict[str, list[float]]:
    """Vectors of a space's live version by their chunk's text."""
    version = spaces.live_versions()[space]
    rows = Embedding.objects.filter(space_version=version).select_related("chunk")
    return {
        row.chunk.text: vectors.unpack([bytes(row.vector)], version.dimension)[0].tolist()
        for row in rows
    }


def test_every_chunk_gets_its_vector_in_each_of_its_spaces(library) -> None:
    library.document("pear", FIGURE)
    half = pytest.approx(0.5)
    assert stored("text") == {"pear": axis("pear").tolist(), "apple": [half, half, half, half]}
    assert stored("image") == {"apple": axis("plum").tolist()}


def test_without_its_model_the_image_space_holds_descriptions(library, settings) -> None:
    SpaceVersion.objects.all().delete()
    (settings.MODELS_DIR / "pear-eye.safetensors").unlink()
    spaces.sync()
    version = spaces.live_versions()["image"]
    assert (version.model, version.input) == ("text:fruit-1", "description")
    library.document("pear", FIGURE)
    # Caption, inner text and reference, without the heading.
    third = pytest.approx(3**-0.5)
    assert stored("image") == {"apple": [third, third, third, 0]}
    assert "apple" in FruitEmbedder.encoded[-1]


def test_vectors_are_of_length_one_for_cosine_only(library, settings) -> None:
    library.document("apple apple apple")
    assert stored("text")["apple apple apple"] == [1, 0, 0, 0]
    settings.SPACES["text"]["metric"] = "dot"
    SpaceVersion.objects.all().delete()
    spaces.sync()
    library.document("pear pear")
    assert stored("text")["pear pear"] == [0, 2, 0, 0]


def test_chunks_with_nothing_to_give_have_no_vector(library) -> None:
    empty = {"kind": "table", "text": "", "heading_path": []}
    document = library.document("pear", empty)
    assert set(stored("text")) == {"pear"}
    assert stored("image") == {}
    chunks = document.chunks.all()
    for version in embedding.fed_versions():
        assert not embedding.missing(version, chunks).exists()


def test_running_twice_makes_nothing_twice(library) -> None:
    document = library.document("apple")
    library.add_chunks(document, "pear", "plum")
    FruitEmbedder.encoded.clear()
    for _ in range(2):
        assert embedding.embed_document(document, "run")
    assert sorted(FruitEmbedder.encoded) == ["pear", "plum"]
    assert Embedding.objects.count() == 3


def test_equal_content_is_encoded_once(library) -> None:
    first = library.document("apple", "apple", "pear")
    assert sorted(FruitEmbedder.encoded) == ["apple", "pear"]
    library.parse(first, "apple", "plum")
    library.document("pear")
    assert sorted(FruitEmbedder.encoded) == ["apple", "pear", "pear", "plum"]
    # "pear" went with the first document's old chunks; "apple" was taken over.


def test_progress_is_shown_and_ends_at_all_chunks(library, monkeypatch) -> None:
    document = library.document("apple")
    library.add_chunks(document, *(f"apple {number}" for number in range(20)), FIGURE)
    seen: list[int] = []
    keep = pipeline.keep

    def watch(document_id: int, run: str, **fields) -> None:
        keep(document_id, run, **fields)
        seen.append(fields["chunks_embedded"])

    monkeypatch.setattr(pipeline, "keep", watch)
    embedding.embed_document(document, "run")
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert (seen[-1], Document.objects.get().chunks_embedded) == (21, 21)


def test_a_superseded_run_stores_nothing_more(library) -> None:
    document = library.document("apple")
    library.add_chunks(document, "pear")
    Document.objects.update(run="another")
    with pytest.raises(pipeline.Superseded):
        embedding.embed_document(document, "run")
    assert stored("text") == {"apple": axis("apple").tolist()}


def test_a_long_document_gives_way_and_goes_on_where_it_was(library, monkeypatch) -> None:
    document = library.document("apple")
    library.add_chunks(document, *(f"apple {number}" for number in range(20)))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.Turn, "is_over", lambda turn: True)
        assert not embedding.embed_document(document, "run")
    assert Embedding.objects.count() == 1 + 8
    assert embedding.embed_document(document, "run")
    assert Embedding.objects.count() == 1 + 20


def test_a_space_whose_model_is_gone_is_left_out_and_filled_later(library, settings) -> None:
    file = settings.MODELS_DIR / "pear-eye.safetensors"
    file.unlink()
    embedders.forget_all()
    library.document("pear", FIGURE)
    assert set(stored("text")) == {"pear", "apple"}
    assert stored("image") == {}
    file.write_bytes(b"-")
    assert spaces.build_version(spaces.live_versions()["image"])
    assert set(stored("image")) == {"apple"}


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (np.ones((1, 3), dtype=np.float32), "not of 4 dimensions"),
        (np.full((1, 4), np.nan, dtype=np.float32), "not finite"),
    ],
)
def test_a_wrong_vector_is_never_stored(library, monkeypatch, made, problem: str) -> None:
    document = library.document()
    library.add_chunks(document, "pear")
    monkeypatch.setattr(FruitEmbedder, "encode_texts", lambda self, texts, batch_size: made)
    with pytest.raises(PermanentError, match=problem):
        embedding.embed_document(document, "run")
    assert not Embedding.objects.exists()


def test_a_picture_that_the_storage_lost_is_left_out(library, caplog) -> None:
    library.document("pear", {**FIGURE, "picture": None, "image": "nowhere.png"})
    assert set(stored("text")) == {"pear", "apple"}
    assert stored("image") == {}
    assert "gone from the storage: nowhere.png" in caplog.text


@pytest.fixture
def picky(monkeypatch, redis_cache) -> list[list[str]]:
    """A model that refuses to read of cherries, and with them the whole request; its requests."""
    encode, requests = FruitEmbedder.encode_texts, []

    def refuse(self, texts: list[str], *, batch_size: int = 32) -> np.ndarray:
        requests.append(texts)
        if any("cherry" in text for text in texts):
            raise InputRefused("That is too long.")
        return encode(self, texts, batch_size=batch_size)

    monkeypatch.setattr(FruitEmbedder, "encode_texts", refuse)
    return requests


def test_what_the_model_refuses_is_left_out_and_the_rest_is_not(library, picky, caplog) -> None:
    figure = {**FIGURE, "heading_path": [], "picture": "cherry"}
    document = library.document("apple", "cherry", "pear plum", figure)
    assert Embedding.objects.filter(space_version__space="text").count() == 3
    assert stored("image") == {}
    refused = document.chunks.get(text="cherry").pk
    assert "refused a chunk: That is too long." in caplog.text
    assert f"goes without the chunks [{refused}]" in caplog.text


def test_what_the_model_refuses_holds_up_no_other_document(library, settings, picky) -> None:
    library.document("cherry")
    library.document("apple")
    settings.SPACES["text"]["model"] = "fruit-2"
    version = spaces.begin_version("text", waits=True)
    Embedding.objects.filter(space_version=version).delete()
    assert spaces.build_version(version)
    assert version.embeddings.get().chunk.text == "apple"
    version.refresh_from_db()
    assert version.is_to_be_compared


def test_what_the_model_refused_is_not_sent_again_before_a_day_or_a_persons_wish(
    library, picky, asked, monkeypatch
) -> None:
    library.document("apple", "cherry")
    version = spaces.live_versions()["text"]
    picky.clear()
    asked.clear()
    spaces.tend()
    assert spaces.build_version(version)
    assert (picky, asked) == ([], [])
    assert embedding.missing(version, Chunk.objects.live()).count() == 1
    with monkeypatch.context() as patch:
        tomorrow = time.time() + refusals.KEPT_SECONDS
        patch.setattr(refusals.time, "time", lambda: tomorrow)
        assert embedding.lacks_some(version)
    embedding.request_fill(version)
    assert asked == [("build_space_version", version.pk)]
    assert spaces.build_version(version)
    assert picky == [["cherry"]]


def test_a_storage_that_is_away_is_tried_again(library, monkeypatch) -> None:
    document = library.document()
    library.add_chunks(document, FIGURE)

    def away(storage: FileSystemStorage, name: str, mode: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(FileSystemStorage, "_open", away)
    with pytest.raises(TransientError, match="picture on page 1"):
        embedding.embed_document(document, "run")


def test_one_vector_is_made_again_without_touching_others(library) -> None:
    document = library.document("apple", "pear")
    version = spaces.live_versions()["text"]
    others = dict(Embedding.objects.exclude(chunk__text="pear").values_list("pk", "vector"))
    Embedding.objects.filter(chunk__text="pear").update(vector=b"\0" * 16)
    before = version.revision
    embedding.remake(version, document.chunks.get(text="pear"))
    assert stored("text")["pear"] == axis("pear").tolist()
    assert dict(Embedding.objects.exclude(chunk__text="pear").values_list("pk", "vector")) == others
    assert spaces.live_versions()["text"].revision == before + 1


def test_filling_leaves_a_document_that_moved_on_alone(library) -> None:
    document = library.document("apple")
    Embedding.objects.all().delete()
    version = spaces.live_versions()["text"]
    stale = Document.objects.get()
    library.parse(document, "pear")
    Embedding.objects.all().delete()
    changes = IndexChange.objects.count()
    assert embedding.fill_document(version, stale, after_slice=lambda count: None) == 0
    assert not Embedding.objects.exists()
    assert IndexChange.objects.count() == changes
