from ingestion.furniture import furniture
from tests.ingestion.page_builders import block, page


def left_out(pages) -> set[str]:
    found = furniture(pages)
    return {
        one.text
        for a_page in pages
        for index, one in enumerate(a_page.blocks)
        if (a_page.number, index) in found
    }


def test_what_the_layout_model_calls_furniture_is_left_out() -> None:
    assert left_out([page(block("Acme", kind="page_header"), block("Body"))]) == {"Acme"}


def test_short_text_that_comes_back_at_the_edge_is_left_out() -> None:
    pages = [
        page(block(f"Acme report | {n}", y=20), block("Body stays", y=300), number=n)
        for n in range(1, 5)
    ]
    assert left_out(pages) == {f"Acme report | {n}" for n in range(1, 5)}


def test_page_numbers_are_left_out_on_short_documents_too() -> None:
    assert left_out([page(block("Page 3 of 7", y=770), block("Body"))]) == {"Page 3 of 7"}


def test_text_that_comes_back_within_the_page_stays() -> None:
    pages = [page(block("Question", y=400), number=n) for n in range(1, 6)]
    assert left_out(pages) == set()


def test_a_logo_on_every_page_is_left_out_and_a_figure_is_not() -> None:
    logo = {"kind": "picture", "width": 60.0, "y": 30.0}
    figure = {"kind": "picture", "width": 60.0, "y": 300.0}
    pages = [
        page(
            block("logo", **logo, fingerprint="00ff00ff00ff00ff"),
            block("figure", **figure, fingerprint=f"{n * 0x1234567:016x}"),
            number=n,
        )
        for n in range(1, 6)
    ]
    assert left_out(pages) == {"logo"}


def test_a_header_that_is_all_that_a_page_says_stays() -> None:
    only = block("Chapter One", kind="page_header")
    assert left_out([page(only, block("", kind="picture", y=200))]) == set()


def test_a_running_head_is_left_out_even_where_nothing_else_stands() -> None:
    pages = [page(block("Acme", kind="page_header", y=20), number=n) for n in range(1, 5)]
    assert left_out(pages) == {"Acme"}
