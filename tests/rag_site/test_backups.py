"""What was backed up is there again after everything was destroyed."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import OperationalError

from answers.models import Citation, Conversation, Message, Role
from ingestion import documents
from ingestion.errors import TransientError
from ingestion.models import Chunk, Collection, Document
from rag_site import backups
from rag_site.accounts import tokens
from rag_site.accounts.models import ApiToken
from retrieval import spaces, vector_search
from retrieval.models import Embedding, SpaceVersion
from tests.ingestion.test_s3 import bucket  # noqa: F401  (a fixture)
from tests.retrieval.conftest import (  # noqa: F401  (fixtures)
    asked,
    axis,
    fruit_spaces,
    library,
    only,
    restart,
    texts,
)

# What restore does to the tables must not meet what the test left uncommitted.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def life(library):  # noqa: F811
    """A bit of everything that people leave behind."""
    document = library.document("apple", {"text": "pear", "picture": "a pear"})
    document.file.save("a.pdf", ContentFile(b"%PDF-1.7 fruit"))
    owner = library.collection.owner
    owner.set_password("a long enough one")
    owner.save()
    group = Group.objects.create(name="readers")
    owner.groups.add(group)
    library.collection.viewers.add(get_user_model().objects.create_user("viewer"))
    tokens.issue(owner, name="script")
    chat = Conversation.objects.create(owner=owner, title="Fruits")
    chat.collections.add(library.collection)
    question = Message.objects.create(conversation=chat, role=Role.USER, content="Which?")
    answer = Message.objects.create(
        conversation=chat, role=Role.ASSISTANT, question=question, content="Apple [1]."
    )
    Citation.objects.create(
        message=answer, number=1, document=document, chunk=document.chunks.first(),
        document_title="A document", kind="text", page_number=1,
    )  # fmt: skip
    return document


MODELS: tuple[Any, ...] = (
    Document,
    Chunk,
    Embedding,
    Conversation,
    Message,
    Citation,
    ApiToken,
    Collection,
)


def everything() -> dict[str, list]:
    rows = {model.__name__: list(model.objects.order_by("pk").values()) for model in MODELS}
    return {name: [{**row, "vector": bytes(row["vector"])} if "vector" in row else row
                   for row in found] for name, found in rows.items()}  # fmt: skip


def destroy() -> None:
    for document in Document.objects.all():
        documents.delete(document)
    people: tuple[Any, ...] = (Conversation, Collection, ApiToken, SpaceVersion, Group)
    for model in (*people, get_user_model()):
        model.objects.all().delete()


def test_everything_is_back(life, tmp_path) -> None:
    before, name = everything(), str(life.file.name)
    call_command("backup", str(tmp_path / "b.tar"))
    destroy()
    assert not default_storage.exists(name)
    default_storage.save("documents/stray/x", ContentFile(b"left over"))
    call_command("restore", str(tmp_path / "b.tar"))
    assert everything() == before
    assert default_storage.open(name).read() == b"%PDF-1.7 fruit"
    assert not default_storage.exists("documents/stray/x")
    owner = get_user_model().objects.get(username="owner")
    assert owner.check_password("a long enough one")
    assert list(owner.groups.values_list("name", flat=True)) == ["readers"]
    assert life.collection.viewers.get().username == "viewer"
    assert Conversation.objects.get().collections.get() == life.collection
    # New rows get new numbers, and what is restored is found.
    assert Collection.objects.create(name="New", owner=owner).pk > life.collection.pk
    restart()
    version = spaces.live_versions()["text"]
    assert texts(vector_search.search(version, axis("pear"), limit=1, where=only(life))) == ["pear"]


def test_a_backup_is_private_and_replaces_nothing_until_it_is_complete(
    life, tmp_path, monkeypatch
) -> None:
    target = tmp_path / "b.tar"
    target.write_bytes(b"the last good one")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(backups, "_write_rows", full)
        with pytest.raises(CommandError, match="No space left"):
            call_command("backup", str(target))
    assert target.read_bytes() == b"the last good one"
    assert sorted(path.name for path in tmp_path.glob("b.tar*")) == ["b.tar"]
    call_command("backup", str(target))
    assert target.stat().st_mode & 0o077 == 0


def test_documents_are_replaced_only_when_that_is_said(life, tmp_path) -> None:
    target = tmp_path / "b.tar"
    call_command("backup", str(target))
    Document.objects.update(title="Changed since")
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", str(target))
    assert Document.objects.get().title == "Changed since"
    call_command("restore", str(target), "--replace")
    assert Document.objects.get().title == "A document"


def test_what_is_no_backup_changes_nothing(life, tmp_path) -> None:
    before = everything()
    target = tmp_path / "b.tar"
    target.write_bytes(b"nonsense")
    with pytest.raises(CommandError, match="not a backup"):
        call_command("restore", str(target), "--replace")
    call_command("backup", str(target))
    target.write_bytes(target.read_bytes()[: target.stat().st_size // 4])
    with pytest.raises(CommandError, match=r"not a backup|damaged"):
        call_command("restore", str(target), "--replace")
    assert everything() == before


def test_who_used_the_admin_and_is_in_no_backup_stands_in_no_way(life, tmp_path) -> None:
    target = tmp_path / "b.tar"
    call_command("backup", str(target))
    boss = get_user_model().objects.create_superuser("boss")
    LogEntry.objects.create(user=boss, action_flag=CHANGE, object_repr="x")
    call_command("restore", str(target), "--replace")
    assert not get_user_model().objects.filter(username="boss").exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    "spoil", [lambda rows: rows + rows, lambda rows: rows.replace(b'"fields"', b"fields", 1)]
)
def test_rows_that_do_not_fit_are_refused(life, tmp_path, spoil) -> None:
    before = everything()
    sound, spoiled = tmp_path / "b.tar", tmp_path / "c.tar"
    call_command("backup", str(sound))
    with tarfile.open(sound) as archive, tarfile.open(spoiled, "w") as copy:
        for entry in archive:
            content = archive.extractfile(entry).read()
            content = spoil(content) if entry.name == backups.ROWS else content
            entry.size = len(content)
            copy.addfile(entry, io.BytesIO(content))
    with pytest.raises(CommandError, match="is damaged"):
        call_command("restore", str(spoiled), "--replace")
    assert everything() == before


def test_a_backup_of_another_schema_is_refused(life, tmp_path, monkeypatch) -> None:
    target = tmp_path / "b.tar"
    call_command("backup", str(target))
    monkeypatch.setattr(backups, "_migrations", lambda: ["ingestion.0099_later"])
    with pytest.raises(CommandError, match="another version"):
        call_command("restore", str(target), "--replace")


def test_settings_are_in_it(life, tmp_path, monkeypatch, settings) -> None:
    env, spaces_file = tmp_path / ".env", tmp_path / "spaces.toml"
    env.write_text("VLM_MODEL=x")
    spaces_file.write_text("[text]")
    monkeypatch.setattr(backups, "ENV_FILE", env)
    settings.SPACES_FILE = spaces_file
    call_command("backup", str(tmp_path / "b.tar"))
    with tarfile.open(tmp_path / "b.tar") as archive:
        assert archive.extractfile("settings/.env").read() == b"VLM_MODEL=x"
        assert archive.extractfile("settings/spaces.toml").read() == b"[text]"


def test_no_app_of_the_project_is_left_out() -> None:
    root = str(settings.BASE_DIR)
    ours = {
        config.label
        for config in apps.get_app_configs()
        if config.path.startswith(root) and ".venv" not in config.path and list(config.get_models())
    }
    assert ours <= set(backups.APPS)


def test_files_in_a_bucket_are_kept_and_come_back(bucket, tmp_path):  # noqa: F811
    """Restoring deletes what the backup does not have, as on a disk."""
    # The larger one is sent to the bucket in parts.
    contents = {
        "documents/a/one.pdf": b"%PDF-1.7 fruit",
        "documents/b/deep/two.bin": b"2" * 9_000_000,
    }
    for name, data in contents.items():
        assert default_storage.save(name, ContentFile(data)) == name
    assert backups.back_up(tmp_path / "b.tar").files == len(contents)
    default_storage.delete("documents/a/one.pdf")
    default_storage.save("documents/c/later.pdf", ContentFile(b"later"))
    backups.restore(tmp_path / "b.tar")
    for name, data in contents.items():
        with default_storage.open(name) as file:
            assert file.read() == data
    assert not default_storage.exists("documents/c/later.pdf")


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (OperationalError("no such column: seen_at"), "run manage.py migrate first"),
        (TransientError("The file storage cannot be used."), "The file storage cannot be used."),
    ],
    ids=["older schema", "storage away"],
)
def test_what_keeps_a_backup_from_being_made_is_said(monkeypatch, tmp_path, failure, sentence):
    def fails(place):
        raise failure

    monkeypatch.setattr(backups, "back_up", fails)
    with pytest.raises(CommandError, match=sentence):
        call_command("backup", str(tmp_path / "b.tar"))
