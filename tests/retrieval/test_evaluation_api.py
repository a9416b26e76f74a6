"""Question sets and runs over REST: staff alone, and every line that is not taken says why."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from retrieval import background, spaces, tasks
from retrieval.models import SpaceVersion
from tests.retrieval.test_evaluation import fruits, question_set  # noqa: F401  (fixtures)

pytestmark = pytest.mark.django_db
API = "/api/v1/evaluation"
APPLE = {"question": "apple", "document": "fruits.pdf", "pages": [1], "kind": "text"}


@pytest.fixture
def staff(client, redis_cache):
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


def post(client, path: str, body: dict):
    return client.post(f"{API}/{path}/", body, content_type="application/json")


def test_questions_are_added_and_the_rest_is_named(staff, fruits) -> None:  # noqa: F811
    lost = {**APPLE, "document": "nowhere.pdf"}
    added = post(staff, "sets", {"name": "fruits", "questions": [APPLE, lost]})
    assert added.status_code == 201
    assert added.json()["questions"] == 1
    assert len(added.json()["left_out"]) == 1
    assert "nowhere.pdf" in added.json()["left_out"][0]
    listed = staff.get(f"{API}/sets/").json()["results"]
    assert [(each["name"], each["questions"]) for each in listed] == [("fruits", 1)]


def test_a_run_is_begun_made_and_reported(staff, question_set, monkeypatch) -> None:  # noqa: F811
    asked: list[tuple] = []
    monkeypatch.setattr(background, "request", lambda *task: asked.append(task))
    begun = post(staff, "runs", {"set": question_set.pk})
    assert (begun.status_code, begun.json()["state"]) == (202, "queued")
    pk = begun.json()["id"]
    assert asked == [("run_evaluation", pk)]
    tasks.run_evaluation(pk)
    run = staff.get(f"{API}/runs/{pk}/").json()
    assert (run["state"], run["profiles"]) == ("done", [""])
    assert run["report"]["sides"][0]["levels"]["page"]["recall@1"]["mean"] == 1


def test_what_cannot_be_measured_is_refused(staff, question_set) -> None:  # noqa: F811
    assert post(staff, "runs", {"set": 999}).status_code == 422
    unknown = post(staff, "runs", {"set": question_set.pk, "profiles": ["no such"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "profiles")
    assert post(staff, "sets", {"name": "x", "questions": []}).status_code == 400
    lost = post(staff, "sets", {"name": "x", "questions": [{**APPLE, "document": "lost.pdf"}]})
    assert (lost.status_code, "lost.pdf" in lost.json()["detail"]) == (422, True)
    assert staff.get(f"{API}/sets/").json()["count"] == 1
    question_set.questions.all().delete()
    bare = post(staff, "runs", {"set": question_set.pk})
    assert (bare.status_code, bare.json()["code"]) == (422, "no_questions")
    assert staff.get(f"{API}/runs/").json()["count"] == 0


def test_only_staff_may(client, question_set, redis_cache) -> None:  # noqa: F811
    client.force_login(get_user_model().objects.create_user("ann"))
    for path in ("sets", "runs"):
        assert client.get(f"{API}/{path}/").status_code == 403
        assert post(client, path, {"set": question_set.pk}).status_code == 403


def test_a_version_that_waits_is_compared_and_activated(staff, question_set, settings) -> None:  # noqa: F811
    settings.SPACES["text"]["model"] = "fruit-2"
    versions = "/api/v1/spaces/text/versions/"
    begun = staff.post(versions, {"waits": True}, content_type="application/json").json()
    wanted = {"set": question_set.pk, "version": begun["id"]}
    assert post(staff, "runs", wanted).status_code == 422
    assert spaces.build_version(SpaceVersion.objects.get(pk=begun["id"]))
    run = post(staff, "runs", wanted)
    assert run.status_code == 202
    assert run.json()["profiles"] == ["text v1 (fruit-1)", "text v2 (fruit-2)"]
    done = staff.post(f"{versions}2/activate/").json()
    assert (done["state"], done["waits"]) == ("live", True)
    assert staff.post(f"{versions}2/activate/").status_code == 422
