import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingestion.models import Chunk
from retrieval import caching, requests, rerank, scope, vector_search
from retrieval.candidates import Candidate, CandidateFilter, IndexNotReady
from retrieval.search import search
from tests.retrieval.conftest import only
from tests.retrieval.tiny_models import save_cross_encoder


def said(result):
    return [hit.chunk.text for hit in result.hits]


def figure(caption, picture, **fields):
    return {"kind": "image", "caption": caption, "picture": picture, **fields}


def test_each_hit_says_which_lists_held_it(library):
    document = library.document("apple apple", "pear", figure("A plum", "plum plum"))
    result = search("plum", where=only(document))
    best = result.hits[0]
    assert best.chunk.caption == "A plum"
    assert {name: rank.rank for name, rank in best.sources.items()} == {
        "text": 1,
        "image": 1,
        "keywords": 1,
    }
    # Text: 1, 0 and 0, so sqrt(2) deviations above the mean; the other lists hold one item.
    standard = 0.3 * (2**0.5 + 2) + 0.3 * 2 + 2
    assert best.score == best.fused_score == pytest.approx(standard)
    assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))
    assert result.index_versions == {"text": 1, "image": 1, "keywords": 1}


@pytest.mark.parametrize(
    ("query", "looked_up"),
    [
        ("What is the quick ratio? Round your answer.", "What is the quick ratio? consolidated"),
        ("quick ratio apple", "quick ratio apple"),
    ],
)
def test_a_measure_that_is_asked_for_is_looked_up_by_what_it_is_made_of(
    library, monkeypatch, query, looked_up
):
    asked = []

    def note(text, **_):
        asked.append(text)
        return []

    monkeypatch.setattr("retrieval.keywords.search", note)
    search(query, where=only(library.document("apple")))
    assert asked[0].startswith(looked_up)
    assert (asked[0] == query) == (looked_up == query)


def test_timings_cover_the_stages(library):
    document = library.document("apple")
    timings = search("apple", where=only(document)).timings
    assert {"encode", "text", "image", "keywords", "fuse", "total"} <= timings.keys()
    assert timings["total"] >= timings["encode"] > 0


def test_an_empty_scope_finds_nothing_and_asks_nobody(library, monkeypatch):
    library.document("apple")
    monkeypatch.setattr("retrieval.search.fused", None)
    assert search("apple", where=CandidateFilter(frozenset())).hits == ()
    assert search("  ", where=CandidateFilter(frozenset({1}))).hits == ()


def test_only_allowed_documents_kinds_and_pages(library):
    mine = library.document("apple", {"kind": "table", "text": "apple pie"})
    library.document("apple of others")
    assert set(said(search("apple", where=only(mine)))) == {"apple", "apple pie"}
    assert said(search("apple", where=only(mine, kinds=frozenset({"table"})))) == ["apple pie"]
    assert said(search("apple", where=only(mine, pages=(2, 9)))) == []


def test_an_index_that_lags_behind_shows_nothing_that_is_gone(library, monkeypatch):
    mine, other = library.document("apple"), library.document("apple tart")
    stale = [chunk.pk for chunk in Chunk.objects.all()]
    monkeypatch.setattr(
        vector_search, "search", lambda *a, **kw: [Candidate(pk, 1.0) for pk in [*stale, 10**6]]
    )
    Chunk.objects.filter(document=mine).update(generation=0)
    assert said(search("apple", where=only(mine))) == []
    assert said(search("apple", where=only(mine, other))) == ["apple tart"]


def test_a_source_that_cannot_answer_leaves_the_others_and_a_note(library, monkeypatch):
    document = library.document("apple")

    def fail(*args, **kwargs):
        raise IndexNotReady("it is being rebuilt.")

    monkeypatch.setattr(vector_search, "search", fail)
    result = search("apple", where=only(document))
    assert said(result) == ["apple"]
    assert result.index_versions == {"keywords": 1}
    assert "The text index was not searched: it is being rebuilt." in result.notes


