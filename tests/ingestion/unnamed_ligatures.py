"""A page whose font draws its ligatures, and does not say what they are."""

from __future__ import annotations

import pymupdf

GLYPHS = {"<fi>": "fi", "<ffi>": "ffi", "<fl>": "fl", "<ff>": "ff"}
SIZE, LEFT, TOP, LINE = 11, 72, 90, 18


def document_with_ligatures(lines: list[str], names: dict[str, str]) -> pymupdf.Document:
    """Write lines in which "<fi>" and the like are glyphs with names of the caller's choice."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((LEFT, 40), "Heading", fontsize=14)
    font = _font(document, [(names[key], GLYPHS[key]) for key in names])
    resources = int(document.xref_get_key(page.xref, "Resources")[1].split()[0])
    document.xref_set_key(resources, "Font/T3", f"{font} 0 R")
    codes = {key: f"{code:02x}" for code, key in enumerate(names, start=1)}
    shown = "".join(_line(line, codes, TOP + LINE * at) for at, line in enumerate(lines))
    (contents,) = page.get_contents()
    document.update_stream(contents, document.xref_stream(contents) + shown.encode())
    return pymupdf.open("pdf", document.tobytes())


def _line(line: str, codes: dict[str, str], y: float) -> str:
    for key in codes:
        line = line.replace(key, f"\0{key}\0")
    parts = [
        f"/T3 {SIZE} Tf <{codes[part]}> Tj" if part in codes else f"/helv {SIZE} Tf ({part}) Tj"
        for part in line.split("\0")
        if part
    ]
    return f"\nBT {LEFT} {842 - y} Td {' '.join(parts)} ET"


def _font(document: pymupdf.Document, glyphs: list[tuple[str, str]]) -> int:
    """Make a font whose glyphs are programs that draw letters of Helvetica."""
    drawn, widths = [], []
    for name, letters in glyphs:
        width = 1000 * pymupdf.get_text_length(letters, fontsize=1)
        widths.append(f"{width:.0f}")
        program = document.get_new_xref()
        document.update_object(program, "<<>>")
        text = f"{width:.0f} 0 d0 BT /H 1000 Tf ({letters}) Tj ET"
        document.update_stream(program, text.encode())
        drawn.append(f"/{name} {program} 0 R")
    font = document.get_new_xref()
    helvetica = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    document.update_object(
        font,
        f"<</Type/Font/Subtype/Type3/FontBBox[0 0 0 0]/FontMatrix[.001 0 0 .001 0 0]"
        f"/CharProcs<<{''.join(drawn)}>>/Resources<</Font<</H {helvetica}>>>>"
        f"/Encoding<</Type/Encoding/Differences[1{''.join('/' + name for name, _ in glyphs)}]>>"
        f"/FirstChar 1/LastChar {len(glyphs)}/Widths[{' '.join(widths)}]>>",
    )
    return font
