from dataclasses import replace

import pytest

from ingestion.holes import filled, has_hole
from tests.ingestion.page_builders import words


def line(text: str) -> list:
    return words(text, x=72, y=100)


@pytest.mark.parametrize("text", ["e\ufffdcient", "\ue021nds", "sta\ue024", "it\ufffds"])
def test_a_word_of_which_a_sign_is_unknown_has_a_hole(text: str) -> None:
    (word,) = line(text)
    assert has_hole(word)


@pytest.mark.parametrize("text", ["efficient", "\uf0b7", "\ufffd\u2192r", "Größe", "\uf0b7(item"])
def test_bullets_and_signs_in_formulas_are_no_holes(text: str) -> None:
    (word,) = line(text)
    assert not has_hole(word)


def test_a_hole_is_filled_with_what_was_seen_between_the_known_letters() -> None:
    broken, seen = line("The e\ufffdcient sta\ufffd."), line("The efficient staff.")
    assert [word.text for word in filled(broken, seen)] == ["The", "efficient", "staff."]
    assert [word.box for word in filled(broken, seen)] == [word.box for word in broken]


def test_a_hole_stays_where_other_letters_were_seen_or_none() -> None:
    broken = line("e\ufffdcient")
    assert filled(broken, line("effluent")) == tuple(broken)
    assert filled(broken, []) == tuple(broken)
    elsewhere = [replace(w, box=replace(w.box, y0=300, y1=310)) for w in line("efficient")]
    assert filled(broken, elsewhere) == tuple(broken)


def test_a_glyph_that_was_told_twice_is_known_where_it_was_misread() -> None:
    broken = line("\ue021nds pro\ue021t \ue021ve")
    read = [word.text for word in filled(broken, line("finds profit ve"))]
    assert read == ["finds", "profit", "five"]
    unknown = line("\ufffdnds pro\ufffdt \ufffdve")
    assert filled(unknown, line("finds profit ve"))[2].text == "\ufffdve"
