import os
import subprocess
import sys

import pytest

from ingestion import documents
from ingestion.errors import PermanentError
from ingestion.models import Chunk, Document
from retrieval import caching, keywords, scope, spaces, vector_search
from retrieval.candidates import CandidateFilter, Combined, DocumentIn, KindIn
from retrieval.conditions import Condition, Filter
from retrieval.request import Query, SearchRequest, Source, Stage
from retrieval.search import search
from tests.retrieval.conftest import only
from tests.retrieval.fake_models import FruitEmbedder
from tests.retrieval.test_search import said


@pytest.fixture
def kept(settings, redis_cache, library):
    """The library with a cache in a real Redis, and how often an index was searched."""
    settings.SEARCH_CACHE_SECONDS = 60
    return library


@pytest.fixture
def asked_indexes(monkeypatch):
    counted = []
    real = vector_search.search

    def counting(version, *args, **fields):
        counted.append(version.space)
        return real(version, *args, **fields)

    monkeypatch.setattr(vector_search, "search", counting)
    return counted


def test_the_same_search_again_asks_no_index(kept, asked_indexes):
    document = kept.document("apple", "apple pear")
    first = search("apple", where=only(document))
    asked_indexes.clear()
    again = search("apple", where=only(document))
    assert asked_indexes == []
    assert again.hits == first.hits
    assert (again.notes, again.index_versions) == (first.notes, first.index_versions)
    assert "cache" in again.timings
    search("apple", where=only(document), use_cache=False)
    assert asked_indexes


def test_places_that_say_the_same_are_kept_with_the_hit(kept):
    where = only(kept.document("apple and pear"), kept.document("Apple and Pear."))
    first, again = search("apple", where=where), search("apple", where=where)
    assert [len(hit.repeats) for hit in first.hits] == [1]
    assert again.hits == first.hits


def test_nothing_stale_is_served(kept):
    document = kept.document("apple")
    where = only(document)
    assert said(search("apple", where=where)) == ["apple"]
    kept.parse(document, "apple pie")
    assert said(search("apple", where=where)) == ["apple pie"]
    other = kept.document("apple tart")
    both = only(document, other)
    assert set(said(search("apple", where=both))) == {"apple pie", "apple tart"}
    documents.delete(other)
    assert said(search("apple", where=both)) == ["apple pie"]


def test_what_the_person_may_see_is_part_of_the_key(kept, django_user_model):
    document = kept.document("apple")
    owner, stranger = kept.collection.owner, django_user_model.objects.create_user("x")
    assert said(search("apple", where=scope.allowed(owner))) == ["apple"]
    assert said(search("apple", where=scope.allowed(stranger))) == []
    assert said(search("apple", where=only(document, kinds=frozenset({"table"})))) == []
    assert said(search("apple", where=only(document), top_k=1)) == ["apple"]


def test_a_chunk_that_may_not_be_shown_any_more_is_searched_for_anew(kept):
    document = kept.document("apple", "apple pear")
    assert len(search("apple", where=only(document)).hits) == 2
    # Without a new revision, as no part of the product does it.
    Chunk.objects.filter(text="apple pear").update(generation=99)
    assert said(search("apple", where=only(document))) == ["apple"]


def test_a_rolled_back_space_is_another_index(kept, settings, asked_indexes):
    document = kept.document("apple")
    search("apple", where=only(document))
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.build_version(spaces.begin_version("text"))
    asked_indexes.clear()
    assert search("apple", where=only(document)).index_versions["text"] == 2
    assert "text" in asked_indexes
    spaces.roll_back("text")
    assert search("apple", where=only(document)).index_versions["text"] == 1


def test_half_an_answer_is_not_kept(kept, monkeypatch, asked_indexes):
    document = kept.document("apple")
    with monkeypatch.context() as broken:
        broken.setattr(keywords, "search", lambda *a, **f: (_ for _ in ()).throw(Away("gone.")))
        assert "keywords" not in search("apple", where=only(document)).index_versions
    assert "keywords" in search("apple", where=only(document)).index_versions


class Away(PermanentError):
    pass


def test_a_source_filter_on_tags_sees_them_change(kept):
    document = kept.document("apple")
    tagged = Filter(must=(Condition("tags", any=("a",)),))
    request = SearchRequest(Stage((Source("text", filter=tagged),)))
    assert said(search("apple", where=only(document), request=request)) == []
    Document.objects.filter(pk=document.pk).update(tags=["a"])
    assert said(search("apple", where=only(document), request=request)) == ["apple"]


def test_a_query_is_encoded_once_for_all_scopes(kept, monkeypatch):
    one, other = kept.document("apple"), kept.document("pear")
    calls = []
    real = FruitEmbedder.encode_queries

    def encode(self, texts):
        calls.append(texts)
        return real(self, texts)

    monkeypatch.setattr(FruitEmbedder, "encode_queries", encode)
    search("plum", where=only(one))
    first = len(calls)
    assert search("plum", where=only(other)).hits
    assert len(calls) == first


def test_without_redis_searches_go_on(library, settings):
    settings.SEARCH_CACHE_SECONDS = 60
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:9/0",
        }
    }
    document = library.document("apple")
    assert said(search("apple", where=only(document))) == ["apple"]


def test_keys_are_the_same_in_every_process():
    where = CandidateFilter(
        frozenset(range(50)),
        frozenset({"text", "table", "image"}),
        terms=(Combined(must=(KindIn(frozenset({"table", "text"})), DocumentIn(frozenset({3})))),),
    )
    here = caching._canonical((Query("x", b"image"), where))
    code = (
        "from retrieval import caching; from retrieval.candidates import *; "
        "from retrieval.request import Query\n"
        "where = CandidateFilter(frozenset(range(50)), frozenset({'image', 'table', 'text'}), "
        "terms=(Combined(must=(KindIn(frozenset({'text', 'table'})), "
        "DocumentIn(frozenset({3})))),))\n"
        "print(caching._canonical((Query('x', b'image'), where)))"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == here
