import pytest

from ingestion.text_repair import clean, tex_ligature


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("eﬃcient ﬂow", "efficient flow"),
        ("co\u00adoperate", "cooperate"),
        ("co\u00ad", "co-"),
        ("a\u00a0 b\tc", "a b c"),
        ("nul\x00l", "null"),
        ("\uf0b7 Gym \uf0fc", "• Gym ✓"),
        ("e\u0301", "é"),
        ("\ud800lone", "lone"),
        ("½ m²", "½ m²"),
        ("\uf731\uf739\uf732\uf730", "1920"),
        ("N\uf761\uf773\uf761", "NASA"),
        ("\uf7e9t\uf7e9", "ÉtÉ"),
    ],
)
def test_mends(broken: str, mended: str) -> None:
    assert clean(broken) == mended


@pytest.mark.parametrize(
    ("before", "char", "after", "letters"),
    [
        ("e", "\x0e", "c", "ffi"),
        ("", "\x0c", "n", "fi"),
        ("a", "\x0b", ".", "ff"),
        ("r", "\x1d", "e", "fl"),
        ("d", "\r", "", ""),
        (" ", "\x0b", " ", ""),
        ("a", "b", "c", ""),
    ],
)
def test_tells_ligatures_from_what_draws_nothing(before, char, after, letters) -> None:
    assert tex_ligature(before, char, after) == letters
