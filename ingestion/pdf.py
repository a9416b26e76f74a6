"""The PDF library, behind plain data: the only module that imports it.

Only the parsing child imports this module. Whatever a file contains, the library's errors
leave here as `PdfError` (this page, this part) or `CannotOpen` (the whole file).
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingestion.errors import PermanentError
from ingestion.layout import BlockKind, Box, DocumentFacts
from ingestion.raw_page import RawPage, Region, Word
from ingestion.text_repair import clean

LABELS: dict[str, BlockKind] = {
    "title": "title",
    "section-header": "heading",
    "text": "text",
    "list-item": "list_item",
    "table": "table",
    "picture": "picture",
    "caption": "caption",
    "formula": "formula",
    "footnote": "footnote",
    "page-header": "page_header",
    "page-footer": "page_footer",
}
BOLD = 16
UNREADABLE = "\ufffd"
# Regions thinner than this hold nothing, and the layout model makes a few.
THINNEST = 2.0


class CannotOpen(PermanentError):
    """The file as a whole is of no use; `code` is encrypted, wrong_password, damaged or empty."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PdfError(Exception):
    """The library failed on a part of the file."""


def load_library(*, layout: bool) -> Any:
    """Import the library; with `layout`, its models too, which takes a second longer."""
    if layout:
        _keep_models_to_one_thread()
    else:
        # The library loads its models as soon as they can be imported.
        sys.modules.setdefault("pymupdf.layout", None)  # type: ignore[arg-type]
        sys.modules.setdefault("pymupdf4llm", None)  # type: ignore[arg-type]
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    return pymupdf


def _keep_models_to_one_thread() -> None:
    """Give every layout model one thread: pages, not models, are run in parallel.

    A second thread halves no page's time (it spins, waiting), but takes a core from the
    child that reads the next page. The library offers no setting for it.
    """
    import onnxruntime

    class OneThread(onnxruntime.SessionOptions):
        def __init__(self) -> None:
            super().__init__()
            self.intra_op_num_threads = 1
            self.inter_op_num_threads = 1

    onnxruntime.SessionOptions = OneThread


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the library's errors into PdfError; MemoryError passes through."""
    import pymupdf

    try:
        yield
    except pymupdf.mupdf.FzErrorSystem as exc:
        raise MemoryError(str(exc)) from exc
    except (
        pymupdf.mupdf.FzErrorBase,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        ZeroDivisionError,
        OverflowError,
        RecursionError,
    ) as exc:
        raise PdfError(f"{type(exc).__name__}: {exc}") from exc


class PdfFile:
    """An open file. Use as a context manager."""

    def __init__(self, path: Path, *, password: str = "", layout: bool = True) -> None:
        """Open it, or raise CannotOpen with a sentence for people."""
        self._library = load_library(layout=layout)
        try:
            with translated():
                self._document = self._library.open(path, filetype="pdf")
                self._unlock(password)
                self.page_count = self._document.page_count
        except PdfError as exc:
            raise CannotOpen(
                "damaged", "It cannot be opened: it is damaged, or not a PDF at all."
            ) from exc
        if not self.page_count:
            raise CannotOpen("empty", "It has no pages.")
        self._label_rules = self._part(self._document._get_page_labels, [])
        self._outline = self._read_outline()

    def _unlock(self, password: str) -> None:
        if not self._document.needs_pass:
            return
        if not password:
            raise CannotOpen("encrypted", "It is protected: its password is needed to open it.")
        if not self._document.authenticate(password):
            raise CannotOpen(
                "wrong_password", "It is protected, and the password is not the right one."
            )

    def __enter__(self) -> PdfFile:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(PdfError), translated():
            self._document.close()

    def unprotected(self) -> bytes:
        """Return the file with its encryption taken off. Raises PdfError."""
        with translated():
            none = self._library.PDF_ENCRYPT_NONE
            return bytes(self._document.tobytes(encryption=none, garbage=1))

    def _part(self, read: Any, instead: Any) -> Any:
        """Read a part that a file may have broken without being useless."""
        try:
            with translated():
                return read()
        except PdfError:
            return instead

    # --- the document ------------------------------------------------------------------------

    def facts(self) -> DocumentFacts:
        """Read page count, metadata, outline and page labels."""
        labels: tuple[str, ...] = ()
        if self._label_rules:
            labels = tuple(self.label(number) for number in range(1, self.page_count + 1))
        return DocumentFacts(
            page_count=self.page_count,
            metadata=self._metadata(),
            outline=self._outline,
            page_labels=labels,
        )

    def _metadata(self) -> dict[str, Any]:
        found = self._part(lambda: dict(self._document.metadata or {}), {})
        metadata = {
            "title": clean(found.get("title") or ""),
            "author": clean(found.get("author") or ""),
            "subject": clean(found.get("subject") or ""),
            "keywords": clean(found.get("keywords") or ""),
            "created": iso_date(found.get("creationDate") or ""),
            "modified": iso_date(found.get("modDate") or ""),
            "language": clean(self._part(lambda: self._document.language, "") or ""),
        }
        return {key: value for key, value in metadata.items() if value}

    def _read_outline(self) -> tuple[tuple[int, str, int], ...]:
        entries = self._part(lambda: self._document.get_toc(simple=True), [])
        return tuple(
            (int(level), clean(title), int(page))
            for level, title, page in entries
            if clean(title) and 1 <= int(page) <= self.page_count
        )

    def label(self, number: int) -> str:
        """Return the printed label of page `number` (from 1), or nothing."""
        if not self._label_rules:
            return ""
        label = self._part(
            lambda: self._library.utils.get_label_pno(number - 1, self._label_rules), ""
        )
        return clean(label)[:40]

    def outline_levels(self, number: int) -> dict[str, int]:
        """Return the outline's entries for a page: title to level, from 1."""
        return {title: level for level, title, page in self._outline if page == number}

    # --- a page ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def page(self, number: int) -> Iterator[PdfPage]:
        """Open page `number` (from 1); raises PdfError when it cannot be read."""
        with translated():
            page = self._document.load_page(number - 1)
            _show_upright(page)
        yield PdfPage(page, self._library, number, self.label(number))
        # The library keeps fonts and images of past pages: at most this much of it.
        self._library.TOOLS.store_shrink(50)


