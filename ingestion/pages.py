"""Parse a document's pages into rows, page by page, and build its chunks from them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from ingestion import page_store, parsing, pipeline, tokenizer
from ingestion.chunking import chunk_document
from ingestion.errors import PermanentError
from ingestion.files import local_copy
from ingestion.layout import ChunkDraft, PageContent, PageImage
from ingestion.models import Chunk, Document, DocumentState, Page, PageState

# After this long a document gives way to others that wait.
SLICE_SECONDS = 20
PAGE_TRIES = 2
CHUNK_BATCH = 200
EXTENSIONS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


def parse(document: Document, run: str) -> bool:
    """Parse what is still to do, then build the chunks; False means: more to do later.

    Raises PermanentError when the file cannot be opened or no page of it could be read.
    """
    pipeline.keep(document.pk, run, state=DocumentState.PARSING)
    _make_rows(document)
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


def _make_rows(document: Document) -> None:
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
    with local_copy(document.file) as path:
        for outcome in parsing.parse_pages(
            path, _until_others_wait(document, pending), limits=limits(), processes=_processes()
        ):
            _store(document, run, outcome)
    return not document.pages.filter(state=PageState.PENDING).exists()


def _processes() -> int:
    """Share the cores between the documents that are being parsed now."""
    parsing_now = Document.objects.filter(state=DocumentState.PARSING).count()
    return max(1, settings.PARSE_PROCESSES // max(1, parsing_now))


def _until_others_wait(document: Document, numbers: list[int]) -> Iterator[int]:
    """Yield page numbers; after a slice of time, end as soon as another document waits."""
    give_way_at = time.monotonic() + SLICE_SECONDS
    waiting = Document.objects.filter(state=DocumentState.QUEUED).exclude(pk=document.pk)
    for number in numbers:
        if time.monotonic() > give_way_at and waiting.exists():
            return
        yield number


def _store(document: Document, run: str, outcome: parsing.PageOutcome) -> None:
    page = document.pages.get(number=outcome.number)
    if outcome.content is None:
        page.attempts += 1
        page.warnings = [outcome.error]
        if page.attempts >= PAGE_TRIES:
            page.state = PageState.SKIPPED
    else:
        _fill(page, document, outcome.content)
    with transaction.atomic():
        page.save()
        done = F("pages_done") + (page.state != PageState.PENDING)
        pipeline.keep(document.pk, run, pages_done=done, attempts=0)


def _fill(page: Page, document: Document, content: PageContent) -> None:
    images = {image.name: _save_image(document, content.number, image) for image in content.images}
    page.image = images.pop("page", {}).get("file", "")
    page.crops = images
    page.label = content.label
    page.width, page.height = content.width, content.height
    page.text_source = content.text_source
    page.ocr_confidence = content.ocr_confidence
    page.warnings = list(content.warnings)
    page.layout = page_store.dump_blocks(content)
    page.state = PageState.DONE


def _save_image(document: Document, number: int, image: PageImage) -> dict[str, Any]:
    # The name holds the content's hash: a file never changes, so it can be cached for ever,
    # and what is live stays as it is while a re-parse writes new files beside it.
    digest = hashlib.sha256(image.data).hexdigest()[:16]
    name = f"{document.folder}/pages/{number:05d}-{digest}{EXTENSIONS[image.media_type]}"
    if not default_storage.exists(name):
        name = default_storage.save(name, ContentFile(image.data))
    return {"file": name, "width": image.width, "height": image.height}


def _build_chunks(document: Document, run: str) -> None:
    """Make the next generation's chunks from the stored layouts, in one transaction."""
    generation = document.next_generation
    count_tokens, max_tokens = tokenizer.token_counter(settings.TEXT_MODEL)
    drafts = chunk_document(_contents(document), count_tokens=count_tokens, max_tokens=max_tokens)
    pages = {page.number: page for page in document.pages.defer("layout")}
    rows = [
        _chunk(document, pages[draft.page], generation, order, draft)
        for order, draft in enumerate(drafts)
    ]
    with transaction.atomic():
        pipeline.keep(
            document.pk,
            run,
            state=DocumentState.EMBEDDING,
            chunks_total=len(rows),
            chunks_embedded=0,
        )
        document.chunks.filter(generation=generation).delete()
        Chunk.objects.bulk_create(rows, batch_size=CHUNK_BATCH)


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
