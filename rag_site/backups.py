"""Back up everything into one file, and restore it, into the same or another kind of database.

A backup is a tar file:

    manifest.json    what it is, of which state of the schema, and how many rows and files
    rows.jsonl       one row per line, as Django's serializer writes it
    files/…          every stored file
    settings/…       .env, the secret key and spaces.toml, where there are such

The rows are read in one transaction, so they fit each other while uploads go on; a file that
goes meanwhile is left out. The indexes are not in it: they are built anew from the rows.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core import serializers
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from ingestion import files, uploads
from ingestion.errors import PermanentError
from ingestion.models import Document
from retrieval.models import SpaceVersion

FORMAT = 1
MANIFEST, ROWS, FILES, SETTINGS = "manifest.json", "rows.jsonl", "files/", "settings/"
APPS = (
    *("auth", "accounts", "webhooks", "ingestion", "retrieval", "answers"),
    # Whose identity is which account, where sign-in through a provider is installed.
    *(("account", "socialaccount") if settings.HAS_ALLAUTH else ()),
)
# Made by migrate, or of use to the running system alone.
LEFT_OUT = ("auth.Permission", "retrieval.IndexChange", "ingestion.Upload")
# Parts of uploads that are not finished: whoever sends them begins anew.
FOLDERS_LEFT_OUT = (uploads.FOLDER,)
ENV_FILE = settings.BASE_DIR / ".env"


# What is raised by files that are no backups, and by rows that do not fit each other.
UNUSABLE = (
    *(tarfile.TarError, KeyError, ValueError, EOFError),
    *(serializers.base.DeserializationError, IntegrityError),
)


class BackupUnusable(PermanentError):
    """Not a backup, damaged, of another schema, or not wanted here."""


@dataclass(frozen=True, slots=True)
class Manifest:
    made_at: str
    migrations: list[str]
    rows: dict[str, int]
    files: int
    format: int = FORMAT
    left_out: list[str] = field(default_factory=list)


# --- backing up ----------------------------------------------------------------------------------


def back_up(target: Path) -> Manifest:
    """Write a backup to a new file, readable by its owner only. Raises OSError.

    A file that is there is replaced when the new one is complete, not before.
    """
    partial = target.with_name(f"{target.name}.partial")
    partial.touch(mode=0o600)
    try:
        with tarfile.open(partial, "w") as archive:
            manifest = _fill(archive)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _fill(archive: tarfile.TarFile) -> Manifest:
    with tempfile.TemporaryFile() as lines:
        rows = _write_rows(lines)
        _add(archive, ROWS, lines)
    stored, left_out = 0, []
    for name in _stored_files():
        try:
            with files.local_copy(name) as path, path.open("rb") as content:
                _add(archive, FILES + name, content)
            stored += 1
        except FileNotFoundError:
            left_out.append(name)
    for path in (ENV_FILE, settings.SECRET_KEY_FILE, settings.SPACES_FILE):
        if path.is_file():
            _add(archive, SETTINGS + path.name, io.BytesIO(path.read_bytes()))
    made = timezone.now().isoformat()
    manifest = Manifest(made, _migrations(), dict(rows), stored, left_out=left_out)
    _add(archive, MANIFEST, io.BytesIO(json.dumps(asdict(manifest), indent=2).encode()))
    return manifest


def _write_rows(lines: IO[bytes]) -> Counter[str]:
    counts: Counter[str] = Counter()
    with _one_moment():
        for model in _models():
            for row in model._base_manager.order_by("pk").iterator(chunk_size=500):
                text = serializers.serialize(
                    "jsonl", [row], use_natural_foreign_keys=True, cls=_ExactTimes
                )
                lines.write(text.encode())
                counts[model._meta.label] += 1
    return counts


class _ExactTimes(DjangoJSONEncoder):
    """Keeps the microseconds, by which rows are ordered."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


@contextmanager
def _one_moment() -> Iterator[None]:
    """Read all rows as they are at one moment, while others write."""
    connection.ensure_connection()
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "sqlite":
        # Otherwise a transaction claims to write, and writers wait for its end.
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _models() -> list[type[models.Model]]:
    configs = [(apps.get_app_config(label), None) for label in APPS]
    ordered = serializers.sort_dependencies(configs, allow_cycles=True)
    return [model for model in ordered if model._meta.label not in LEFT_OUT and _is_ours(model)]


