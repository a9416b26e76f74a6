from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from rest_framework.test import APIClient

from answers import answering, events
from answers.models import Conversation, Message, MessageState
from answers.readers import ReaderDelta
from ingestion.errors import TransientError
from ingestion.models import Collection, Document
from rag_site.accounts import tokens
from tests.answers.conftest import queries_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches", "scripted"),
]

API = "/api/v1"
ANSWER = "They get 25 days of leave [1]."


@pytest.fixture
def token(person) -> str:
    return f"Token {tokens.issue(person, name='test', scope='write')[1]}"


@pytest.fixture
def api(token) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=token)


@pytest.fixture(autouse=True)
def script(scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text=ANSWER)])
    return scripted


def broken(prompt):
    raise TransientError("The model is overloaded.")
    yield


def ask(api: APIClient, question: str = "How much leave?", **asked: Any):
    return api.post(f"{API}/ask/", {"question": question, **asked})


def stream(token: str, method: str, path: str, body: Any = None, **headers: str) -> list[dict]:
    """The events of a streamed response."""

    async def read() -> str:
        client = AsyncClient()
        response = await client.generic(
            method,
            f"{API}{path}",
            json.dumps(body) if body else "",
            content_type="application/json",
            headers={"Authorization": token, **headers},
        )
        assert response.status_code == 200, response.content
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        return b"".join([part async for part in response.streaming_content]).decode()

    found = []
    for frame in async_to_sync(read)().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if line)
        if "event" in fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


# --- Asking -------------------------------------------------------------------------------------


def test_an_answer_comes_with_its_citations(api, document):
    response = ask(api)
    assert response.status_code == 200
    answer = response.json()
    assert answer["answer"] == ANSWER
    assert (answer["state"], answer["reader"], answer["grounded"]) == ("done", "scripted", True)
    assert answer["index_versions"] == {"text": 3}
    assert answer["timings"]["total"] > 0
    assert [citation["number"] for citation in answer["citations"]] == [1, 2, 3]
    cited = answer["citations"][0]
    assert cited["cited"]
    assert (cited["document"], cited["document_title"]) == (str(document.uuid), "Handbook")
    assert (cited["page"], cited["page_label"], cited["kind"]) == (1, "1a", "text")
    assert (cited["page_width"], cited["page_height"]) == (612, 792)
    assert cited["quotes"] == ["Employees get 25 days of leave per year."]
    assert cited["boxes"] == [{"page": 1, "box": [50, 140, 400, 155]}]
    assert cited["scores"]["sources"]["text"] == {"rank": 1, "score": 0.5}
    assert cited["urls"]["document"].startswith("http://testserver/documents/")
    assert cited["urls"]["crop"] == ""


def test_the_images_of_a_citation_can_be_fetched_with_the_token(api, client):
    urls = ask(api).json()["citations"][1]["urls"]
    for name in ("crop", "page_image"):
        response = api.get(urls[name])
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/jpeg"
        assert client.get(urls[name]).status_code == 401


def test_only_what_is_chosen_is_asked(api, document, searches):
    ask(api, documents=[str(document.uuid)], collections=[document.collection_id])
    conversation = Conversation.objects.get()
    assert list(conversation.documents.all()) == [document]
    assert list(conversation.collections.all()) == [document.collection]
    assert searches[0][1].document_ids == {document.pk}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "question"),
        ({"question": " "}, "question"),
        ({"question": "x" * 8001}, "question"),
        ({"question": "Why?", "reader": "nobody"}, "reader"),
        ({"question": "Why?", "documents": [str(uuid4())]}, "documents"),
        ({"question": "Why?", "documents": ["x"]}, "documents"),
        ({"question": "Why?", "collections": [999]}, "collections"),
    ],
)
def test_a_bad_question_is_refused_with_the_field_that_is_wrong(api, body, field):
    response = api.post(f"{API}/ask/", body)
    # Malformed, or well-formed and cannot be done.
    assert (response.status_code, response.json()["code"]) in {(400, "invalid"), (422, "refused")}
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [error["field"].split(".")[0] for error in response.json()["errors"]] == [field]
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_question_leaves_nothing_behind(api, document, settings, stream):
    place = {"document": str(document.uuid), "page": 1, "box": [40, 135, 450, 160]}
    too_many = ask(api, keep=True, stream=stream, regions=[place] * 5)
    assert too_many.status_code == 422
    reachable, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    assert ask(api, keep=True, stream=stream).status_code == 503
    settings.REDIS_URL = reachable
    Document.objects.all().delete()
    assert ask(api, keep=True, stream=stream).status_code == 422
    assert not Conversation.objects.exists()


def test_nobody_asks_what_they_may_not_read(api, document, stranger):
    Collection.objects.update(owner=stranger)
    assert ask(api, documents=[str(document.uuid)]).status_code == 422
    assert ask(api, collections=[document.collection_id]).status_code == 422


