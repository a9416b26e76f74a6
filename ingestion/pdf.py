"""PDF files behind plain data: opened, unlocked, and asked what they say of themselves.

Only the parsing child imports this module. Whatever a file contains, the library's errors
leave here as `PdfError` (this page, this part) or `CannotOpen` (the whole file).
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ingestion.errors import PermanentError
from ingestion.layout import DocumentFacts
from ingestion.pdf_library import PdfError, load_library, translated
from ingestion.pdf_page import PdfPage, show_upright
from ingestion.text_repair import clean

# Longer ones help nobody to find a page, and are loaded with the document.
LONGEST_OUTLINE, LONGEST_TITLE = 10_000, 300


class CannotOpen(PermanentError):
    """The file as a whole is of no use; `code` is encrypted, wrong_password, damaged or empty."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


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
            raise self._without_pages()
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

    def _without_pages(self) -> CannotOpen:
        """Tell a document that says that it has no pages from one that has lost them."""
        kids = self._part(lambda: self._document.xref_get_key(-1, "Root/Pages/Kids"), None)
        if kids == ("array", "[]"):
            return CannotOpen("empty", "It has no pages.")
        return CannotOpen("damaged", "No page can be found in it: it is damaged.")

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
        """Read page count, metadata and outline."""
        return DocumentFacts(self.page_count, self._metadata(), self._outline)

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
        return outline_of(entries, self.page_count)

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
            show_upright(page)
        yield PdfPage(page, self._library, number, self.label(number))
        # The library keeps fonts and images of past pages: at most this much of it.
        self._library.TOOLS.store_shrink(50)


def outline_of(entries: Iterable[Any], page_count: int) -> tuple[tuple[int, str, int], ...]:
    """Return the titled entries that lead to a page, at most LONGEST_OUTLINE of them."""
    found = (
        (int(level), clean(title)[:LONGEST_TITLE], int(page))
        for level, title, page in entries
        if clean(title) and 1 <= int(page) <= page_count
    )
    return tuple(itertools.islice(found, LONGEST_OUTLINE))


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
