"""Letters that a font's map to Unicode leaves out are not taken for what their numbers mean."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from ingestion.font_maps import FontMap, read_map
from ingestion.pdf import PdfFile


def page_words(
    path: Path,
    text: str,
    mapped: str,
    *,
    encoding: bool = False,
    says: str = "",
    map_of: int = 0,
) -> list[str]:
    """The words of a page whose font has a map that knows the `mapped` letters alone.

    `says` is what the file says of the text itself; `map_of` is another object than the map.
    """
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 72), text)
    (font,) = {found[0] for found in page.get_fonts()}
    written = document.get_new_xref()
    document.update_object(written, "<<>>")
    pairs = "".join(f"<{ord(char):02x}> <{ord(char):04x}>\n" for char in mapped)
    document.update_stream(written, f"{len(mapped)} beginbfchar\n{pairs}endbfchar".encode())
    document.xref_set_key(font, "ToUnicode", f"{map_of or written} 0 R")
    if not encoding:
        document.xref_set_key(font, "Encoding", "null")
    if says:
        (contents,) = page.get_contents()
        plain = document.xref_stream(contents)
        spoken = b"/Span <</ActualText %s>> BDC\n%s\nEMC" % (says.encode(), plain)
        document.update_stream(contents, spoken)
    document.save(path)
    with PdfFile(path, layout=False) as file, file.page(1) as one:
        return [word.text for word in one.words()]


def test_what_the_map_leaves_out_is_unknown(tmp_path: Path) -> None:
    assert page_words(tmp_path / "a.pdf", "the o@ice", "theoic") == ["the", "o\ufffdice"]


def test_a_font_that_names_its_letters_is_believed(tmp_path: Path) -> None:
    assert page_words(tmp_path / "a.pdf", "me@home", "mehome", encoding=True) == ["me@home"]
    assert page_words(tmp_path / "b.pdf", "me@home", "me@home") == ["me@home"]


def test_what_a_file_says_of_its_text_is_believed(tmp_path: Path) -> None:
    spoken = page_words(tmp_path / "a.pdf", "the o@ice", "theoic", says="(the o@ice)")
    assert spoken == ["the", "o@ice"]


def test_a_map_that_is_not_there_costs_no_page(tmp_path: Path) -> None:
    assert page_words(tmp_path / "a.pdf", "the o@ice", "theoic", map_of=9999) == ["the", "o@ice"]


@pytest.mark.parametrize(
    ("cmap", "numbers", "letters"),
    [
        (b"beginbfchar <21> <0041> <22> <00660069> endbfchar", {0x21, 0x22}, "Afi"),
        (b"beginbfrange <21><23><0061> endbfrange", {0x21, 0x22, 0x23}, "abc"),
        (b"beginbfrange <30><31><00660069> endbfrange", {0x30, 0x31}, "fij"),
        (b"beginbfrange <21> <22> [<0041> <D83DDE00>] endbfrange", {0x21, 0x22}, "A\U0001f600"),
        (b"beginbfchar <21> <FB01> endbfchar", {0x21}, "\ufb01fi"),
        (b"beginbfrange <23> <21> <0061> endbfrange", set(), ""),
        (b"", set(), ""),
    ],
)
def test_maps_are_read(cmap: bytes, numbers: set[int], letters: str) -> None:
    assert read_map(cmap) == FontMap(frozenset(numbers), frozenset(letters))


def test_a_map_without_end_is_cut() -> None:
    told = read_map(b"beginbfrange <00> <ffffff> <ffff> endbfrange")
    assert (len(told.numbers), len(told.letters) >= 1) == (256, True)
