"""HTML laid out as a PDF: what people take away from the site."""

from __future__ import annotations

import io
import threading
from typing import Any

from ingestion.errors import PermanentError
from ingestion.pdf_library import PdfError, load_library, translated

# A4, with margins of 18 mm, in points.
PAGE = (0, 0, 595, 842)
MARGIN = 51
LONGEST = 2000
GREY = (0.4, 0.4, 0.4)
# The library is not made for threads, and the web server has several.
_lock = threading.Lock()


def pdf_of(html: str, *, css: str, title: str) -> bytes:
    """Lay out HTML that stands alone (no links are fetched) on A4 pages, and return the PDF.

    Raises PermanentError where it cannot be laid out, or fills more than 2000 pages.
    """
    try:
        with _lock, translated():
            return _laid_out(html, css, title)
    except PdfError as exc:
        raise PermanentError("This could not be laid out as a PDF: take another format.") from exc


def _laid_out(html: str, css: str, title: str) -> bytes:
    library = load_library(layout=False)
    story = library.Story(html=html, user_css=css)
    buffer = io.BytesIO()
    writer = library.DocumentWriter(buffer)
    page = library.Rect(*PAGE)
    inside = library.Rect(MARGIN, MARGIN, PAGE[2] - MARGIN, PAGE[3] - MARGIN)
    count, more = 0, 1
    while more:
        count += 1
        if count > LONGEST:
            raise ValueError("too long")
        device = writer.begin_page(page)
        more, _filled = story.place(inside)
        story.draw(device)
        writer.end_page()
    writer.close()
    return _finished(library, buffer.getvalue(), title)


def _finished(library: Any, data: bytes, title: str) -> bytes:
    with library.open("pdf", data) as document:
        document.set_metadata({"title": title, "producer": "Pagewise"})
        for number, page in enumerate(document, start=1):
            place = library.Point(PAGE[2] - MARGIN - 20, PAGE[3] - MARGIN / 2)
            page.insert_text(place, f"{number} / {document.page_count}", fontsize=8, color=GREY)
        document.subset_fonts()
        return bytes(document.tobytes(garbage=3, deflate=True))
