from ingestion.formulas import latex_lines
from ingestion.layout import Box
from ingestion.raw_page import Word


def sign(text: str, x: float, *, up: float = 0.0, size: float = 10.0, baseline: float = 100.0):
    """Set a sign whose letters are half a size wide, `up` points above the baseline."""
    origin = baseline - up
    box = Box(x, origin - 0.8 * size, x + len(text) * size / 2, origin + 0.2 * size)
    return Word(text, box, run=0, origin=origin, size=size)


def latex(*signs: Word, certain: bool = False) -> list[str] | None:
    found = latex_lines(signs, certain=certain)
    return None if found is None else [text for text, _ in found]


def test_what_is_raised_is_a_power_and_what_is_lowered_an_index() -> None:
    assert latex(
        sign("a", 0), sign("2", 5, up=4, size=7), sign("+", 12), sign("b", 20),
        sign("n", 25, up=-2, size=7), sign("=", 32), sign("c", 40),
    ) == ["a^{2}+b_{n}=c"]  # fmt: skip


def test_letters_of_one_word_may_be_raised() -> None:
    parts = (sign("c", 20), sign("2", 25, up=4, size=7))
    word = Word("c2", Box(20, 90, 29, 102), run=0, origin=100, size=10, parts=parts)
    assert latex(sign("E=", 0), sign("m", 14), word) == ["E=mc^{2}"]


def test_what_stands_above_and_below_the_line_is_a_fraction() -> None:
    assert latex(
        sign("x", 0), sign("=", 10), sign("∂B", 20, up=7), sign("∂t", 20, up=-7),
    ) == [r"x=\frac{\partial B}{\partial t}"]  # fmt: skip


def test_an_integral_has_its_limits() -> None:
    assert latex(
        sign("∫", 0), sign("b", 6, up=11, size=7), sign("a", 5, up=-9, size=7),
        sign("f(x)", 12), sign("dx", 34), sign("=", 46), sign("0", 54),
    ) == [r"\int_{a}^{b}f(x)dx=0"]  # fmt: skip


def test_each_relation_has_its_line() -> None:
    first = (sign("a", 0), sign("=", 10), sign("b", 18), sign("2", 23, up=4, size=7))
    second = (sign("αx", 0, baseline=130), sign("=", 12, baseline=130), sign("y", 20, baseline=130))
    assert latex(*first, *second) == ["a=b^{2}", r"\alpha x=y"]


def test_plain_text_is_no_formula() -> None:
    assert latex(sign("total", 0), sign("=", 30), sign("2", 40, up=4, size=7)) is None
    assert latex(sign("Note", 0), sign("1", 20, up=4, size=7), sign("b", 30)) is None
    assert latex(sign("a", 0), sign("=", 10), sign("b", 20)) is None


def test_a_certain_formula_may_hold_words() -> None:
    assert latex(
        sign("rate", 0), sign("=", 24), sign("x", 32), sign("2", 37, up=4, size=7), certain=True
    ) == [r"\text{rate}=x^{2}"]


def test_labels_of_a_chart_are_no_formula() -> None:
    axis = (sign(str(n), 10 * n, baseline=160) for n in range(5))
    assert (
        latex(sign("y", 0), sign("=", 8), sign("x", 14), sign("2", 19, up=4, size=7), *axis) is None
    )