def _is_ours(model: type[models.Model]) -> bool:
    return model._meta.managed and not model._meta.proxy and not model._meta.swapped


def _stored_files() -> Iterator[str]:
    try:
        folders, names = default_storage.listdir("")
    except FileNotFoundError:
        return
    kept = (folder for folder in folders if folder not in FOLDERS_LEFT_OUT)
    yield from chain(names, *(files.files_under(folder) for folder in kept))


def _add(archive: tarfile.TarFile, name: str, content: Any) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = content.seek(0, io.SEEK_END) or content.tell()
    entry.mode = 0o600
    content.seek(0)
    archive.addfile(entry, content)


def _migrations() -> list[str]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied if app in APPS)


# --- restoring -----------------------------------------------------------------------------------


def restore(source: Path, *, replace: bool = False) -> Manifest:
    """Put a backup's rows and files in place of what is here.

    The database changes in one step, or not at all. Without `replace` only a site without
    documents takes a backup. Raises BackupUnusable, with nothing changed, and OSError.
    """
    if Document.objects.exists() and not replace:
        raise BackupUnusable(
            "There are documents here, and restoring replaces everything. Say --replace if "
            "that is what you want."
        )
    try:
        with tarfile.open(source) as archive:
            return _restore(archive)
    except UNUSABLE as exc:
        raise BackupUnusable(f"{source} is not a backup, or is damaged: {exc}") from exc


def _restore(archive: tarfile.TarFile) -> Manifest:
    manifest = Manifest(**json.load(_member(archive, MANIFEST)))
    if manifest.format != FORMAT or manifest.migrations != _migrations():
        raise BackupUnusable(
            f"The backup of {manifest.made_at} was made by another version of Pagewise. Restore "
            "it with that version, then upgrade."
        )
    before = set(_stored_files())
    restored = _put_files(archive)
    with transaction.atomic():
        _empty()
        counts = _load_rows(_member(archive, ROWS))
        if counts != manifest.rows:
            raise BackupUnusable("The backup is damaged: rows are missing.")
        _forget_indexes()
    for name in before - restored:
        default_storage.delete(name)
    return manifest


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def _put_files(archive: tarfile.TarFile) -> set[str]:
    restored = set()
    for entry in archive:
        file = archive.extractfile(entry) if entry.isfile() else None
        if file is None or not entry.name.startswith(FILES):
            continue
        name = entry.name.removeprefix(FILES)
        # Refuses names that would lead out of the folder.
        default_storage.delete(name)
        default_storage.save(name, File(file))
        restored.add(name)
    return restored


def _empty() -> None:
    # The admin's log names people, of whom there may be others after.
    every: list[type[models.Model]] = [*_models(), LogEntry]
    every += [apps.get_model(label) for label in LEFT_OUT[1:]]
    tables = [model._meta.db_table for model in every]
    for model in every:
        tables += [each.m2m_db_table() for each in model._meta.local_many_to_many]
    statements = connection.ops.sql_flush(
        no_style(), sorted(set(tables)), allow_cascade=connection.vendor == "postgresql"
    )
    connection.ops.execute_sql_flush(statements)


def _load_rows(lines: IO[bytes]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    loaded: set[type[models.Model]] = set()
    with connection.constraint_checks_disabled():
        for row in serializers.deserialize("jsonl", io.TextIOWrapper(lines, encoding="utf-8")):
            row.save(force_insert=True)
            counts[row.object._meta.label] += 1
            loaded.add(type(row.object))
    connection.check_constraints(table_names=[model._meta.db_table for model in loaded])
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(loaded)):
            cursor.execute(statement)
    return dict(counts)


def _forget_indexes() -> None:
    """Make every index on disk foreign: under a new uuid, none is taken for the rows' own."""
    for version in SpaceVersion.objects.all():
        version.uuid, version.writer, version.writer_seen_at = uuid.uuid4(), "", None
        version.writer_done = 0.0
        version.save(update_fields=["uuid", "writer", "writer_seen_at", "writer_done"])