def _show_upright(page: Any) -> None:
    """Bake the page's rotation into its content, so that boxes fit the page as shown."""
    if not page.rotation:
        return
    media, crop = page.mediabox, page.cropbox
    # What is cut away would come back: make the visible part the whole page first.
    visible = (crop.x0, media.y1 - crop.y1, crop.x1, media.y1 - crop.y0)
    if crop.width < media.width or crop.height < media.height:
        page.set_mediabox(type(media)(visible))
    page.remove_rotation()


class PdfPage:
    """One open page, upright as shown."""

    def __init__(self, page: Any, library: Any, number: int, label: str) -> None:
        self._page = page
        self._library = library
        self._number = number
        self._label = label

    def read(self) -> RawPage:
        """Read the words, find the regions, list the images."""
        with translated():
            words, unreadable = self._words()
            self._page.get_layout(return_raw=True)
            regions = tuple(_regions(self._page.layout_information or []))
            rasters = tuple(
                box
                for image in self._page.get_image_info()
                if (box := as_box(image["bbox"])) is not None
            )
        return RawPage(
            number=self._number,
            label=self._label,
            width=self._page.rect.width,
            height=self._page.rect.height,
            words=words,
            regions=regions,
            rasters=rasters,
            unreadable=unreadable,
        )

    def _words(self) -> tuple[tuple[Word, ...], float]:
        flags = self._library.TEXT_PRESERVE_WHITESPACE | self._library.TEXT_CLIP
        blocks = self._page.get_text("rawdict", flags=flags)["blocks"]
        words: list[Word] = []
        for run, line in enumerate(line for block in blocks for line in block.get("lines", ())):
            words.extend(_split_line(line, run))
        total = sum(len(word.text) for word in words)
        lost = sum(word.text.count(UNREADABLE) for word in words)
        return tuple(words), lost / total if total else 0.0

    def render(self, box: Box | None, *, scale: float) -> tuple[int, int, bytes]:
        """Render the page, or a part of it, to (width, height, RGB bytes).

        `scale` is pixels per point.
        """
        library = self._library
        with translated():
            pixmap = self._page.get_pixmap(
                matrix=library.Matrix(scale, scale),
                clip=library.Rect(box.x0, box.y0, box.x1, box.y1) if box else None,
                colorspace=library.csRGB,
                alpha=False,
            )
            return pixmap.width, pixmap.height, bytes(pixmap.samples_mv)


def _split_line(line: dict[str, Any], run: int) -> Iterator[Word]:
    """Cut a line of the library into words at its spaces."""
    cosine, sine = line["dir"]
    upright = abs(sine) < 0.1 and cosine > 0
    pending: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for span in line["spans"]:
        for char in span["chars"]:
            if not char["c"].isspace():
                pending.append((char, span))
            elif pending:
                yield from _word(pending, run, upright)
                pending = []
    if pending:
        yield from _word(pending, run, upright)


def _word(
    chars: list[tuple[dict[str, Any], dict[str, Any]]], run: int, upright: bool
) -> Iterator[Word]:
    text = clean("".join(char["c"] for char, _ in chars))
    boxes = [char["bbox"] for char, _ in chars]
    box = Box(
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )
    first, span = chars[0]
    if text:
        yield Word(
            text=text,
            box=box,
            run=run,
            origin=first["origin"][1],
            size=span["size"],
            bold=bool(span["flags"] & BOLD),
            upright=upright,
        )


def _regions(groups: list[dict[str, Any]]) -> Iterator[Region]:
    for group in groups:
        box = as_box(group["group_bbox"])
        if box is None or box.width < THINNEST or box.height < THINNEST:
            continue
        grid = group.get("table_grid")
        yield Region(
            kind=LABELS[group["class_name"]],
            box=box,
            rows=tuple(box.y0 + float(y) for y in grid.h_lines) if grid else (),
            columns=tuple(box.x0 + float(x) for x in grid.v_lines) if grid else (),
        )


def as_box(values: Any) -> Box | None:
    """Make a Box of four numbers; None where they span no area."""
    x0, y0, x1, y1 = (float(value) for value in values[:4])
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def iso_date(value: str) -> str:
    """Turn a PDF date (D:YYYYMMDDHHmmSS...) into an ISO 8601 date and time, or nothing.

    Source: ISO 32000-1, 7.9.4. The time zone is left out: files seldom have it right.
    """
    match = re.match(r"D?:?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?", value)
    if not match:
        return ""
    year, month, day, hour, minute, second = (group or "" for group in match.groups())
    date = f"{year}-{month or '01'}-{day or '01'}"
    return f"{date}T{hour}:{minute}:{second or '00'}" if hour and minute else date
