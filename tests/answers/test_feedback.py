from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from answers import answering, feedback
from answers.models import Feedback, Message, MessageState
from answers.readers import ReaderDelta
from ingestion.errors import PermanentError
from ingestion.models import Document
from retrieval import questions
from retrieval.models import QuestionSet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches"),
]

SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def answer(conversation, scripted) -> Message:
    scripted.script = lambda prompt: iter([ReaderDelta(text="They get 25 days of leave [1].")])
    return answering.answer_now(conversation, "How much leave?")


@pytest.fixture
def me(client, person):
    client.force_login(person)
    return client


def test_a_verdict_is_asked_why_and_can_be_changed_and_taken_back(me, person, answer):
    url = reverse("answers:feedback", args=[answer.uuid])
    asked = me.post(url, {"verdict": "bad"}, headers=SCRIPT).content.decode()
    assert "What is wrong with it?" in asked
    assert "The sources do not say it" in asked
    said = {"verdict": "bad", "reason": "incomplete", "comment": " And Peru? ", "is_final": "1"}
    assert "What is wrong" not in me.post(url, said, headers=SCRIPT).content.decode()
    given = Feedback.objects.get()
    assert (given.user, given.verdict, given.reason) == (person, "bad", "incomplete")
    assert given.comment == "And Peru?"
    page = me.get(reverse("answers:conversation", args=[answer.conversation.uuid]))
    assert "Something is missing" in page.content.decode()
    why = me.post(url, {"verdict": "good"}, headers=SCRIPT).content.decode()
    assert "What was good about it?" in why
    assert Feedback.objects.get().verdict == "good"
    me.post(url, {"verdict": "good"}, headers=SCRIPT)
    assert not Feedback.objects.exists()


def test_nonsense_is_refused(me, answer, person):
    url = reverse("answers:feedback", args=[answer.uuid])
    assert "could not be noted" in me.post(url, {"verdict": "?"}, headers=SCRIPT).content.decode()
    opposite = {"verdict": "good", "reason": "wrong", "is_final": "1"}
    assert "does not go with" in me.post(url, opposite, headers=SCRIPT).content.decode()
    answer.state = MessageState.STREAMING
    with pytest.raises(PermanentError, match="Wait"):
        feedback.give(answer, person, verdict="good")
    assert not Feedback.objects.exists()


def test_only_ones_own_answers_are_judged(client, answer, stranger):
    client.force_login(stranger)
    url = reverse("answers:feedback", args=[answer.uuid])
    assert client.post(url, {"verdict": "good"}).status_code == 404
    api = f"/api/v1/messages/{answer.uuid}/feedback/"
    assert client.put(api, {"verdict": "good"}, content_type="application/json").status_code == 404


def test_the_same_over_the_api(me, answer):
    url = f"/api/v1/messages/{answer.uuid}/feedback/"
    assert me.get(url).status_code == 404

    def put(**said: str):
        return me.put(url, said, content_type="application/json")

    assert put(verdict="good", reason="right").json()["reason"] == "right"
    assert put(verdict="bad", comment="No.").json()["verdict"] == "bad"
    assert put(verdict="good", reason="wrong").status_code == 422
    assert put(verdict="so-so").status_code == 400
    assert me.get(url).json()["comment"] == "No."
    assert me.delete(url).status_code == 204
    assert not Feedback.objects.exists()


def test_good_answers_become_questions_with_gold_pages(answer, person, document, tmp_path):
    feedback.give(answer, person, verdict="good")
    bad = answering.answer_again(answer.question, wait=True)
    feedback.give(bad, person, verdict="bad")
    printed = StringIO()
    call_command("export_feedback", stdout=printed)
    (record,) = [json.loads(line) for line in printed.getvalue().splitlines()]
    assert record["question"] == "How much leave?"
    assert (record["doc"], record["gold_pages"]) == ("handbook.pdf", [1])
    assert record["document"] == str(document.uuid)
    call_command("export_feedback", output=tmp_path / "set.jsonl", stderr=StringIO())
    assert json.loads((tmp_path / "set.jsonl").read_text()) == record
    for _ in range(2):
        call_command("export_feedback", set="Good ones", stdout=StringIO(), stderr=StringIO())
    (question,) = QuestionSet.objects.get(name="Good ones").questions.all()
    assert (question.text, question.document, question.pages) == ("How much leave?", document, [1])
    assert question.boxes == record["gold_boxes"] == [[1, 50, 140, 400, 155]]
    lines = [json.dumps(record)]
    again = QuestionSet.objects.create(name="Again")
    assert questions.import_lines(again, lines, documents=Document.objects.all()).taken == 1
    document.delete()
    assert list(feedback.judged(Feedback.objects.all())) == []


def test_staff_see_what_people_think(admin_client, answer, person):
    feedback.give(answer, person, verdict="bad", comment="Not for contractors")
    page = admin_client.get(reverse("admin:answers_feedback_changelist")).content.decode()
    assert "Not for contractors" in page
    feedback.give(answer, person, verdict="good")
    chosen = {"action": "add_to_question_set", "_selected_action": [Feedback.objects.get().pk]}
    admin_client.post(reverse("admin:answers_feedback_changelist"), chosen)
    assert QuestionSet.objects.get().questions.get().text == "How much leave?"
    assert "How much leave?" in page
