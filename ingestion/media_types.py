"""Tell what a file is from what is in it, never from its name."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

# Enough to tell: a PDF's header may stand anywhere in the first kilobyte, its end mark in
# the last; whether bytes are text shows in much less.
HEAD_BYTES, TAIL_BYTES = 64 * 1024, 64 * 1024


@dataclass(frozen=True, slots=True)
class MediaType:
    """A kind of file that is taken; `name` is its IANA media type, `label` is for people."""

    name: str
    extension: str
    label: str


PDF = MediaType("application/pdf", ".pdf", "PDF")
EPUB = MediaType("application/epub+zip", ".epub", "EPUB")
TEXT = MediaType("text/plain", ".txt", "plain text")
PNG = MediaType("image/png", ".png", "PNG")
JPEG = MediaType("image/jpeg", ".jpg", "JPEG")
TIFF = MediaType("image/tiff", ".tiff", "TIFF")
WEBP = MediaType("image/webp", ".webp", "WebP")

TAKEN = (PDF, EPUB, TEXT, PNG, JPEG, TIFF, WEBP)
BY_NAME = {kind.name: kind for kind in TAKEN}

PDF_END = re.compile(rb"startxref\s+\d+\s+%%EOF")
MARKUP = (b"{\\rtf", b"%!ps", b"<?xml", b"<!doctype", b"<html", b"<svg")
BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Of control characters text has tabs, line and form feeds, carriage returns and escapes.
TEXT_BYTES = frozenset((*range(9, 14), 27, *range(32, 256)))
# Western 8-bit text has few accented letters; what has many is binary, or of another script.
MOST_HIGH_BYTES = 0.3


def labels() -> str:
    """Return the kinds that are taken, as a list in a sentence."""
    *most, last = (kind.label for kind in TAKEN)
    return f"{', '.join(most)} and {last}"


def of_file(path: Path) -> MediaType | None:
    """Return what the file is; None when it is nothing that is taken."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        return detect(head, file.read())


def detect(head: bytes, tail: bytes) -> MediaType | None:
    """Return the kind of file that begins with `head` and ends with `tail`."""
    if _is_pdf(head, tail):
        return PDF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith((b"II*\0", b"MM\0*")):
        return TIFF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(b"PK\x03\x04") and _is_epub(head, tail):
        return EPUB
    return TEXT if _is_text(head, tail) else None


def _is_pdf(head: bytes, tail: bytes) -> bool:
    # Readers accept a header anywhere in the first kilobyte, and repair files without one.
    if b"%PDF-" in head[:1024] or PDF_END.search(tail):
        return True
    # A text may speak of such marks.
    return (b"startxref" in tail or b"%%EOF" in tail[-1024:]) and not _is_text(head, tail)


def _is_epub(head: bytes, tail: bytes) -> bool:
    # The type stands at the very beginning, or at least the list of files at the end tells.
    return b"application/epub+zip" in head[:100] or b"META-INF/container.xml" in tail


def _is_text(head: bytes, tail: bytes) -> bool:
    """Tell whether a file reads as text: UTF-8, UTF-16 with its mark, or 8-bit and Western."""
    if head.startswith(BYTE_ORDER_MARKS):
        return True
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower().startswith(MARKUP):
        return False
    if not TEXT_BYTES.issuperset(head) or not TEXT_BYTES.issuperset(tail):
        return False
    high = sum(byte >= 128 for byte in head)
    return high < MOST_HIGH_BYTES * len(head) or _is_utf8(head)


def _is_utf8(data: bytes) -> bool:
    try:
        # Not final: the part may end in the middle of a character.
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True
