import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ingestion.models import Chunk, Document
from tests.retrieval.test_api import SEARCH, api, owner  # noqa: F401
from tests.retrieval.test_search import figure
from tests.retrieval.tiny_models import picture


@pytest.fixture
def ask(api):  # noqa: F811
    def post(**wanted):
        answer = api.post(SEARCH, wanted, format="json")
        assert answer.status_code == 200, answer.json()
        return answer.json()

    return post


def found(answer):
    return [hit["text"] for hit in answer["hits"]]


def test_the_full_form(ask, library):
    library.document("apple apple", "apple pear", {"kind": "table", "text": "apple cherry"})
    answer = ask(
        query="apple",
        sources=[
            {
                "name": "wide",
                "sources": [{"space": "text", "exact": True}, {"space": "keywords", "limit": 5}],
                "fusion": {"method": "dbsf"},
                "final": {"method": "rescore", "space": "text", "limit": 20},
            },
            {
                "space": "text",
                "name": "tables",
                "weight": 2,
                "ef_search": 50,
                "filter": {"must": [{"field": "kind", "eq": "table"}]},
            },
        ],
        fusion={"method": "rrf", "k": 1},
        final=None,
        top_k=2,
        fields=["text", "sources", "vectors"],
        vectors=["text"],
    )
    assert found(answer) == ["apple cherry", "apple apple"]
    best = answer["hits"][0]
    assert best.keys() == {"text", "sources", "vectors"}
    assert best["sources"].keys() == {"text", "keywords", "wide", "tables"}
    assert len(best["vectors"]["text"]) == 4


def test_filters(ask, library):
    one, two = library.document("apple"), library.document("apple pear")
    Document.objects.filter(pk=one.pk).update(tags=["a"], metadata={"day": "2024-05-01"})
    Document.objects.filter(pk=two.pk).update(tags=["b"], metadata={"day": "2023-05-01", "n": 3})

    def with_filter(**conditions):
        return sorted(found(ask(query="apple", filter=conditions)))

    assert with_filter(must=[{"field": "tags", "any": ["a", "c"]}]) == ["apple"]
    assert with_filter(must_not=[{"field": "tags", "eq": "a"}]) == ["apple pear"]
    assert with_filter(must=[{"field": "metadata.day", "gte": "2024-01-01"}]) == ["apple"]
    assert with_filter(must=[{"field": "metadata.n", "exists": True}]) == ["apple pear"]
    assert with_filter(must=[{"field": "document", "eq": str(one.uuid)}]) == ["apple"]
    either = [{"field": "metadata.n", "lt": 4}, {"must": [{"field": "tags", "eq": "a"}]}]
    assert with_filter(should=either) == ["apple", "apple pear"]
    assert with_filter(must=[{"field": "page", "gte": 2}]) == []


def test_a_batch(ask, library):
    library.document("apple", "plum")
    answer = ask(queries=["plum", {"query": "apple"}], top_k=1)
    assert [found(result) for result in answer["results"]] == [["plum"], ["apple"]]


def test_more_like_this(ask, api, library, django_user_model):  # noqa: F811
    library.document(figure("one", "plum"), figure("two", "plum plum"), figure("3", "pear"))
    chosen = Chunk.objects.get(caption="one")
    answer = ask(like=chosen.pk, sources=[{"space": "image"}])
    assert [hit["caption"] for hit in answer["hits"]] == ["two", "3"]
    api.force_authenticate(django_user_model.objects.create_user("other"))
    refused = api.post(SEARCH, {"like": chosen.pk}, format="json")
    assert refused.status_code == 422
    assert "may not see it" in refused.json()["errors"][0]["message"]


def test_a_picture_as_base64_and_as_a_file(api, library, monkeypatch):  # noqa: F811
    from tests.retrieval.fake_models import FRUITS, FruitPictureEmbedder

    library.document(figure("one", "plum"), figure("two", "cherry"))
    asked = []

    def encode(self, images, *, batch_size=16):
        asked.extend(images)
        return self.encode_queries(["cherry" for _ in images]).reshape(-1, len(FRUITS))

    monkeypatch.setattr(FruitPictureEmbedder, "encode_images", encode)
    data = picture("red")
    as_json = {"image": base64.b64encode(data).decode(), "top_k": 1}
    as_form = {"image": SimpleUploadedFile("x.png", data, "image/png"), "top_k": 1}
    for wanted, format_ in ((as_json, "json"), (as_form, "multipart")):
        answer = api.post(SEARCH, wanted, format=format_)
        assert [hit["caption"] for hit in answer.json()["hits"]] == ["two"], answer.json()
    assert asked == [data, data]


