"""What a conversation asks: chosen things, all of them gone, a program's single question."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from answers import answering, conversations, scope
from answers.models import Conversation, MessageState
from answers.readers import ReaderDelta
from answers.searching import NOTHING_TO_ASK, SOURCES_GONE
from answers.tasks import forget_single_questions
from ingestion.models import Document

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches", "scripted"),
]


@pytest.fixture(autouse=True)
def script(scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text="25 days [1].")])
    return scripted


@pytest.fixture
def api(person) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


@pytest.fixture
def orphan(conversation, document) -> Conversation:
    """A conversation about one document, which was deleted since."""
    conversations.set_scope(conversation, collections=[], documents=[document])
    Document.objects.all().delete()
    return conversation


def test_a_conversation_whose_documents_are_gone_asks_nothing_else(orphan):
    answer = answering.answer_now(orphan, "How much leave?")
    assert (answer.state, answer.error) == (MessageState.FAILED, SOURCES_GONE)


def test_the_page_says_that_they_are_gone_and_asks_before_it_asks_everything(
    orphan, person, client
):
    client.force_login(person)
    page = f"/chat/{orphan.uuid}/"
    assert scope.GONE in client.get(page).content.decode()
    refused = client.post(page, {"question": "How much leave?"})
    assert refused.status_code == 422
    assert SOURCES_GONE in refused.content.decode()
    assert client.post(page, {"question": "How much?", "everything": "1"}).status_code == 302
    orphan.refresh_from_db()
    assert not orphan.is_scoped


def test_programs_are_told_with_a_status_of_their_own(orphan, api):
    for response in (
        api.post("/api/v1/ask/", {"question": "How much leave?"}),
        api.post(f"/api/v1/conversations/{orphan.uuid}/messages/", {"question": "How much?"}),
    ):
        assert response.status_code == 422
        assert response.json()["detail"] in (NOTHING_TO_ASK, SOURCES_GONE)
    assert not orphan.messages.exists()


def test_a_changed_scope_is_remembered_as_one(api, conversation, document):
    path = f"/api/v1/conversations/{conversation.uuid}/"
    for documents, is_scoped in (([str(document.uuid)], True), ([], False)):
        assert api.patch(path, {"documents": documents}, format="json").status_code == 200
        conversation.refresh_from_db()
        assert conversation.is_scoped is is_scoped


def test_a_single_question_is_not_listed_but_can_be_fetched_for_a_day(
    api, document, person, client
):
    answer = api.post("/api/v1/ask/", {"question": "How much leave?"}).json()
    assert api.get("/api/v1/conversations/").json()["count"] == 0
    client.force_login(person)
    assert "How much leave?" not in client.get("/chat/conversations/").content.decode()
    assert api.get(f"/api/v1/messages/{answer['id']}/").status_code == 200

    assert forget_single_questions() == 0
    Conversation.objects.update(updated_at=timezone.now() - timedelta(days=2))
    kept = conversations.create(person)
    Conversation.objects.filter(pk=kept.pk).update(updated_at=timezone.now() - timedelta(days=9))
    assert forget_single_questions() == 1
    assert api.get(f"/api/v1/messages/{answer['id']}/").status_code == 404
    assert Conversation.objects.get() == kept


def test_a_question_can_be_kept_and_gone_on_with(api, document):
    first = api.post("/api/v1/ask/", {"question": "How much leave?", "keep": True}).json()
    assert api.get("/api/v1/conversations/").json()["count"] == 1
    again = {"question": "And in a half year?", "conversation": first["conversation"]}
    second = api.post("/api/v1/ask/", again).json()
    assert second["conversation"] == first["conversation"]
    assert "leave" in second["search_query"]


def test_nobody_goes_on_with_anothers_conversation(api, stranger, document):
    theirs = conversations.create(stranger)
    body = {"question": "How much?", "conversation": str(theirs.uuid)}
    assert api.post("/api/v1/ask/", body).status_code == 422


def test_readers_are_listed_and_chosen_for_a_conversation(api, person, client, settings, document):
    settings.READERS = {
        **settings.READERS,
        "extractive": "answers.readers.extractive.ExtractiveReader",
    }
    assert [one["name"] for one in api.get("/api/v1/readers/").json()] == ["scripted", "extractive"]
    client.force_login(person)
    page = client.get("/chat/").content.decode()
    assert '<option value="extractive">Quotes only</option>' in page

    asked = client.post("/chat/", {"question": "How much leave?", "reader": "extractive"})
    assert asked.status_code == 302
    assert Conversation.objects.get().reader == "extractive"
    refused = client.post("/chat/", {"question": "How much leave?", "reader": "nobody"})
    assert refused.status_code == 422
