from dataclasses import replace

import pytest

from ingestion.errors import PermanentError
from ingestion.models import Chunk
from retrieval import profiles, requests
from retrieval.conditions import Condition, Filter
from retrieval.embedders import ModelAway
from retrieval.request import (
    BadRequest,
    Final,
    Fusion,
    Query,
    SearchRequest,
    Source,
    Stage,
    check,
)
from retrieval.search import search, search_many
from tests.retrieval.conftest import only
from tests.retrieval.fake_models import FruitEmbedder
from tests.retrieval.test_search import figure, said


def ask(*sources, **fields):
    return SearchRequest(Stage(tuple(sources), **fields))


def test_each_source_has_its_own_limit_and_filter(library):
    document = library.document(
        "apple apple", "apple pear", {"kind": "table", "text": "apple plum"}
    )
    tables = Filter(must=(Condition("kind", any=("table",)),))
    request = ask(Source("text", limit=1), Source("text", name="tables", filter=tables), final=None)
    result = search("apple", where=only(document), request=request)
    assert set(said(result)) == {"apple apple", "apple plum"}
    assert {hit.chunk.text: set(hit.sources) for hit in result.hits} == {
        "apple apple": {"text"},
        "apple plum": {"tables"},
    }
    assert {"text", "tables"} <= result.timings.keys()


def test_fusion_by_alpha(library):
    document = library.document("pear apple apple", figure("apple", "apple", text="pear"))
    for alpha, first in ((1.0, "pear apple apple"), (0.0, "pear")):
        request = ask(
            Source("text", limit=1, filter=Filter(must=(Condition("kind", any=("text",)),))),
            Source("image"),
            fusion=Fusion("weighted", alpha=alpha),
        )
        assert said(search("apple", where=only(document), request=request))[0] == first


def test_stages_nest_and_leave_their_ranks(library):
    document = library.document("apple pear", "apple", "pear plum", "cherry")
    inner = Stage(
        (Source("text"), Source("keywords")),
        final=Final("rescore", space="text", limit=10),
        name="wide",
        limit=2,
    )
    request = ask(inner, final=None)
    result = search("apple", where=only(document), request=request)
    assert said(result) == ["apple", "apple pear"]
    assert result.hits[0].sources["wide"].rank == 1
    assert result.hits[0].sources["wide"].score == pytest.approx(1.0)
    assert {"text", "keywords", "wide"} == set(result.hits[0].sources)


def test_rescoring_takes_the_exact_similarity_of_one_space(library):
    document = library.document("apple apple pear", "apple", {"kind": "text", "text": "nothing"})
    request = ask(Source("keywords"), final=Final("rescore", space="text"))
    hits = search("apple pear", where=only(document), request=request).hits
    assert [hit.chunk.text for hit in hits] == ["apple apple pear", "apple"]
    assert hits[0].rerank_score == pytest.approx(3 / 10**0.5)
    assert hits[1].rerank_score == pytest.approx(1 / 2**0.5)


def test_a_model_that_is_away_leaves_the_order_as_it_was(library, monkeypatch):
    document = library.document("apple apple pear", "apple")

    def away(self, texts):
        raise ModelAway("The service does not answer.")

    monkeypatch.setattr(FruitEmbedder, "encode_queries", away)
    request = ask(Source("keywords"), final=Final("rescore", space="text"))
    result = search("pear", where=only(document), request=request)
    assert said(result) == ["apple apple pear"]
    assert any("without the text space: The service does not answer." in n for n in result.notes)


def test_vectors_come_along_when_asked_for(library):
    document = library.document("apple")
    request = replace(ask(Source("keywords")), vectors=("text", "image"))
    hit = search("apple", where=only(document), request=request).hits[0]
    assert hit.vectors["text"].tolist() == [1, 0, 0, 0]
    assert "image" not in hit.vectors


def test_a_batch_is_encoded_together_and_answers_as_one_by_one(library, monkeypatch):
    from tests.retrieval.fake_models import FruitEmbedder

    document = library.document("apple", "pear", "plum")
    calls = []
    real = FruitEmbedder.encode_queries

    def encode(self, texts):
        calls.append(texts)
        return real(self, texts)

    monkeypatch.setattr(
        FruitEmbedder,
        "encode_queries",
        encode,
    )
    queries = [Query("apple"), Query("plum"), Query(" "), Query("apple")]
    request = ask(Source("text", limit=1))
    results = search_many(queries, where=only(document), request=request)
    assert calls == [["apple", "plum"]]
    assert [said(result) for result in results] == [["apple"], ["plum"], [], ["apple"]]


def test_more_like_a_figure(library):
    document = library.document(
        figure("one", "plum plum"), figure("two", "plum"), figure("three", "cherry"), "plum"
    )
    chosen = Chunk.objects.get(caption="one")
    request = ask(Source("image"), Source("keywords"))
    result = search(Query(like=chosen.pk), where=only(document), request=request)
    assert [hit.chunk.caption for hit in result.hits] == ["two", "three"]
    assert any("no words" in note for note in result.notes)


def test_by_a_picture_and_by_both(library):
    document = library.document(figure("one", "plum"), figure("two", "cherry"))
    request = ask(Source("image"))

    def best(**query):
        result = search(Query(**query), where=only(document), request=request)
        return result.hits[0].chunk.caption

    assert best(image=b"cherry") == "two"
    assert best(text="plum", image=b"cherry", image_weight=0.2) == "one"
    assert best(text="plum", image=b"cherry", text_weight=0.2) == "two"


def test_a_picture_that_nothing_can_look_up_is_refused_in_a_sentence(library, settings):
    document = library.document("apple")
    with pytest.raises(PermanentError, match="fruit-1 encodes text only"):
        search(Query(image=b"x"), where=only(document), request=ask(Source("text")))
    result = search(
        Query(text="apple", image=b"x"), where=only(document), request=ask(Source("text"))
    )
    assert said(result) == ["apple"]
    assert "by the text alone" in result.notes[0]


@pytest.mark.parametrize(
    ("request_", "field", "message"),
    [
        (ask(Source("sound")), "sources", "no space 'sound' here; there are text, image"),
        (ask(Source("text"), Source("text")), "sources", "called 'text'"),
        (ask(Stage((Source("text"),))), "sources", "needs a name"),
        (ask(Source("text"), fusion=Fusion("weighted", alpha=0.5)), "fusion", "called 'image'"),
        (ask(Source("text"), final=Final("rescore", space="x")), "final", "no space 'x'"),
        (ask(Stage((Source("y"),), name="a")), "sources", "no space 'y'"),
        (replace(ask(Source("text")), vectors=("keywords",)), "vectors", "no space"),
    ],
)
def test_what_does_not_fit_together_is_refused(request_, field, message):
    with pytest.raises(BadRequest, match=message) as caught:
        check(request_, ["text", "image", "keywords"])
    assert caught.value.field == field


def test_the_standard_request_asks_every_space_and_the_keywords(db):
    request = profiles.standard()
    assert [source.label for source in request.stage.leaves()] == ["text", "image", "keywords"]
    check(request, requests.known_spaces())