def test_a_picture_where_no_model_takes_pictures(api, library, settings):  # noqa: F811
    library.document("apple")
    wanted = {
        "image": base64.b64encode(picture("red")).decode(),
        "sources": [{"space": "text"}, {"space": "keywords"}],
    }
    answer = api.post(SEARCH, wanted, format="json")
    assert answer.status_code == 422
    assert "fruit-1 encodes text only" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wanted", "field", "message"),
    [
        ({"query": "a", "limt": 3}, "limt", "Unknown; there is"),
        ({"query": "a", "queries": ["a"]}, "queries", "one query or several"),
        ({"queries": []}, "queries", "at least 1"),
        ({"queries": [{"query": ""}]}, "queries.0.query", "blank"),
        ({"image": "%%"}, "image", "base64"),
        ({"image": base64.b64encode(b"no picture").decode()}, "image", "cannot be read"),
        ({"query": "a", "sources": []}, "sources", "at least 1"),
        ({"query": "a", "sources": [{"space": "x"}]}, "sources", "no space 'x'"),
        ({"query": "a", "sources": [{"spce": "text"}]}, "sources.0.spce", "Unknown"),
        ({"query": "a", "sources": [{"space": "text", "limit": 0}]}, "sources.0.limit", "1"),
        ({"query": "a", "sources": ["text"]}, "sources.0", "dictionary"),
        ({"query": "a", "sources": [{"sources": [{"space": "text"}]}]}, "sources.0.name", ""),
        ({"query": "a", "fusion": {"method": "magic"}}, "fusion.method", "not a valid choice"),
        ({"query": "a", "fusion": {"alpha": 2}}, "fusion.alpha", "1"),
        ({"query": "a", "final": {"method": "rescore"}}, "final.space", "needs a space"),
        ({"query": "a", "vectors": ["keywords"]}, "vectors", "no space"),
        ({"query": "a", "fields": ["txt"]}, "fields.0", "not a valid choice"),
        (
            {"query": "a", "filter": {"must": [{"field": "size"}]}},
            "filter.must.0.field",
            "no field",
        ),
        ({"query": "a", "filter": {"must": [{"field": "tags"}]}}, "filter.must.0", "Say what"),
        (
            {"query": "a", "filter": {"must": [{"field": "kind", "eq": "video"}]}},
            "filter.must.0",
            "one of text, table, image",
        ),
        (
            {"query": "a", "filter": {"must": [{"field": "metadata.x", "gte": "soon"}]}},
            "filter.must.0.gte",
            "a date as",
        ),
        (
            {"query": "a", "filter": {"must": [{"field": "page", "gte": 1.5}]}},
            "filter.must.0",
            "whole numbers",
        ),
    ],
)
def test_each_mistake_is_named(api, wanted, field, message):  # noqa: F811
    answer = api.post(SEARCH, wanted, format="json")
    # Malformed, or well-formed and cannot be done.
    assert (answer.status_code, answer.json()["code"]) in {(400, "invalid"), (422, "refused")}
    errors = answer.json()["errors"]
    assert any(e["field"].startswith(field) and message in e["message"] for e in errors), errors


def nested(count: int, **fields) -> list[dict]:
    """So many nested stages of two sources each."""
    return [
        {
            "name": f"stage {number}",
            "sources": [{"space": "text", "name": f"{number} {side}"} for side in "ab"],
            **fields,
        }
        for number in range(count)
    ]


READER = {"method": "cross_encoder", "limit": 200}


@pytest.mark.parametrize(
    ("wanted", "field", "message"),
    [
        ({"query": "a", "sources": nested(11)}, "sources", "22 sources; at most 20"),
        ({"query": "a", "sources": nested(2, final=READER)}, "final", "3 stages end"),
        ({"queries": ["a"] * 13, "final": READER}, "queries", "13 queries with 200 passages"),
        (
            {"queries": ["a"] * 13, "sources": nested(1, final=READER), "rerank": False},
            "queries",
            "at most 2560 passages",
        ),
    ],
)
def test_one_request_may_only_cost_so_much(api, wanted, field, message):  # noqa: F811
    answer = api.post(SEARCH, wanted, format="json")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert message in error["message"]


def test_a_full_batch_is_answered_as_the_settings_say(ask, library, settings):
    library.document("apple")
    wanted = {"queries": ["apple"] * 64, "final": {"method": "cross_encoder"}}
    assert len(ask(**wanted)["results"]) == 64
    ask(queries=["apple"] * 13, final=READER, rerank=False)
    ask(query="apple", sources=nested(10), final=READER)


def test_filters_nest_only_so_deep(api):  # noqa: F811
    nested: dict = {"must": []}
    for _ in range(40):
        nested = {"must": [nested]}
    answer = api.post(SEARCH, {"query": "a", "filter": nested}, format="json")
    assert answer.status_code == 422
    assert "Nested too deeply" in answer.json()["errors"][0]["message"]


def test_the_schema_describes_what_nests(capsys):
    from drf_spectacular.generators import SchemaGenerator

    parts = SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]
    fields = parts["SearchRequestRequest"]["properties"]
    assert {"sources", "fusion", "final", "filter", "queries", "fields", "vectors"} <= fields.keys()
    assert fields["sources"]["items"] == {"$ref": "#/components/schemas/SourceOrStageRequest"}
    assert "sources" in parts["StageRequest"]["properties"]
    assert "/retrieval/" not in capsys.readouterr().err
