"""Small real things to test with: PDFs built on the spot, users, uploads."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import pymupdf
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw


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


def image_bytes(kind: str = "PNG", *, frames: int = 1) -> bytes:
    """Draw a picture of A4 size at 72 dots per inch; several frames make a multi-page TIFF."""
    images = [Image.new("RGB", (595, 842), "white") for _ in range(frames)]
    for number, image in enumerate(images, start=1):
        ImageDraw.Draw(image).text((60, 60), f"Frame {number}", fill="black", font_size=40)
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(buffer, kind, **more)
    return buffer.getvalue()


EPUB_FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>'
    ),
    "book.opf": (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A Small Book</dc:title>'
        "<dc:creator>Ann Author</dc:creator></metadata><manifest>"
        '<item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c1"/></spine></package>'
    ),
    "c1.xhtml": (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head><body>'
        "<h1>Chapter One</h1><p>It was a bright cold day in April.</p></body></html>"
    ),
}


def epub_bytes() -> bytes:
    """Build an EPUB of one chapter, by Ann Author."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in EPUB_FILES.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def upload(data: bytes | None = None, name: str = "report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, pdf_bytes() if data is None else data, "application/pdf")


def endless_page(document: pymupdf.Document) -> None:
    """Add a page whose drawing calls itself in ten levels of ten: ten billion squares."""
    inner = document.get_new_xref()
    document.update_object(inner, "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]>>")
    document.update_stream(inner, b"0 0 5 5 re f")
    for _ in range(10):
        outer = document.get_new_xref()
        resources = f"<</XObject<</X {inner} 0 R>>>>"
        document.update_object(
            outer, f"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources{resources}>>"
        )
        document.update_stream(outer, b"/X Do " * 10)
        inner = outer
    page = document.new_page()
    document.xref_set_key(page.xref, "Resources", f"<</XObject<</X {inner} 0 R>>>>")
    contents = document.get_new_xref()
    document.update_object(contents, "<<>>")
    document.update_stream(contents, b"/X Do")
    document.xref_set_key(page.xref, "Contents", f"{contents} 0 R")
