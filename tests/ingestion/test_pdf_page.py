from ingestion.pdf_page import _split_line


def split(*pieces: tuple[str, float], size: float = 10.0) -> list[str]:
    """Set characters 5 points wide, each piece after white of so many points."""
    chars, x = [], 0.0
    for text, white in pieces:
        x += white
        for char in text:
            chars.append({"c": char, "bbox": (x, 0, x + 5, 10), "origin": (x, 8)})
            x += 5
    line = {"dir": (1, 0), "spans": [{"size": size, "flags": 0, "chars": chars}]}
    return [word.text for word in _split_line(line, 0)]


def test_words_end_at_spaces() -> None:
    assert split(("two words", 0)) == ["two", "words"]


def test_words_that_only_a_gap_sets_apart_are_two() -> None:
    assert split(("Table", 0), ("1", 1.4)) == ["Table", "1"]


def test_letters_set_wide_are_one_word() -> None:
    assert split(*((letter, 2.0) for letter in "WIDE")) == ["WIDE"]


def test_a_bracket_after_a_gap_is_no_word_of_its_own() -> None:
    assert split(("(27", 0), (")", 1.4)) == ["(27)"]


def test_a_space_in_whose_place_the_next_letter_stands_is_none() -> None:
    assert split(("NO", 0), (" ", -0.3), ("TE for", -5.0)) == ["NOTE", "for"]


def test_a_space_that_a_tight_line_leaves_no_room_is_one() -> None:
    assert split(("ended ", 0), ("December", -5.0)) == ["ended", "December"]
    assert split(("7", 0), (" ", -0.3), ("%", -5.0)) == ["7", "%"]
