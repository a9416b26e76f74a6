"""Other inputs as PDF: images, EPUB and text, and PDF that a password protects.

Only the parsing child imports this module; like ingestion.pdf it lets the library's errors
out as CannotOpen. What comes out has no password, and pages of a usual size in points.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingestion.layout import DocumentFacts
from ingestion.media_types import EPUB, JPEG, PDF, PNG, TEXT, TIFF, WEBP, MediaType
from ingestion.pdf import CannotOpen, PdfFile, outline_of
from ingestion.pdf_library import PdfError, load_library, translated
from ingestion.text_repair import clean

# What the library calls the kinds, except WebP, which it does not read.
FILE_TYPES = {EPUB: "epub", TEXT: "txt", PNG: "png", JPEG: "jpeg", TIFF: "tiff", WEBP: "png"}
# A4 and a size of type that fills it like a printed page.
PAGE_WIDTH, PAGE_HEIGHT, FONT_SIZE = 595, 842, 10.5
# Images say how large they are printed, or nothing: a photograph would be a yard wide.
LONGEST_SIDE = 1000.0


def facts(path: Path, kind: MediaType, *, password: str = "") -> DocumentFacts:
    """Read page count, metadata and outline. Raises CannotOpen with a sentence for people."""
    if kind == PDF:
        with PdfFile(path, password=password, layout=False) as file:
            return file.facts()
    with _open(path, kind) as document:
        if not document.is_reflowable:
            # An image's header says its size; whether there is a picture shows when it is drawn.
            document[0].get_pixmap(dpi=10)
        outline = outline_of(document.get_toc(), document.page_count)
        return DocumentFacts(document.page_count, _metadata(document), outline)


def pdf_bytes(path: Path, kind: MediaType, *, password: str = "") -> bytes:
    """Return the file as an unprotected PDF, with its outline and metadata. Raises CannotOpen."""
    library = load_library(layout=False)
    with _damaged(kind):
        if kind == PDF:
            with PdfFile(path, password=password, layout=False) as file:
                return file.unprotected()
        with _open(path, kind) as document, library.open() as result:
            _add_pages(result, document, library)
            result.set_toc(document.get_toc())
            # A font with all its characters weighs more than the text of a book.
            result.subset_fonts()
            return bytes(result.tobytes(garbage=3, deflate=True))


def _add_pages(result: Any, document: Any, library: Any) -> None:
    pages = library.open("pdf", document.convert_to_pdf())
    if document.is_reflowable:
        result.insert_pdf(pages)
        return
    for page in pages:
        scale = min(1.0, LONGEST_SIDE / max(page.rect.width, page.rect.height))
        target = result.new_page(width=page.rect.width * scale, height=page.rect.height * scale)
        target.show_pdf_page(target.rect, pages, page.number)


@contextlib.contextmanager
def _open(path: Path, kind: MediaType) -> Iterator[Any]:
    library = load_library(layout=False)
    with _damaged(kind):
        stream = _as_png(path) if kind == WEBP else path.read_bytes()
        document = library.open(
            stream=stream,
            filetype=FILE_TYPES[kind],
            width=PAGE_WIDTH,
            height=PAGE_HEIGHT,
            fontsize=FONT_SIZE,
        )
        if not document.page_count:
            raise CannotOpen("empty", "It has no pages.")
        yield document
        document.close()


def _as_png(path: Path) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    try:
        with Image.open(path, formats=["WEBP"]) as image:
            image.convert("RGB").save(buffer, "PNG", compress_level=1)
    except (OSError, Image.DecompressionBombError) as exc:
        raise PdfError(str(exc)) from exc
    return buffer.getvalue()


def _metadata(document: Any) -> dict[str, Any]:
    found = document.metadata or {}
    cleaned = {key: clean(found.get(key) or "") for key in ("title", "author")}
    return {key: value for key, value in cleaned.items() if value}


@contextlib.contextmanager
def _damaged(kind: MediaType) -> Iterator[None]:
    try:
        with translated():
            yield
    except PdfError as exc:
        raise CannotOpen(
            "damaged", f"It cannot be opened: it looks like {kind.label}, but it is damaged."
        ) from exc
