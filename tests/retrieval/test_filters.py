"""The same filter means the same in every index: vectors, keywords, and row by row."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval import scope
from retrieval.candidates import CandidateFilter, Combined, DocumentIn, KindIn, PagesBetween
from retrieval.conditions import Condition, Filter
from retrieval.keyword_index import KeywordEntry, KeywordIndex
from retrieval.rows import Rows

leaves = st.one_of(
    st.frozensets(st.integers(1, 6), max_size=4).map(DocumentIn),
    st.frozensets(st.sampled_from(["text", "table", "image"]), max_size=2).map(KindIn),
    st.builds(PagesBetween, st.integers(0, 9), st.integers(0, 9)),
)
some = st.lists(st.deferred(lambda: terms), max_size=2).map(tuple)
terms: st.SearchStrategy = st.deferred(
    lambda: st.one_of(leaves, leaves, st.builds(Combined, some, some, some))
)


@pytest.fixture(scope="module")
def entries():
    dice = random.Random(7)
    kinds = ("text", "table", "image")
    return [
        (number, dice.randint(1, 6), dice.choice(kinds), dice.randint(1, 9))
        for number in range(1, 121)
    ]


@pytest.fixture(scope="module")
def keyword_index(entries, tmp_path_factory):
    index = KeywordIndex.create(tmp_path_factory.mktemp("keywords"))
    rows = [
        KeywordEntry(chunk, document, kind, page, "apple")
        for chunk, document, kind, page in entries
    ]
    index.replace([], rows, revision=1)
    return index


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(ids=st.frozensets(st.integers(1, 6), min_size=1), wanted=st.lists(terms, max_size=2))
def test_every_index_lets_through_the_same(entries, keyword_index, ids, wanted):
    where = CandidateFilter(ids, terms=tuple(wanted))
    expected = {entry[0] for entry in entries if where.admits(*entry[1:])}
    rows = Rows.of(entries)
    assert set(rows.chunks[rows.allowed(where)].tolist()) == expected
    found = keyword_index.search("apple", limit=1000, where=where)
    assert {candidate.chunk_id for candidate in found} == expected


@pytest.mark.parametrize(
    ("condition", "value", "met"),
    [
        ({"any": ("Annual",)}, "annual", True),
        ({"any": (1,)}, True, False),
        ({"any": (1,)}, 1.0, True),
        ({"any": ("a", "b")}, ["c", "b"], True),
        ({"any": ("a",)}, None, False),
        ({"bounds": (("gte", 2020),)}, 2020, True),
        ({"bounds": (("gt", 2020), ("lt", 2022))}, 2022, False),
        ({"bounds": (("lte", 2020),)}, "abc", False),
        ({"bounds": (("lte", 2020),)}, "2019", False),
        ({"bounds": (("gte", "2023-01-01"),)}, "2023-06-30T10:00:00+02:00", True),
        ({"bounds": (("lte", "2023-06-30"),)}, "2023-06-30T10:00:00Z", True),
        ({"bounds": (("gt", "2023-06-30"),)}, "2023-06-30T10:00:00Z", False),
        ({"bounds": (("lt", "2023-06-30T09:00:00Z"),)}, "2023-06-30", True),
        ({"bounds": (("lt", "2023-06-30"),)}, 5, False),
        ({"exists": True}, "", False),
        ({"exists": True}, [0], True),
        ({"exists": False}, None, True),
        ({"exists": False, "any": ("a",)}, "a", False),
    ],
)
def test_conditions_compare_like_with_like(condition, value, met):
    assert Condition("metadata.x", **condition).met_by(value) is met


def test_document_fields_become_documents(library):
    one, two = library.document("apple"), library.document("apple")
    library.document("apple")
    type(one).objects.filter(pk=one.pk).update(tags=["Finance"], metadata={"year": 2021})
    type(one).objects.filter(pk=two.pk).update(tags=["legal"], metadata={"year": "2021"})
    owner = library.collection.owner

    def documents(**fields):
        where = scope.allowed(owner, filters=Filter(must=(Condition(**fields),)))
        return {pk for pk in where.document_ids if where.admits(pk, "text", 1)}

    assert documents(field="tags", any=("finance",)) == {one.pk}
    assert documents(field="tags", any=("finance", "legal")) == {one.pk, two.pk}
    assert documents(field="metadata.year", bounds=(("gte", 2020),)) == {one.pk}
    assert documents(field="document", any=(str(two.uuid),)) == {two.pk}
    assert len(documents(field="collection", any=(library.collection.pk,))) == 3
    assert documents(field="collection", any=(-1,)) == set()


def test_a_filter_never_widens_what_a_person_may_read(library, django_user_model):
    document = library.document("apple")
    other = django_user_model.objects.create_user("other")
    filters = Filter(should=(Condition("document", any=(str(document.uuid),)),))
    assert scope.allowed(other, filters=filters).finds_nothing


@pytest.mark.parametrize(
    ("condition", "pages"),
    [
        (Condition("page", bounds=(("gte", 3), ("lte", 5))), {3, 4, 5}),
        (Condition("page", bounds=(("gt", 3), ("lt", 5))), {4}),
        (Condition("page", bounds=(("gt", 5), ("lt", 3))), set()),
        (Condition("page", any=(2, 7)), {2, 7}),
        (Condition("page", any=(2, 7), bounds=(("gte", 3),)), {7}),
    ],
)
def test_pages(condition, pages):
    where = scope.narrowed(CandidateFilter(frozenset({1})), Filter(must=(condition,)))
    assert {page for page in range(1, 10) if where.admits(1, "text", page)} == pages


def test_recall_is_exact_under_a_filter_that_keeps_one_row_in_a_thousand():
    from retrieval.faiss_index import VectorIndex
    from retrieval.index_plan import IndexPlan

    dice = np.random.default_rng(3)
    vectors = dice.standard_normal((20_000, 16)).astype(np.float32)
    index = VectorIndex.empty(IndexPlan("hnsw", m=8, ef_construction=20), dimension=16, metric="l2")
    index.add(vectors)
    rows = Rows.of([(n + 1, n // 20 + 1, "text", 1) for n in range(20_000)])
    allowed = rows.allowed(CandidateFilter(frozenset({77}), terms=(PagesBetween(1, 1),)))
    for query in dice.standard_normal((20, 16)).astype(np.float32):
        numbers, _ = index.search(query, limit=10, allowed=allowed)
        distances = ((vectors - query) ** 2).sum(axis=1)
        distances[~allowed] = np.inf
        assert numbers.tolist() == np.argsort(distances)[:10].tolist()
