"""Files are told apart by what is in them."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from ingestion import media_types
from ingestion.media_types import EPUB, JPEG, PDF, PNG, TEXT, TIFF, WEBP
from tests.factories import image_bytes, pdf_bytes


def zip_bytes(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "application/epub+zip" if name == "mimetype" else "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("pdf", pdf_bytes(), PDF),
        ("pdf behind junk", b"junk before it\n" + pdf_bytes(), PDF),
        ("pdf without header", pdf_bytes().replace(b"%PDF-", b"%XXX-"), PDF),
        ("png", image_bytes("PNG"), PNG),
        ("jpeg", image_bytes("JPEG"), JPEG),
        ("tiff", image_bytes("TIFF"), TIFF),
        ("webp", image_bytes("WEBP"), WEBP),
        ("epub", zip_bytes("mimetype", "META-INF/container.xml"), EPUB),
        ("epub in any order", zip_bytes("META-INF/container.xml", "mimetype"), EPUB),
        ("docx", zip_bytes("word/document.xml"), None),
        ("gif", image_bytes("GIF"), None),
        ("ascii", b"Plain words.\n", TEXT),
        ("text about pdf", b"The end says startxref, a number, and %%EOF.\n", TEXT),
        ("utf-8", "Größe: 漢字\n".encode(), TEXT),
        ("long utf-8", "漢字だけの文書。".encode() * 9000, TEXT),
        ("utf-16", "Größe\n".encode("utf-16"), TEXT),
        ("latin-1", "Die Größe der Bäume\n".encode("latin-1"), TEXT),
        ("text with a nul", b"text and \x00 nothing", None),
        ("text with a binary end", b"words " * 20_000 + b"\x00\x01", None),
        ("high bytes", bytes(range(128, 256)), None),
        ("html", b"<!DOCTYPE html><p>Hello</p>", None),
        ("rtf", b"{\\rtf1 Hello}", None),
        ("postscript", b"%!PS-Adobe-3.0\n", None),
        ("noise", random.Random(1).randbytes(4096), None),
    ],
    # The bytes would make names that differ from process to process.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_detects_by_content(name: str, data: bytes, kind: object, tmp_path: Path) -> None:
    file = tmp_path / "misleading.docx"
    file.write_bytes(data)
    assert media_types.of_file(file) == kind


def test_names_what_is_taken() -> None:
    assert media_types.labels() == "PDF, EPUB, plain text, PNG, JPEG, TIFF and WebP"