def test_a_failed_answer_is_an_error_and_keeps_its_evidence(api, script):
    script.script = broken
    response = ask(api, keep=True)
    assert response.status_code == 502
    problem = response.json()
    assert (problem["code"], problem["detail"]) == ("answer_failed", "The model is overloaded.")
    conversation = api.get(f"{API}/conversations/").json()["results"][0]
    listed = api.get(f"{API}/conversations/{conversation['id']}/messages/").json()["results"]
    assert (listed[1]["state"], len(listed[1]["citations"])) == ("failed", 3)


def test_many_messages_take_as_few_queries_as_two(api, conversation, document):
    region = {"document": str(document.uuid), "page": 1, "box": [50, 100, 400, 300]}
    path = f"{API}/conversations/{conversation.uuid}/messages/"
    for place in ([region], []):
        api.post(path, {"question": "How much leave?", "regions": place}, format="json")
    few = queries_of(lambda: api.get(path))
    for _ in range(3):
        answering.answer_now(conversation, "And how much leave is there now?")
    assert queries_of(lambda: api.get(path)) == few


def test_without_a_token_nothing_is_told(client, conversation):
    for path in ("/conversations/", f"/conversations/{conversation.uuid}/messages/"):
        assert client.get(f"{API}{path}").status_code == 401
    assert client.post(f"{API}/ask/", {"question": "Why?"}).status_code == 401


# --- Streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers"),
    [({"stream": True}, {}), ({}, {"Accept": "text/event-stream"})],
)
def test_an_answer_streams(token, body, headers):
    found = stream(token, "POST", "/ask/", {"question": "How much leave?", **body}, **headers)
    assert [event["event"] for event in found] == [
        *("stage", "stage", "evidence", "stage", "delta", "done")
    ]
    assert found[2]["data"]["count"] == len(found[2]["data"]["citations"]) == 3
    assert found[4]["data"] == {"text": ANSWER}
    assert found[5]["data"]["answer"] == ANSWER
    assert found[5]["data"]["citations"][0]["cited"]
    again = stream(
        token,
        "GET",
        f"/messages/{found[5]['data']['id']}/events/",
        **{"Last-Event-ID": found[3]["id"], "Accept": "text/event-stream"},
    )
    assert [event["event"] for event in again] == ["delta", "done"]
    assert [event["id"] for event in again] == [event["id"] for event in found[4:]]


def test_a_stream_ends_also_where_its_answer_is_deleted(token, script):
    def deleted_meanwhile(prompt):
        yield ReaderDelta(text="They get")
        Conversation.objects.all().delete()

    script.script = deleted_meanwhile
    found = stream(token, "POST", "/ask/", {"question": "How much leave?", "stream": True})
    assert found[-1]["event"] in ("done", "stopped", "failed")
    assert found[-1]["data"] == {"error": events.DELETED}


def test_a_stream_ends_with_what_went_wrong(token, script):
    script.script = broken
    end = stream(token, "POST", "/ask/", {"question": "Why?", "stream": True})[-1]
    assert (end["event"], end["data"]["error"]) == ("failed", "The model is overloaded.")
    assert len(end["data"]["citations"]) == 3


def test_a_bad_question_for_a_stream_is_refused_in_json(api):
    response = api.post(f"{API}/ask/", {}, headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.headers["Content-Type"]) == (
        400,
        "application/problem+json",
    )


# --- Conversations ------------------------------------------------------------------------------


def test_the_life_of_a_conversation(api, document):
    created = api.post(
        f"{API}/conversations/", {"title": "Leave", "documents": [str(document.uuid)]}
    )
    assert created.status_code == 201
    conversation = created.json()
    assert (conversation["title"], conversation["documents"]) == ("Leave", [str(document.uuid)])
    assert conversation["collections"] == []
    path = f"{API}/conversations/{conversation['id']}/"
    answer = api.post(f"{path}messages/", {"question": "How much?"}).json()
    assert answer["conversation"] == conversation["id"]
    messages = api.get(f"{path}messages/").json()
    assert [message["role"] for message in messages["results"]] == ["user", "assistant"]
    assert messages["results"][1]["question"] == messages["results"][0]["id"]
    assert api.get(f"{API}/messages/{answer['id']}/").json()["content"] == ANSWER
    renamed = api.patch(path, {"title": "Holidays", "documents": []}).json()
    assert (renamed["title"], renamed["documents"]) == ("Holidays", [])
    assert [one["title"] for one in api.get(f"{API}/conversations/").json()["results"]] == [
        "Holidays"
    ]
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert not Message.objects.exists()


