import itertools

from hypothesis import given
from hypothesis import strategies as st

from ingestion.packing import pack

SENTENCES = [f"This is sentence number {n}." for n in range(40)]


def cost(text: str) -> int:
    return len(text.split())


def test_a_short_text_is_one_piece() -> None:
    assert pack("One. Two.", cost=cost, budget=10) == [(0, 9)]


def test_pieces_end_with_sentences_and_are_about_equal() -> None:
    text = " ".join(SENTENCES)
    pieces = [text[start:end].strip() for start, end in pack(text, cost=cost, budget=60)]
    assert all(piece.endswith(".") for piece in pieces)
    assert min(cost(piece) for piece in pieces) > 30


def test_a_cut_says_the_last_sentence_again() -> None:
    text = " ".join(SENTENCES)
    ranges = pack(text, cost=cost, budget=60)
    overlaps = [first[1] - second[0] for first, second in itertools.pairwise(ranges)]
    assert all(0 < overlap < 60 for overlap in overlaps)


def test_a_paragraph_is_rather_not_cut() -> None:
    text = " ".join(SENTENCES[:7]) + "\n" + " ".join(SENTENCES[7:13])
    first, _ = pack(text, cost=cost, budget=40)
    assert text[first[1] - 1] == "\n"


def test_text_without_spaces_is_cut_too() -> None:
    ranges = pack("字" * 500, cost=len, budget=100)
    assert all(end - start <= 100 for start, end in ranges)


@given(st.text(), st.integers(1, 40))
def test_pieces_cover_the_text_within_the_budget(text: str, budget: int) -> None:
    ranges = pack(text, cost=cost, budget=budget)
    reached = 0
    for start, end in ranges:
        assert start <= reached < end
        assert cost(text[start:end]) <= budget
        reached = end
    assert reached == len(text)
