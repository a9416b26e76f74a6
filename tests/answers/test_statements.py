"""Answers cut into what they state, with what each part cites."""

from __future__ import annotations

from answers.statements import statements


def cut(answer):
    found = statements(answer)
    for statement in found:
        assert answer[statement.start : statement.end].strip()
    return [(statement.text, statement.cited) for statement in found]


def test_sentences_with_their_markers_before_or_behind_the_full_stop():
    assert cut("Profit was **12** in 2018 [1]. It fell later. [2][3] Nobody knew why [4].") == [
        ("Profit was 12 in 2018.", (1,)),
        ("It fell later.", (2, 3)),
        ("Nobody knew why.", (4,)),
    ]


def test_a_sentence_without_a_marker_rests_on_its_paragraphs():
    assert cut("Profit rose strongly. So did revenue [2].\n\nCosts fell.") == [
        ("Profit rose strongly.", (2,)),
        ("So did revenue.", (2,)),
        ("Costs fell.", ()),
    ]


def test_items_and_rows_inherit_from_what_leads_in_to_them():
    assert cut("The plans are [3]:\n\n- Northwind Standard\n- Northwind Plus [4]") == [
        ("The plans are:", (3,)),
        ("Northwind Standard", (4,)),
        ("Northwind Plus", (4,)),
    ]
    assert cut("Profit [1]:\n\n| Year | Profit |\n| --- | ---: |\n| 2018 | 12 |") == [
        ("Profit:", (1,)),
        ("2018 | 12", (1,)),
    ]


def test_headings_code_questions_and_remarks_on_the_sources_state_nothing():
    answer = (
        "# Profit of 2018\n\nIn short:\n\n```\nprofit = 12\n```\n\n"
        "The sources do not mention the profit of 2019.\n\nShall I go on?"
    )
    assert cut(answer) == []


def test_code_states_nothing_wherever_it_stands():
    assert cut("To start:\n\n    run it on port 8000\n\nThe fee is 600 dollars [1].") == [
        ("The fee is 600 dollars.", (1,)),
    ]
    assert cut("> So:\n>\n> ```\n> the port is 8000\n\nThe fee is 600 dollars.") == [
        ("The fee is 600 dollars.", ()),
    ]
    assert cut("- The fee is due.\n\n    It is 600 dollars [1].") == [
        ("The fee is due.", ()),
        ("It is 600 dollars.", (1,)),
    ]


def test_escaped_brackets_and_marks_are_text():
    assert cut("> See \\[12\\] by *Ada* Lovelace [1]") == [("See [12] by Ada Lovelace", (1,))]
