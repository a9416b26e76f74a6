import uuid

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from rag_site.accounts import tokens
from tests.retrieval.test_search import figure

SEARCH = "/api/v1/search/"


@pytest.fixture
def owner(library):
    return library.collection.owner


@pytest.fixture
def api(owner) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


def test_a_hit_carries_its_provenance(api, library):
    document = library.document("apple", figure("A plum", "plum", heading_path=["Fruit", "Stone"]))
    answer = api.post(SEARCH, {"query": "plum"}, format="json").json()
    hit = answer["hits"][0]
    assert hit["document"] == {
        "id": str(document.uuid),
        "title": "A document",
        "collection": library.collection.pk,
    }
    assert hit["page"]["number"] == 1
    assert (hit["kind"], hit["caption"], hit["heading_path"]) == (
        "image",
        "A plum",
        ["Fruit", "Stone"],
    )
    assert hit["box"] == [0, 0, 1, 1]
    assert hit["image"].startswith("http://testserver/api/v1/documents/")
    assert hit["sources"]["image"]["rank"] == 1
    assert hit["rerank_score"] is None
    assert answer["index_versions"]["text"] == 1
    assert answer["timings"]["total"] > 0
    assert answer["rerank_model"] == ""
    assert answer["notes"]


def test_pictures_of_hits_open_with_the_token_that_searched(redis_url, owner, library):
    document = library.document(figure("A plum", "plum"))
    name = default_storage.save("plum.png", ContentFile(b"plum"))
    document.chunks.update(image=name)
    document.pages.update(image=name)
    secret = tokens.issue(owner, name="program", scope="read")[1]
    program = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    (hit,) = program.post(SEARCH, {"query": "plum"}, format="json").json()["hits"]
    for address in (hit["image"], hit["page"]["image"]):
        answer = program.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")


def test_more_hits_take_no_more_queries(api, library):
    library.document("apple one", "apple two", figure("An apple", "apple"), "apple three")
    api.post(SEARCH, {"query": "apple"}, format="json")
    counts = []
    for top_k in (1, 4):
        with CaptureQueriesContext(connection) as made:
            answer = api.post(SEARCH, {"query": "apple", "top_k": top_k}, format="json").json()
        assert len(answer["hits"]) == top_k
        counts.append(len(made))
    assert counts[0] == counts[1]


def test_a_hit_says_where_the_same_stands_again(api, library):
    first, second = library.document("apple pie"), library.document("Apple pie.")
    (hit,) = api.post(SEARCH, {"query": "apple pie"}, format="json").json()["hits"]
    (again,) = hit["repeats"]
    assert {hit["document"]["id"], again["document"]["id"]} == {str(first.uuid), str(second.uuid)}
    assert (again["page"], again["box"]) == (1, [0, 0, 1, 1])


def test_filters_go_into_the_search(api, library):
    one, other = library.document("apple"), library.document("apple tart")

    def found(**wanted):
        answer = api.post(SEARCH, {"query": "apple", **wanted}, format="json").json()
        return [hit["text"] for hit in answer["hits"]]

    assert found(documents=[str(one.uuid)]) == ["apple"]
    assert set(found(collections=[library.collection.pk])) == {"apple", "apple tart"}
    assert found(kinds=["table"]) == []
    assert found(pages={"first": 2, "last": 3}) == []
    assert len(found(top_k=1)) == 1
    assert set(found(documents=[str(one.uuid), str(other.uuid)])) == {"apple", "apple tart"}


@pytest.mark.parametrize(
    "choice", [{"documents": []}, {"collections": []}, {"documents": [str(uuid.uuid4())]}]
)
def test_a_choice_of_nothing_finds_nothing(api, library, choice):
    library.document("apple")
    answer = api.post(SEARCH, {"query": "apple", **choice}, format="json")
    assert answer.json()["hits"] == []


def test_others_find_nothing(api, library, django_user_model):
    document = library.document("apple")
    api.force_authenticate(django_user_model.objects.create_user("other"))
    for wanted in ({}, {"documents": [str(document.uuid)]}):
        assert api.post(SEARCH, {"query": "apple", **wanted}, format="json").json()["hits"] == []
    assert APIClient().post(SEARCH, {"query": "apple"}, format="json").status_code == 401


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "query"),
        ({"query": " "}, "query"),
        ({"query": "a", "kinds": ["video"]}, "kinds"),
        ({"query": "a", "top_k": 0}, "top_k"),
        ({"query": "a", "pages": {"first": 3, "last": 2}}, "pages"),
        ({"query": "a", "documents": ["1"]}, "documents"),
    ],
)
def test_what_makes_no_sense_is_named(api, wanted, field):
    answer = api.post(SEARCH, wanted, format="json")
    # Malformed, or well-formed and cannot be done.
    assert (answer.status_code, answer.json()["code"]) in {(400, "invalid"), (422, "refused")}
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])


def test_spaces_are_listed(api, library):
    library.document("apple", figure("A plum", "plum"))
    spaces = {space["name"]: space for space in api.get("/api/v1/spaces/").json()}
    assert spaces.keys() == {"text", "image", "keywords"}
    assert (spaces["text"]["vectors"], spaces["text"]["dimension"]) == (2, 4)
    assert spaces["image"]["model"] == "pear-eye"
    assert (spaces["text"]["index"], spaces["text"]["indexing"]) == ({"type": "flat"}, None)
