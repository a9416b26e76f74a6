from ingestion.layout import BlockKind, Box
from ingestion.raw_page import RawPage, Region
from ingestion.regions import share_out, tidy
from tests.ingestion.page_builders import words


def region(kind: BlockKind, *box: float) -> Region:
    return Region(kind, Box(*box))


def kinds(*regions: Region, rasters: tuple[Box, ...] = (), text: str = "") -> list[str]:
    raw = RawPage(600, 800, tuple(words(text, x=100, y=100)), regions, rasters)
    return sorted(kept.kind for kept in tidy(raw))


def test_what_lies_in_a_table_is_part_of_it() -> None:
    inner = region("text", 110, 110, 200, 120)
    assert kinds(region("table", 100, 100, 400, 300), inner) == ["table"]


def test_a_picture_behind_the_text_is_a_background() -> None:
    text = region("text", 100, 100, 500, 300)
    assert kinds(region("picture", 0, 0, 600, 800), text) == ["text"]


def test_hairlines_and_specks_are_no_figures() -> None:
    line = region("picture", 50, 100, 550, 126)
    speck = region("picture", 50, 300, 70, 320)
    assert kinds(line, speck) == []


def test_an_image_that_the_model_overlooked_is_a_picture() -> None:
    assert kinds(rasters=(Box(100, 200, 400, 400),)) == ["picture"]


def test_an_image_behind_words_is_not() -> None:
    assert kinds(rasters=(Box(90, 90, 400, 300),), text="written over it") == []


def test_words_go_to_the_smallest_region_around_them() -> None:
    regions = [region("text", 0, 0, 600, 400), region("caption", 90, 90, 300, 120)]
    placed = [*words("caption", x=100, y=100), *words("body", x=100, y=300, run=1)]
    stray = words("stray", x=100, y=700, run=2)
    shares, rest = share_out([*placed, *stray], regions)
    assert [[word.text for word in share] for share in shares] == [["body"], ["caption"]]
    assert [word.text for word in rest] == ["stray"]


def test_a_word_cut_by_a_figures_edge_belongs_to_it() -> None:
    shares, rest = share_out(words("Answers", x=180, y=100), [region("picture", 50, 50, 195, 200)])
    assert (len(shares[0]), rest) == (1, [])


def test_small_pictures_that_hold_words_are_text() -> None:
    found = tidy(
        RawPage(
            width=600,
            height=800,
            words=tuple(words("E = mc", x=100, y=102)),
            regions=(
                Region("picture", Box(98, 100, 140, 114)),
                Region("picture", Box(98, 300, 140, 314)),
            ),
        )
    )
    assert [region.kind for region in found] == ["text"]
