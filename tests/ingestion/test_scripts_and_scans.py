"""Through the real parser: other scripts, page labels, pictures shown twice, mixed pages."""

from __future__ import annotations

import io
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageDraw

from ingestion.chunking import chunk_document
from ingestion.layout import ChunkDraft, PageContent
from ingestion.parsing import Limits, parse_pages
from tests.factories import pdf_bytes
from tests.ingestion.page_builders import word_count
from tests.ingestion.unnamed_ligatures import document_with_ligatures

LIMITS = Limits(memory_mb=2048, page_seconds=60)
HEBREW = "שלום עולם זה טקסט בעברית"
CHINESE = ("今天天气很好，我们一起去公园散步，", "然后回家吃晚饭。")
PROSE = "The harbour was quiet, and the boats lay still until the tide came in again. " * 5


def parsed(path: Path, document: pymupdf.Document) -> list[PageContent]:
    document.save(path)
    outcomes = parse_pages(path, range(1, document.page_count + 1), limits=LIMITS)
    return [outcome.content for outcome in outcomes if outcome.content is not None]


def test_hebrew_chinese_and_page_labels(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page()
    page.insert_htmlbox((72, 72, 540, 200), f'<p dir="rtl" style="font-size:16px">{HEBREW}</p>')
    page = document.new_page()
    for at, line in enumerate(CHINESE):
        page.insert_text((72, 100 + 20 * at), line, fontname="china-s", fontsize=14)
    document.set_page_labels([{"startpage": 0, "style": "r", "firstpagenum": 4}])
    hebrew, chinese = parsed(tmp_path / "a.pdf", document)
    assert [hebrew.label, chinese.label] == ["iv", "v"]
    assert {hebrew.text_source, chinese.text_source} == {"text_layer"}
    found = chunked([hebrew, chinese])
    assert [chunk.text for chunk in found] == [HEBREW, "".join(CHINESE)]


@pytest.mark.parametrize("name", ["a{}", "glyph{}", "uniE0{}"])
def test_ligatures_that_the_file_does_not_name_are_read(tmp_path: Path, name: str) -> None:
    """As codes of TeX, as glyphs without a meaning, and as private characters."""
    codes = {"<ff>": 11, "<fi>": 12, "<fl>": 13, "<ffi>": 14}
    document = document_with_ligatures(
        [
            "The e<ffi>cient o<ffi>ce <fi>nds that the re<fl>ex of the sta<ff> was good.",
            "Di<ff>erent of<fi>cers <fi>lled in the <fl>oor plan, and kept the pro<fi>t.",
        ],
        {key: name.format(code) for key, code in codes.items()},
    )
    (content,) = parsed(tmp_path / "a.pdf", document)
    text = " ".join(block.text for block in content.blocks).replace("\n", " ")
    assert "The efficient office finds that the reflex of the staff was good." in text
    assert "Different officers filled in the floor plan, and kept the profit." in text
    assert (content.text_source, content.warnings) == ("text_layer", ())


def test_a_picture_shown_twice_is_found_once_and_another_apart(tmp_path: Path) -> None:
    document = pymupdf.open()
    for seed in (1, 1, 2):
        page = document.new_page()
        page.insert_textbox((72, 400, 540, 600), PROSE, fontsize=11)
        page.insert_image((120, 90, 420, 340), stream=photograph(seed))
    pages = parsed(tmp_path / "a.pdf", document)
    assert [one.page for one in chunked(pages) if one.kind == "image"] == [1, 3]


def photograph(seed: int) -> bytes:
    """Draw something that is no text and no background: discs over a slope of grey."""
    image = Image.linear_gradient("L").resize((600, 500)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for at in range(6):
        x, y = (seed * 173 + at * 211) % 480, (seed * 97 + at * 149) % 380
        draw.ellipse((x, y, x + 110, y + 110), fill=(40 * at, 90, 255 - 40 * at))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def test_a_page_of_text_and_a_scan_has_the_words_of_both_where_they_stand(tmp_path: Path) -> None:
    printed = pymupdf.open("pdf", pdf_bytes(["Scanned words are found again."]))
    clip = pymupdf.Rect(60, 60, 300, 100)
    document = pymupdf.open()
    page = document.new_page()
    page.insert_textbox((72, 72, 540, 300), PROSE, fontsize=11)
    placed = pymupdf.Rect(72, 500, 552, 580)
    page.insert_image(placed, pixmap=printed[0].get_pixmap(dpi=200, clip=clip))
    (content,) = parsed(tmp_path / "a.pdf", document)
    assert content.text_source == "mixed"
    lines = [line for block in content.blocks for line in block.lines]
    (scanned,) = [line for line in lines if "Scanned words" in line.text]
    assert scanned.text == "Scanned words are found again."
    # Twice as large as on the page that was scanned, whose text begins at (72, 72).
    assert abs(scanned.box.x0 - (placed.x0 + 2 * 12)) < 6
    assert placed.y0 < scanned.box.y0 < scanned.box.y1 < placed.y1
    assert any(line.text.startswith("The harbour was quiet") for line in lines)


def chunked(pages: list[PageContent]) -> list[ChunkDraft]:
    return list(chunk_document(pages, count_tokens=word_count, max_tokens=200))
