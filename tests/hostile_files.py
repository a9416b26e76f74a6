"""Small files made to break whoever reads them: damaged, endless, or bombs once unpacked."""

from __future__ import annotations

import zlib

import pymupdf

from tests.factories import endless_page, pdf_bytes

BOMB_MB = 150


def hostile_files() -> dict[str, bytes]:
    """Return file names and contents; none is larger than a megabyte."""
    good = pdf_bytes([f"Page {number} tells of the harbour." for number in range(1, 4)])
    return {
        "empty.pdf": b"",
        "page_of_html.pdf": b"<html><body>No PDF at all</body></html>" + bytes(range(256)),
        "only_a_head.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "cut_in_half.pdf": good[: len(good) // 2],
        "zeros_in_the_middle.pdf": good[:400] + bytes(300) + good[700:],
        "protected.pdf": pdf_bytes(password="secret"),
        "no_pages.pdf": _pdf({1: _CATALOG, 2: b"<</Type/Pages/Kids[]/Count 0>>"}),
        "lost_pages.pdf": _pdf({1: _CATALOG, 2: b"<</Type/Pages/Kids[9 0 R]/Count 0>>"}),
        "tree_of_itself.pdf": _pdf({1: _CATALOG, 2: b"<</Type/Pages/Kids[2 0 R]/Count 1>>"}),
        "a_billion_pages.pdf": _pdf(
            {1: _CATALOG, 2: b"<</Type/Pages/Kids[3 0 R]/Count 999999999>>", 3: _page()}
        ),
        "text_bomb.pdf": _text_bomb(),
        "one_bad_page_of_three.pdf": _endless_between_good_pages(),
        "drawing_of_itself.pdf": _drawing_of_itself(),
        "picture_bomb.pdf": _picture_bomb(),
        "deep_nest.pdf": _one_page(_stream(b"q " * 200_000 + b"[" * 200_000)),
        "endless_sheet.pdf": _pdf(
            {1: _CATALOG, 2: _PAGES, 3: _page(b"/MediaBox[0 0 9999999 9999999]")}
        ),
        "sheet_of_nothing.pdf": _pdf({1: _CATALOG, 2: _PAGES, 3: _page(b"/MediaBox[0 0 0 0]")}),
        "runs_a_script.pdf": _pdf(
            {
                1: b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(while(1);)>>>>",
                2: _PAGES,
                3: _page(),
            }
        ),
    }


_CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
_PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"


def _page(extra: bytes = b"/MediaBox[0 0 612 792]") -> bytes:
    return b"<</Type/Page/Parent 2 0 R" + extra + b">>"


def _one_page(contents: bytes) -> bytes:
    page = _page(b"/MediaBox[0 0 612 792]/Contents 4 0 R")
    return _pdf({1: _CATALOG, 2: _PAGES, 3: page, 4: contents})


def _text_bomb() -> bytes:
    return _one_page(_flate(b"0 0 m " * (BOMB_MB * 2**20 // 6)))


def _endless_between_good_pages() -> bytes:
    with pymupdf.open(stream=pdf_bytes(["Ships enter."])) as document:
        endless_page(document)
        document.insert_pdf(pymupdf.open(stream=pdf_bytes(["Ships leave."])))
        return bytes(document.tobytes())


def _drawing_of_itself() -> bytes:
    resources = b"/Resources<</XObject<</F 4 0 R>>>>"
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]" + resources
    page = _page(b"/MediaBox[0 0 612 792]/Contents 5 0 R" + resources)
    again = _stream(b"/F Do " * 2000, form)
    return _pdf({1: _CATALOG, 2: _PAGES, 3: page, 4: again, 5: _stream(b"/F Do")})


def _picture_bomb() -> bytes:
    side = 30_000
    facts = (
        b"/Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8"
        b"/Width %d/Height %d" % (side, side)
    )
    squeezed = zlib.compress(bytes(side * 300), 9)
    page = _page(
        b"/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</XObject<</I 4 0 R>>>>",
    )
    picture = _stream(squeezed, facts + b"/Filter/FlateDecode")
    drawn = _stream(b"612 0 0 792 0 0 cm /I Do")
    return _pdf({1: _CATALOG, 2: _PAGES, 3: page, 4: picture, 5: drawn})


def _flate(data: bytes) -> bytes:
    return _stream(zlib.compress(data, 1), b"/Filter/FlateDecode")


def _stream(data: bytes, facts: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (facts, len(data), data)


def _pdf(objects: dict[int, bytes]) -> bytes:
    body, places = b"%PDF-1.7\n", []
    for number, content in objects.items():
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % size
    tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(body))
    return body + head + table + tail
