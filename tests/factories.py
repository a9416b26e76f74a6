"""Small real things to test with: PDFs built on the spot, users, uploads."""

from __future__ import annotations

from collections.abc import Sequence

import pymupdf
from django.core.files.uploadedfile import SimpleUploadedFile


def pdf_bytes(pages: Sequence[str] = ("Hello from page one.",), *, password: str = "") -> bytes:
    """Build a PDF with one page per text; with a password, it is encrypted by AES-256."""
    document = pymupdf.open()
    for text in pages:
        page = document.new_page()
        page.insert_textbox(pymupdf.Rect(72, 72, 540, 720), text, fontsize=11)
    document.set_metadata({"title": ""})
    options = (
        {
            "encryption": pymupdf.PDF_ENCRYPT_AES_256,
            "user_pw": password,
            "owner_pw": password,
        }
        if password
        else {}
    )
    return document.tobytes(**options)


def upload(data: bytes | None = None, name: str = "report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, pdf_bytes() if data is None else data, "application/pdf")