def test_a_conversation_is_its_owners_alone(api, conversation, stranger):
    answer = answering.answer_now(conversation, "How much leave?")
    crop = answer.citations.get(number=2)
    Conversation.objects.update(owner=stranger)
    assert api.get(f"{API}/conversations/").json()["results"] == []
    for method, path in (
        ("get", f"/conversations/{conversation.uuid}/"),
        ("patch", f"/conversations/{conversation.uuid}/"),
        ("delete", f"/conversations/{conversation.uuid}/"),
        ("get", f"/conversations/{conversation.uuid}/messages/"),
        ("post", f"/conversations/{conversation.uuid}/messages/"),
        ("get", f"/messages/{answer.uuid}/"),
        ("get", f"/messages/{answer.uuid}/events/"),
        ("post", f"/messages/{answer.uuid}/stop/"),
        ("post", f"/messages/{answer.uuid}/again/"),
        ("post", f"/messages/{answer.uuid}/show/"),
        ("post", f"/messages/{answer.question.uuid}/edit/"),
        ("get", f"/citations/{crop.pk}/crop/"),
        ("get", f"/citations/{crop.pk}/page-image/"),
    ):
        response = getattr(api, method)(f"{API}{path}", {"question": "Why?"})
        assert response.status_code == 404, path
        assert response.json()["code"] == "not_found"


def test_another_answer_and_an_edited_question_branch_off(api, script):
    first = ask(api).json()
    messages = f"{API}/conversations/{first['conversation']}/messages/"
    follow_up = api.post(messages, {"question": "And in Peru?"}).json()
    script.script = lambda prompt: iter([ReaderDelta(text="Twenty-five [1].")])
    again = api.post(f"{API}/messages/{first['id']}/again/").json()
    assert (again["answer"], again["question"]) == ("Twenty-five [1].", first["question"])
    edited = api.post(f"{API}/messages/{follow_up['question']}/edit/", {"question": "In Chile?"})
    assert edited.status_code == 200

    def listed(query: str = "") -> list[str]:
        return [one["content"] for one in api.get(messages + query).json()["results"]]

    assert listed() == ["How much leave?", ANSWER, "In Chile?", "Twenty-five [1]."]
    assert len(listed("?branches=all")) == 7
    assert api.post(f"{API}/messages/{follow_up['id']}/show/").status_code == 204
    assert listed() == ["How much leave?", ANSWER, "And in Peru?", ANSWER]
    on_the_other = api.post(messages, {"question": "Really?", "follows": again["id"]}).json()
    question = api.get(f"{API}/messages/{on_the_other['question']}/").json()
    assert question["follows"] == again["id"]
    assert listed() == ["How much leave?", *["Twenty-five [1].", "Really?"], "Twenty-five [1]."]


def test_only_questions_are_edited_and_only_ones_own_answers_followed(api, conversation, stranger):
    answer = answering.answer_now(conversation, "How much leave?")
    assert api.post(f"{API}/messages/{answer.uuid}/edit/", {"question": "Why?"}).status_code == 404
    assert api.post(f"{API}/messages/{answer.question.uuid}/again/").status_code == 404
    edit = f"{API}/messages/{answer.question.uuid}/edit/"
    assert api.post(edit, {"question": " "}).status_code == 400
    other = answering.answer_now(Conversation.objects.create(owner=stranger), "Mine?")
    messages = f"{API}/conversations/{conversation.uuid}/messages/"
    for follows in (other.uuid, answer.question.uuid):
        refused = api.post(messages, {"question": "Why?", "follows": str(follows)})
        assert refused.json()["errors"][0]["field"] == "follows"


def test_an_answer_can_be_stopped(api, conversation):
    answer = Message.objects.create(
        conversation=conversation, role="assistant", state=MessageState.STREAMING
    )
    assert api.post(f"{API}/messages/{answer.uuid}/stop/").status_code == 204
    answer.refresh_from_db()
    assert answer.state == MessageState.STOPPED


def test_a_removed_source_stays_and_a_forbidden_one_is_hidden(api, document, stranger):
    path = f"{API}/messages/{ask(api).json()['id']}/"
    Collection.objects.update(owner=stranger)
    hidden = api.get(path).json()["citations"][0]
    assert (hidden["hidden"], hidden["text"], hidden["boxes"]) == (True, "", [])
    assert hidden["urls"] == {"document": "", "page_image": "", "crop": ""}
    Collection.objects.update(owner=Conversation.objects.get().owner)
    document.delete()
    removed = api.get(path).json()["citations"][0]
    assert (removed["source_removed"], removed["document"]) == (True, None)
    assert removed["text"].startswith("Contoso")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/ask/", {"question": "How much?", "colections": [1]}, "colections"),
        ("/ask/", {"question": "How much?", "regions": [{"pag": 1}]}, "regions.0.pag"),
        ("/conversations/", {"titel": "Leave"}, "titel"),
    ],
)
def test_a_misspelt_field_is_refused_and_named(api, path, body, field):
    refused = api.post(f"{API}{path}", body, format="json")
    assert refused.status_code == 400
    assert field in [error["field"] for error in refused.json()["errors"]]
    assert not Conversation.objects.exists()