def test_repeated_passages_appear_once(library):
    one = library.document("apple and pear", "apple")
    other = library.document("Apple and Pear.")
    assert len(search("apple", where=only(one, other)).hits) == 2


def test_a_hit_names_the_other_places_that_say_the_same(library):
    one = library.document("apple and pear", "apple")
    other = library.document("Apple and Pear.")
    (hit,) = [hit for hit in search("apple", where=only(one, other)).hits if hit.repeats]
    places = [hit.chunk, *hit.repeats]
    assert {chunk.document_id for chunk in places} == {one.pk, other.pk}
    assert not any(hit.repeats for hit in search("apple", where=only(one)).hits)


def test_weights_can_leave_a_source_out(library):
    document = library.document("apple")
    result = search("apple", where=only(document), weights={"keywords": 0, "image": 0})
    assert result.hits[0].sources.keys() == {"text"}


def test_without_a_reranker_the_fused_order_stands_and_a_note_says_so(library, settings):
    document = library.document("apple", "pear")
    result = search("apple", where=only(document))
    assert result.rerank_model == ""
    assert any(settings.RERANK_MODEL in note for note in result.notes)
    assert search("apple", where=only(document), rerank=False).notes == ()


def test_the_reranker_has_the_last_word(library, settings, monkeypatch):
    save_cross_encoder(settings.MODELS_DIR / settings.RERANK_MODEL)
    monkeypatch.setattr(
        rerank.Reranker, "scores", lambda self, query, passages: [len(p) for p in passages]
    )
    settings.SEARCH_DEFAULTS = {**settings.SEARCH_DEFAULTS, "rerank": 2}
    document = library.document("apple apple apple", "apple and pear and plum", "cherry")
    result = search("apple", where=only(document))
    assert said(result)[:2] == ["apple and pear and plum", "apple apple apple"]
    assert [hit.rerank_score for hit in result.hits] == [23, 17, None]
    assert result.rerank_model == settings.RERANK_MODEL


def test_hits_come_with_document_and_page(library, django_assert_num_queries):
    document = library.document("apple")
    hit = search("apple", where=only(document)).hits[0]
    with django_assert_num_queries(0):
        assert (hit.chunk.document.title, hit.chunk.page.number) == ("A document", 1)


def test_what_hits_do_without_is_neither_read_nor_sorted(library):
    document = library.document("apple on page 1")
    search("apple", where=only(document))
    with CaptureQueriesContext(connection) as made:
        where = scope.allowed(library.collection.owner)
        assert search("apple on page 1", where=where).hits
    statements = [query["sql"] for query in made]
    assert sum('"ingestion_chunk"."text"' in sql for sql in statements) == 1
    assert not any("ORDER BY" in sql and "ingestion_" in sql for sql in statements)
    assert not any(f'"{name}"' in sql for name in ("outline", "crops") for sql in statements)


def test_top_k_cuts_the_list(library):
    document = library.document("apple 1", "apple 2", "apple 3")
    assert len(search("apple", where=only(document), top_k=2).hits) == 2


def test_repeated_passages_do_not_shorten_the_list(library):
    repeated = [library.document("apple apple apple") for _ in range(7)]
    others = library.document("apple pear", "apple plum plum")
    where = only(*repeated, others)
    found = search("apple", where=where, top_k=3, rerank=False)
    assert len({hit.chunk.text for hit in found.hits}) == 3


def test_pictures_found_by_text_about_them_do_not_count_twice(settings, fruit_spaces, request):
    (settings.MODELS_DIR / "pear-eye.safetensors").unlink()
    library = request.getfixturevalue("library")
    where = only(library.document("apple", figure("A plum", "plum plum")))
    found = search("plum", where=where)
    assert set(found.index_versions) == {"text", "keywords"}
    # Complete all the same, so that it is kept in the cache.
    assert caching.is_complete(requests.of_settings(), found.rankings, found.notes)
    alone = search("plum", where=where, weights={"text": 0, "keywords": 0})
    assert set(alone.index_versions) == {"image"}
    assert [hit.chunk.caption for hit in alone.hits] == ["A plum"]
