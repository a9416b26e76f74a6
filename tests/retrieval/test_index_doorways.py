"""Tasks, the command and the admin of the indexes: each calls one function."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from ingestion.errors import PermanentError, TransientError
from retrieval import background, building, embedding, leases, spaces, tasks
from retrieval.index_folders import current_name, folder_of
from retrieval.models import Embedding, SpaceVersion


def names() -> dict[str, str]:
    live = spaces.live_versions()
    return {space: current_name(folder_of(version)) for space, version in live.items()}


def test_the_command_rebuilds_all_or_some_indexes(library, capsys) -> None:
    library.document("apple")
    call_command("rebuild_index", "text")
    first = names()
    assert first["text"]
    assert not first["image"]
    call_command("rebuild_index")
    second = names()
    assert all(second.values())
    assert second["text"] != first["text"]
    assert "keywords v1 (en_stem.2): rebuilt." in capsys.readouterr().out


def test_the_command_names_the_spaces_there_are(library) -> None:
    with pytest.raises(CommandError, match="no such space: texts"):
        call_command("rebuild_index", "texts")


def test_the_command_says_that_another_process_is_at_it(library) -> None:
    with (
        leases.writing(spaces.live_versions()["text"]),
        pytest.raises(CommandError, match="Another process is writing the index of text v1"),
    ):
        call_command("rebuild_index", "text")


def test_tasks_take_ids_and_may_run_twice(library) -> None:
    library.document("apple")
    version = spaces.live_versions()["text"]
    for task in (tasks.build_snapshot, tasks.rebuild_index, tasks.build_space_version):
        task(version.pk)
        task(version.pk)
        task(0)  # Deleted meanwhile.
    tasks.refresh_keywords(spaces.live_versions()["keywords"].pk)
    tasks.refresh_indexes()
    tasks.tend_indexes()
    assert names()["text"]
    assert names()["keywords"]


def test_a_build_that_cannot_go_on_says_why_and_is_not_begun_again(
    library, settings, monkeypatch, asked
) -> None:
    library.document("apple")
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    version = SpaceVersion.objects.get(model="fruit-2")

    def refuse(*args: object) -> None:
        raise PermanentError("The model makes nothing of this.")

    monkeypatch.setattr(embedding, "make", refuse)
    tasks.build_space_version(version.pk)
    version.refresh_from_db()
    assert version.error == "The model makes nothing of this."
    asked.clear()
    monkeypatch.setattr(background, "_asked", {})
    spaces.sync()
    assert asked == []


def test_a_task_that_finds_another_at_work_is_tried_again(library, monkeypatch) -> None:
    version = spaces.live_versions()["text"]
    with leases.writing(version), pytest.raises(TransientError):
        tasks.rebuild_index(version.pk)


def test_a_queue_that_is_away_only_delays(library, monkeypatch, caplog) -> None:
    from celery import current_app
    from kombu.exceptions import OperationalError

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(current_app, "send_task", away)
    background.request("refresh_indexes")
    assert "refresh_indexes waits" in caplog.text


@pytest.mark.parametrize("model", ["spaceversion", "embedding"])
def test_the_admin_shows_and_does_not_let_edit(library, admin_client, model: str) -> None:
    library.document("apple")
    page = admin_client.get(reverse(f"admin:retrieval_{model}_changelist"))
    assert "text v1" in page.content.decode() or "fruit-1" in page.content.decode()
    one = Embedding.objects.get() if model == "embedding" else spaces.live_versions()["text"]
    assert (
        admin_client.get(reverse(f"admin:retrieval_{model}_change", args=[one.pk])).status_code
        == 200
    )
    assert admin_client.get(reverse(f"admin:retrieval_{model}_add")).status_code == 403


@pytest.mark.parametrize(
    ("action", "task", "said"),
    [
        ("rebuild_index", "rebuild_index", "searches go on meanwhile"),
        ("fill", "build_space_version", "The workers make them."),
        ("begin_version", "build_space_version", "Text v2 (fruit-1) is being built."),
        ("roll_back", None, "The space text has no version before 1"),
    ],
)
def test_the_admins_actions(
    library, admin_client, asked, django_capture_on_commit_callbacks, action, task, said
) -> None:
    version = spaces.live_versions()["text"]
    asked.clear()
    with django_capture_on_commit_callbacks(execute=True):
        page = admin_client.post(
            reverse("admin:retrieval_spaceversion_changelist"),
            {"action": action, "_selected_action": [version.pk]},
            follow=True,
        )
    assert said in page.content.decode()
    newest = SpaceVersion.objects.filter(space="text").order_by("-number")[0]
    assert asked == ([(task, newest.pk)] if task else [])


def test_the_admins_rebuild_reaches_the_index(library) -> None:
    library.document("apple")
    tasks.rebuild_index(spaces.live_versions()["text"].pk)
    assert building.is_due(spaces.live_versions()["text"]) is False
    assert names()["text"]
