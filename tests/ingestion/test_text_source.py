import pytest

from ingestion.layout import Box
from ingestion.text_source import added, assess, is_better, is_garbled, misread
from tests.ingestion.page_builders import words

PAGE = Box(0, 0, 600, 800)
PROSE = "The quick brown fox jumps over the lazy dog while nobody is looking at it. " * 4


def shifted(text: str) -> str:
    """Write every letter three places later, as a font without a map of its letters does."""
    return "".join(
        chr((ord(c) - 97 + 3) % 26 + 97) if c.islower() and c.isascii() else c for c in text
    )


@pytest.mark.parametrize(
    "text", [PROSE, "Größe und Überfluß, très élevé. " * 9, "XJ-9 " * 20, "你好世界" * 50]
)
def test_text_that_says_something_is_not_garbled(text: str) -> None:
    assert not is_garbled(text)


@pytest.mark.parametrize("text", [shifted(PROSE), "\ue012\ue044\ue010" * 30, "\ufffd\ufffda" * 9])
def test_text_of_a_broken_encoding_is_garbled(text: str) -> None:
    assert is_garbled(text)


def test_a_page_without_words_has_no_text_layer() -> None:
    assert assess([], [PAGE], PAGE) == "missing"


def test_a_stamp_on_a_scan_is_part_of_the_text() -> None:
    assert assess(words("RECEIVED 12 May", x=400, y=20), [PAGE], PAGE) == "partial"


def test_a_page_of_text_over_an_image_is_good() -> None:
    assert assess(words(PROSE * 2, x=10, y=10), [PAGE], PAGE) == "good"


BADLY_READ = "Schmi~TriggerSTROBEinput. previouslypublishedspecifications fl1ter " * 8


def test_a_page_that_was_badly_read_from_its_image_is_doubtful() -> None:
    layer = words(PROSE + BADLY_READ, x=10, y=10)
    assert assess(layer, [PAGE], PAGE) == "doubtful"
    assert assess(layer, [Box(0, 0, 600, 300)], PAGE) == "good"
    assert assess(words(PROSE * 2, x=10, y=10), [PAGE], PAGE) == "good"


def test_names_amounts_addresses_and_other_scripts_are_not_misread() -> None:
    text = "ann@mail.org www.a.com/x~y $1,250.00 85°C Q1 2023 10-K (EUR) 今天，天气好 “No”"
    assert misread(words(text, x=10, y=10)) == 0


def test_what_is_read_again_must_be_surer_and_say_as_much() -> None:
    layer = words(PROSE + BADLY_READ, x=10, y=10)
    again = words(PROSE * 3, x=10, y=10)
    assert is_better(again, 0.97, layer)
    assert not is_better(again, 0.7, layer)
    assert not is_better(again[:9], 0.97, layer)
    assert not is_better(layer, 0.97, layer)


def test_only_what_the_text_layer_lacks_is_added() -> None:
    stamp = words("RECEIVED", x=400, y=20, run=0)
    seen = [*words("RECEIVED", x=401, y=21, run=0), *words("Dear Sir", x=72, y=100, run=1)]
    more = added(seen, stamp)
    assert [(word.text, word.run) for word in more] == [("Dear", 2), ("Sir", 2)]
