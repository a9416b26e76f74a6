"""Make a long document: chapters of made-up text with tables, charts, photographs and scans."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pymupdf
from PIL import Image

LEFT, TOP, RIGHT, BOTTOM = 72.0, 72.0, 523.0, 770.0
LINE = 14.0
# Every so many pages there is a new chapter, a table, a chart, a photograph, a scan.
CHAPTER, TABLE, CHART, PHOTOGRAPH, SCAN = 12, 3, 5, 7, 50
SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu", "plo", "cri", "sto", "den")


def write_long_document(target: Path, *, pages: int, seed: int = 7) -> None:
    """Write a PDF of so many pages of which no two are the same, and an outline."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(4000)]
    outline: list[list[object]] = []
    with pymupdf.open() as document:
        for number in range(1, pages + 1):
            page = document.new_page(width=595, height=842)
            if number % CHAPTER == 1:
                outline.append([1, f"Chapter {1 + number // CHAPTER}", number])
            shape = page.new_shape()
            _fill(shape, number, words, chance)
            shape.commit()
            if number % SCAN == 0:
                _become_a_scan(page)
        document.set_toc(outline)
        document.save(target, garbage=1, deflate=True)


def _fill(shape: pymupdf.Shape, number: int, words: list[str], chance: random.Random) -> None:
    shape.insert_text((LEFT, 40), "The long document", fontsize=8)
    shape.insert_text((RIGHT - 10, 810), str(number), fontsize=8)
    y = TOP
    if number % CHAPTER == 1:
        shape.insert_text((LEFT, y), f"Chapter {1 + number // CHAPTER}", fontsize=20)
        y += 40
    if number % TABLE == 0:
        y = _table(shape, y, number, words, chance)
    if number % CHART == 0:
        y = _chart(shape, y, number, chance)
    if number % PHOTOGRAPH == 0:
        y = _photograph(shape, y, number, chance)
    while y < BOTTOM - 5 * LINE:
        y = _paragraph(shape, y, words, chance)


def _paragraph(shape: pymupdf.Shape, y: float, words: list[str], chance: random.Random) -> float:
    room = int((BOTTOM - y) / LINE) - 1
    lines = min(room, chance.randint(3, 9))
    text = [" ".join(chance.choices(words, k=11)).capitalize()[:90] + "." for _ in range(lines)]
    shape.insert_text((LEFT, y), text, fontsize=10, lineheight=LINE / 10)
    return y + (lines + 1) * LINE


def _table(
    shape: pymupdf.Shape, y: float, number: int, words: list[str], chance: random.Random
) -> float:
    shape.insert_text((LEFT, y), f"Table {number}: Yields of the stations, in tonnes", fontsize=9)
    width, columns, rows = (RIGHT - LEFT) / 5, 5, chance.randint(8, 14)
    top = y + 8
    for row in range(rows + 1):
        for column in range(columns):
            named = row == 0 or column == 0
            text = chance.choice(words) if named else f"{chance.randint(10, 99_999):,}"
            at = (LEFT + column * width + 4, top + row * LINE + 11)
            shape.insert_text(at, text, fontsize=9)
    for row in range(rows + 2):
        shape.draw_line((LEFT, top + row * LINE), (RIGHT, top + row * LINE))
    for column in range(columns + 1):
        x = LEFT + column * width
        shape.draw_line((x, top), (x, top + (rows + 1) * LINE))
    shape.finish(width=0.5)
    return top + (rows + 2) * LINE + LINE


def _chart(shape: pymupdf.Shape, y: float, number: int, chance: random.Random) -> float:
    floor = y + 130
    shape.draw_line((LEFT, floor), (RIGHT, floor))
    shape.draw_line((LEFT, y), (LEFT, floor))
    shape.finish()
    for bar in range(12):
        x, height = LEFT + 12 + 36 * bar, chance.randint(10, 120)
        color = (chance.random(), chance.random(), chance.random())
        shape.draw_rect((x, floor - height, x + 24, floor))
        shape.finish(fill=color, color=color)
        shape.insert_text((x, floor + 10), str(2000 + bar), fontsize=7)
    caption = f"Figure {number}: Yields by year, as reported by the stations"
    shape.insert_text((LEFT, floor + 26), caption, fontsize=9)
    return floor + 26 + 2 * LINE


def _photograph(shape: pymupdf.Shape, y: float, number: int, chance: random.Random) -> float:
    noise = Image.frombytes("RGB", (24, 16), chance.randbytes(24 * 16 * 3))
    stream = io.BytesIO()
    noise.resize((1200, 800), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=85)
    shape.page.insert_image((LEFT, y, LEFT + 240, y + 160), stream=stream.getvalue())
    shape.insert_text((LEFT, y + 174), f"Plate {number}: The station at dawn", fontsize=9)
    return y + 174 + 2 * LINE


def _become_a_scan(page: pymupdf.Page) -> None:
    """Leave of the page nothing but its picture."""
    picture = page.get_pixmap(dpi=150, colorspace=pymupdf.csGRAY).tobytes("jpeg")
    document, number = page.parent, page.number
    document.delete_page(number)
    document.new_page(number, width=595, height=842).insert_image((0, 0, 595, 842), stream=picture)
