"""Parse a document's pages into rows, page by page, and build its chunks from them."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from ingestion import liveness, page_store, parsing, pipeline, tokenizer
from ingestion.chunking import chunk_document
from ingestion.errors import PermanentError
from ingestion.files import local_copy
from ingestion.layout import ChunkDraft, PageContent, PageImage
from ingestion.models import Chunk, Document, DocumentState, Page, PageState
from ingestion.signals import page_finished

PAGE_TRIES = 2
# How soon, about, the work on a page stops when the document is cancelled.
WATCH_SECONDS = 1.5
CHUNK_BATCH = 200
EXTENSIONS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


def parse(document: Document, run: str) -> bool:
    """Parse what is still to do, then build the chunks; False means: more to do later.

    Raises PermanentError when the file cannot be opened or no page of it could be read.
    """
    pipeline.keep(document.pk, run, state=DocumentState.PARSING)
    _make_pdf(document, run)
    _make_rows(document, run)
    if not _parse_pending(document, run):
        return False
    done = document.pages.filter(state=PageState.DONE)
    if not done.exists():
        skipped = document.pages.first()
        reason = skipped.warnings[-1] if skipped and skipped.warnings else "It has no pages."
        raise PermanentError(f"No page of it could be read. {reason}")
    _build_chunks(document, run)
    return True


def limits() -> parsing.Limits:
    return parsing.Limits(
        memory_mb=settings.PARSE_MEMORY_MB, page_seconds=settings.PARSE_PAGE_SECONDS
    )


def _make_pdf(document: Document, run: str) -> None:
    """Make a PDF of an image, a book or a text, once."""
    # The rows of the pages are made after it: without them it may be half a file.
    if document.pdf_name == document.file.name or document.pages.exists():
        return
    with tempfile.TemporaryFile() as target, local_copy(str(document.file.name)) as path:
        parsing.convert(
            path,
            target,
            media_type=document.media_type,
            limits=limits(),
            tick=_Watch(document, run),
        )
        target.seek(0)
        default_storage.delete(document.pdf_name)
        default_storage.save(document.pdf_name, File(target))


@transaction.atomic
def _make_rows(document: Document, run: str) -> None:
    # First, for it waits for whoever deletes the document, and ends here when they did.
    pipeline.keep(document.pk, run, state=DocumentState.PARSING)
    existing = set(document.pages.values_list("number", flat=True))
    Page.objects.bulk_create(
        (
            Page(document=document, number=number)
            for number in range(1, (document.page_count or 0) + 1)
            if number not in existing
        ),
        batch_size=500,
        ignore_conflicts=True,
    )


def _parse_pending(document: Document, run: str) -> bool:
    pending = list(document.pages.filter(state=PageState.PENDING).values_list("number", flat=True))
    if not pending:
        return True
    turn = pipeline.Turn(document, starting=True)
    with local_copy(document.pdf_name) as path:
        outcomes = parsing.parse_pages(
            path,
            itertools.takewhile(lambda _: not turn.is_over(), pending),
            limits=limits(),
            processes=_processes(),
            tick=_Watch(document, run),
        )
        with contextlib.closing(outcomes):
            for finished, outcome in enumerate(outcomes):
                if not finished:
                    turn.begin()
                _store(document, run, outcome)
    return not document.pages.filter(state=PageState.PENDING).exists()


def _processes() -> int:
    """Share the cores between the documents that are being parsed now."""
    parsing_now = Document.objects.filter(state=DocumentState.PARSING)
    in_hand = liveness.count_in_hand(parsing_now.values_list("run", flat=True))
    return max(1, settings.PARSE_PROCESSES // max(1, in_hand))


class _Watch:
    """Looks now and then, while a page is parsed, whether the run is still wanted."""

    def __init__(self, document: Document, run: str) -> None:
        self._document = document
        self._run = run
        self._looked_at = time.monotonic()

    def __call__(self) -> None:
        """Raise pipeline.Superseded when the document was cancelled, deleted or put back."""
        if time.monotonic() - self._looked_at > WATCH_SECONDS:
            self._looked_at = time.monotonic()
            pipeline.keep(self._document.pk, self._run)


def _store(document: Document, run: str, outcome: parsing.PageOutcome) -> None:
    found = _page_fields(document, outcome.content) if outcome.content else None
    with transaction.atomic():
        # First, for it waits for whoever deletes the document, and ends here when they did.
        pipeline.keep(document.pk, run, attempts=0)
        page = document.pages.get(number=outcome.number)
        if found is None:
            page.attempts += 1
            page.warnings = [outcome.error]
            if page.attempts >= PAGE_TRIES:
                page.state = PageState.SKIPPED
        for name, value in (found or {}).items():
            setattr(page, name, value)
        page.save()
        if page.state != PageState.PENDING:
            pipeline.keep(document.pk, run, pages_done=F("pages_done") + 1)
            told = partial(page_finished.send, sender=Page, state=page.state)
            transaction.on_commit(told)


def _page_fields(document: Document, content: PageContent) -> dict[str, Any]:
    images = {image.name: _save_image(document, content.number, image) for image in content.images}
    return {
        "image": images.pop("page", {}).get("file", ""),
        "crops": images,
        "label": content.label,
        "width": content.width,
        "height": content.height,
        "text_source": content.text_source,
        "ocr_confidence": content.ocr_confidence,
        "warnings": list(content.warnings),
        "layout": page_store.dump_blocks(content),
        "state": PageState.DONE,
    }


def _save_image(document: Document, number: int, image: PageImage) -> dict[str, Any]:
    # The name holds the content's hash: a file never changes, so it can be cached for ever,
    # and what is live stays as it is while a re-parse writes new files beside it.
    digest = hashlib.sha256(image.data).hexdigest()[:16]
    name = f"{document.folder}/pages/{number:05d}-{digest}{EXTENSIONS[image.media_type]}"
    if not _is_stored(name, len(image.data)):
        name = default_storage.save(name, ContentFile(image.data))
    return {"file": name, "width": image.width, "height": image.height}


def _is_stored(name: str, size: int) -> bool:
    if not default_storage.exists(name):
        return False
    if default_storage.size(name) == size:
        return True
    # A worker was killed while it wrote it.
    default_storage.delete(name)
    return False


def _build_chunks(document: Document, run: str) -> None:
    """Make the next generation's chunks from the stored layouts, a batch at a time.

    Until the generation is published nobody sees it, so a batch is a transaction: whoever
    else wants to write waits for one batch, not for a thousand pages.
    """
    generation = document.next_generation
    with transaction.atomic():
        pipeline.keep(document.pk, run, chunks_total=0, chunks_embedded=0)
        document.chunks.filter(generation=generation).delete()
    pages = {page.number: page for page in document.pages.defer("layout")}
    rows = (
        _chunk(document, pages[draft.page], generation, order, draft)
        for order, draft in enumerate(_drafts(document))
    )
    while batch := list(itertools.islice(rows, CHUNK_BATCH)):
        with transaction.atomic():
            pipeline.keep(document.pk, run, chunks_total=F("chunks_total") + len(batch))
            Chunk.objects.bulk_create(batch)
    pipeline.keep(document.pk, run, state=DocumentState.EMBEDDING)


def _drafts(document: Document) -> Iterator[ChunkDraft]:
    count_tokens, max_tokens = tokenizer.token_counter(settings.TEXT_MODEL)
    return chunk_document(_contents(document), count_tokens=count_tokens, max_tokens=max_tokens)


def _contents(document: Document) -> Iterator[PageContent]:
    for page in document.pages.filter(state=PageState.DONE).iterator(chunk_size=50):
        yield PageContent(
            number=page.number,
            width=page.width,
            height=page.height,
            text_source=page.text_source,  # type: ignore[arg-type]
            blocks=page_store.load_blocks(bytes(page.layout)),
            label=page.label,
        )


def _chunk(document: Document, page: Page, generation: int, order: int, draft: ChunkDraft) -> Chunk:
    crop = page.crops.get(draft.image, {}) if draft.image else {}
    return Chunk(
        document=document,
        page=page,
        generation=generation,
        order=order,
        kind=draft.kind,
        page_number=draft.page,
        box=draft.box.as_list(),
        text=draft.text,
        heading_path=list(draft.heading_path),
        caption=draft.caption,
        references=draft.references,
        spans=[[s.start, s.end, s.page, *s.box.as_list()] for s in draft.spans],
        table=page_store.table_as_json(draft.table) if draft.table else None,
        image=crop.get("file", ""),
        image_width=crop.get("width", 0),
        image_height=crop.get("height", 0),
        token_count=draft.token_count,
    )
