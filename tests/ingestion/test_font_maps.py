"""Letters that a font's map to Unicode leaves out are not taken for what their numbers mean."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from ingestion.font_maps import letters_of
from ingestion.pdf import PdfFile


def page_words(path: Path, text: str, mapped: str, *, encoding: bool = False) -> list[str]:
    """The words of a page whose font has a map that knows the `mapped` letters alone."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 72), text)
    (font,) = {found[0] for found in page.get_fonts()}
    map_of = document.get_new_xref()
    document.update_object(map_of, "<<>>")
    pairs = "".join(f"<{ord(char):02x}> <{ord(char):04x}>\n" for char in mapped)
    document.update_stream(map_of, f"{len(mapped)} beginbfchar\n{pairs}endbfchar".encode())
    document.xref_set_key(font, "ToUnicode", f"{map_of} 0 R")
    if not encoding:
        document.xref_set_key(font, "Encoding", "null")
    document.save(path)
    with PdfFile(path, layout=False) as file, file.page(1) as one:
        return [word.text for word in one.words()]


def test_what_the_map_leaves_out_is_unknown(tmp_path: Path) -> None:
    assert page_words(tmp_path / "a.pdf", "the o@ice", "theoic") == ["the", "o\ufffdice"]


def test_a_font_that_names_its_letters_is_believed(tmp_path: Path) -> None:
    assert page_words(tmp_path / "a.pdf", "me@home", "mehome", encoding=True) == ["me@home"]
    assert page_words(tmp_path / "b.pdf", "me@home", "me@home") == ["me@home"]


@pytest.mark.parametrize(
    ("cmap", "letters"),
    [
        (b"beginbfchar <21> <0041> <22> <00660069> endbfchar", "Afi"),
        (b"beginbfrange <21><23><0061> <30><31><00660069> endbfrange", "abcfij"),
        (b"beginbfrange <21> <22> [<0041> <D83DDE00>] endbfrange", "A\U0001f600"),
        (b"beginbfrange <00> <ff> <ffff> endbfrange beginbfchar <2> <> endbfchar", None),
        (b"", ""),
    ],
)
def test_maps_are_read(cmap: bytes, letters: str | None) -> None:
    if letters is None:
        assert len(letters_of(cmap)) == 256
    else:
        assert letters_of(cmap) == frozenset(letters)
