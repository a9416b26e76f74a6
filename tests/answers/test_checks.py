"""The check of an answer, kept with it and shown to people and programs."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from answers import answering, turns
from answers.checks import Checks
from answers.readers import ReaderDelta

RIGHT = "They get 25 days of leave per year [1]."
WRONG = "Contoso was founded in 1989 [1]."


def test_the_summary_counts():
    def one(verdict, reason=""):
        return {"verdict": verdict, "reason": reason, "numbers": ["7"], "start": 0, "end": 1}

    checks = Checks.of([one("supported"), one("unsupported", "number"), one("unchecked", "image")])
    assert checks.summary == "1 of 3 statements supported by the cited sources, 1 not checked"
    assert [doubt.why for doubt in checks.doubts] == [
        "Not in the cited sources: 7.",
        "This rests on an image, which only you can check.",
    ]
    assert Checks.of([]).summary == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_url")
def test_a_written_answer_is_checked_marked_and_told_to_programs(
    conversation, searches, scripted, person, client
):
    scripted.script = lambda prompt: iter([ReaderDelta(text=f"{RIGHT} {WRONG}")])
    answer = answering.answer_now(conversation, "How much leave do they get?")

    assert [one["verdict"] for one in answer.checks] == ["supported", "unsupported"]
    html = turns.of_message(answer, person).html
    assert f'<span class="doubted">{WRONG[:-5]}' in html

    client.force_login(person)
    page = client.get(f"/chat/{conversation.uuid}/").content.decode()
    assert "1 of 2 statements supported by the cited sources" in page

    api = APIClient()
    api.force_authenticate(person)
    told = api.get(f"/api/v1/messages/{answer.uuid}/").json()["checks"]
    assert [one["verdict"] for one in told] == ["supported", "unsupported"]
    assert told[1]["explanation"] == "Not in the cited sources: 1989."
    assert told[1]["sources"] == [1]
