from ingestion.headings import heading_levels
from tests.ingestion.page_builders import block


def levels(*headings: tuple[str, float]) -> list[int]:
    blocks = [block(text, kind="heading", size=size) for text, size in headings]
    return list(heading_levels(blocks).values())


def test_larger_headings_stand_above_smaller_ones() -> None:
    assert levels(("Report", 20), ("Part", 14), ("Detail", 11), ("Part two", 14.2)) == [1, 2, 3, 2]


def test_numbers_tell_the_depth() -> None:
    assert levels(("1 Introduction", 12), ("1.1 Aim", 12), ("1.1.2 Scope", 12)) == [1, 2, 3]


def test_the_outline_is_believed_and_spreads_to_the_same_size() -> None:
    blocks = [
        block("Known", kind="heading", size=12, level=2),
        block("Unknown", kind="heading", size=12),
        block("Smaller", kind="heading", size=10),
    ]
    assert list(heading_levels(blocks).values()) == [2, 2, 3]


def test_text_has_no_level() -> None:
    assert heading_levels([block("text")]) == {}
