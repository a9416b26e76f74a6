from __future__ import annotations

import numpy as np
import pytest

from answers import asking, scoring
from answers.markers import find_markers
from answers.passages import passages, table_cells
from answers.prompting import render
from answers.readers.extractive import NOT_FOUND, NOTE, ExtractiveReader
from answers.rendering import render_answer
from answers.statements import statements
from answers.words import content_words, stem
from retrieval import embedders
from tests.answers.pieces import piece

LEAVE = "Contoso was founded in 1998. Employees get 25 days of leave per year. The office is blue."
PROFIT = (
    "| Item | 2017 | 2018 |\n| --- | --- | --- |\n| Revenue | 90 | 120 |\n| Net profit | 10 | 12 |"
)


class WordEmbedder:
    """Texts that share words are close: a readable stand-in for a model."""

    def encode_texts(self, texts, *, batch_size=32):
        rows = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in content_words(text):
                row[sum(map(ord, stem(word))) % 512] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)

    encode_queries = encode_texts


@pytest.fixture(autouse=True)
def embedder(monkeypatch):
    monkeypatch.setattr(embedders, "embedder_for", lambda space: WordEmbedder())


def answer(question: str, *evidence, standalone: str = ""):
    prompt = render(question, evidence, standalone=standalone)
    deltas = list(ExtractiveReader().stream(prompt))
    text = "".join(delta.text for delta in deltas)
    grounded = next(delta.grounded for delta in deltas if delta.grounded is not None)
    return text, grounded, [quote for delta in deltas for quote in delta.quotes], deltas


def test_quotes_the_sentence_that_answers_word_for_word():
    text, grounded, quotes, deltas = answer(
        "How many days of leave do employees get?", piece(LEAVE)
    )
    assert grounded
    assert "> Employees get 25 days of leave per year. [1]" in text
    assert [LEAVE[q.start : q.end] for q in quotes] == ["Employees get 25 days of leave per year."]
    assert deltas[0].note == NOTE


def test_says_so_when_nothing_answers_and_shows_what_is_closest():
    text, grounded, _, _ = answer("Which volcano erupted in Iceland?", piece(LEAVE))
    assert not grounded
    assert text.startswith(NOT_FOUND)


def test_says_so_when_nothing_was_found():
    text, grounded, quotes, _ = answer("Which volcano erupted?")
    assert (text.strip(), grounded, quotes) == (NOT_FOUND, False, [])


def test_a_misspelt_word_still_finds_its_sentence():
    text, grounded, _, _ = answer("How many days of leav do employes get?", piece(LEAVE))
    assert grounded
    assert "25 days" in text


def test_a_possessive_name_is_the_name():
    mission = piece("Contoso Electronics\nThe mission of Contoso is to brighten every home.")
    text, grounded, *_ = answer("What is Contoso’s mission?", mission)
    assert grounded
    assert "> The mission of Contoso is to brighten every home. [1]" in text


def test_a_table_answers_with_its_row_under_its_header():
    table = piece(PROFIT, kind="table", caption="Results by year", number=2)
    text, grounded, quotes, _ = answer("What was the net profit in 2018?", piece(LEAVE), table)
    assert grounded
    assert "| Item | 2018 |\n| --- | --- |\n| Net profit | 12 |" in text
    assert "Results by year [2]" in text
    assert PROFIT[quotes[0].start : quotes[0].end] == "| Net profit | 10 | 12 |"
    assert "<table>" in render_answer(text, {2})


def test_the_row_is_found_by_kin_of_its_name():
    regions = "| Region | 2018 |\n| --- | --- |\n| North | 7 |\n| South | 9 |"
    table = piece(regions, kind="table", caption="Sales by region (in millions)")
    text, grounded, *_ = answer("What were the sales of the northern region in 2018?", table)
    assert grounded
    assert "Sales by region (in millions)" in text
    first_row = text.split("| --- | --- |\n")[1].split("\n")[0]
    assert first_row == "| North | 7 |"


def test_a_measure_is_answered_by_the_line_items_that_it_is_made_of():
    statement = (
        "| | 2021 | 2022 |\n| --- | --- | --- |\n| Deferred taxes | 1 | 2 |\n"
        "| Total current assets | 80 | 90 |\n| Goodwill | 5 | 6 |\n"
        "| Total current liabilities | 40 | 60 |"
    )
    text, *_ = answer(
        "What is the quick ratio of 2022?",
        piece(statement, kind="table", caption="Consolidated balance sheets"),
    )
    assert "Total current assets" in text
    assert "Total current liabilities" in text
    assert "Goodwill" not in text


def test_a_narrow_table_without_the_year_asked_for_shows_whole_rows():
    text, *_ = answer("What was the net profit?", piece(PROFIT, kind="table", caption="Results"))
    assert "| Net profit | 10 | 12 |" in text


def test_all_steps_of_a_list_are_quoted_in_order():
    text = (
        "The lid is grey.\nTo replace the cartridge of the printer, do this:\n"
        "- Switch the power off.\n- Pull the grey lever.\n- Wait for one minute.\n"
        "All printers that we have sold since the year 1998 are warm after they were used."
    )
    _, grounded, quotes, _ = answer("How do I replace the cartridge?", piece(text))
    assert grounded
    assert [text[quote.start : quote.end] for quote in quotes] == [
        "To replace the cartridge of the printer, do this:\n"
        "- Switch the power off.\n- Pull the grey lever.\n- Wait for one minute."
    ]


def test_all_steps_under_a_heading_are_quoted_in_order():
    steps = [
        "1. Plug the adapter in.",
        "2. Rest the watch on its cradle. Wait until the icon for charging appears.",
        "3. At the end it says 100 %.",
    ]
    noted = "\n".join([*steps, "The watch has been sold since 1998. The watch is charging fast."])
    text, grounded, quotes, _ = answer(
        "How do I charge the watch?", piece(noted, heading_path=("Charging the watch",))
    )
    assert grounded
    assert "> " + "\\\n> ".join(step.replace(". ", "\\. ", 1) for step in steps) + " [1]" in text
    assert [noted[q.start : q.end] for q in quotes if noted[q.start].isdigit()] == [
        steps[0],
        steps[1].split(" Wait")[0],
        steps[2],
    ]


def test_a_step_with_points_of_its_own_does_not_cut_the_list():
    steps = (
        "1. Open the app.\n2. Then do this:\n– Touch ADD.\n3. Call the favorite contacts of yours."
    )
    evidence = piece(steps, heading_path=("Favorite contacts",))
    text, *_ = answer("How do I call favorite contacts of mine?", evidence)
    assert "Open the app" in text


def test_of_many_steps_the_first_are_quoted():
    steps = "".join(f"{number}. Press the button {number} times.\n" for number in range(1, 30))
    evidence = piece(steps, heading_path=("Starting the machine",))
    text, *_ = answer("How do I start the machine with its button?", evidence)
    assert "button 12 times.\\\n> … [1]" in text
    assert "button 13 times" not in text


COVERED = (
    "The plan covers these sports:\n• Yoga\n• Horseback riding\n"
    "There is also a list of things that are not paid for. These include:\n• Food\n• Travel\n"
    "The programme began in the year 2011."
)


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        (
            "Which sports does the plan cover?",
            "The plan covers these sports:|• Yoga|• Horseback riding",
        ),
        (
            "Which things are not paid for?",
            "There is also a list of things that are not paid for.|These include:|• Food|• Travel",
        ),
    ],
)
def test_what_leads_in_to_a_list_is_quoted_with_its_items(question, quoted):
    text, grounded, quotes, _ = answer(question, piece(COVERED))
    assert grounded
    lines = quoted.split("|")
    assert "> " + "\\\n> ".join(lines) + " [1]" in text
    assert [COVERED[q.start : q.end].split() for q in quotes] == [" ".join(lines).split()]
    html = render_answer(text, {1})
    assert all(f"{line}<br>" in html for line in lines[:-1])
    said = [one.text for one in statements(text)]
    assert not [one for one in said if "\\" in one]


def test_of_a_long_list_the_first_items_are_quoted():
    items = "".join(f"\n{number}. The item that has number {number}" for number in range(1, 30))
    text, *_ = answer("Which items are there?", piece(f"There are these items:{items}"))
    assert "number 12\\\n> … [1]" in text
    assert "number 13" not in text


def test_a_name_that_stands_nowhere_is_reason_to_refuse():
    asked = "How many days of leave do {} employees get per year?"
    assert answer(asked.format("the"), piece(LEAVE))[1]
    assert scoring.missing(asked.format("Fabrikam"), [LEAVE]) == ["Fabrikam"]
    assert scoring.missing(asked.format("Contoso"), [LEAVE]) == []
    assert scoring.missing("What was the profit in 2024?", [PROFIT]) == ["2024"]
    assert scoring.missing("What was it on page 12 of Report.pdf?", [PROFIT]) == []


def test_what_is_asked_about_the_form_of_the_answer_does_not_count():
    asked = "How much leave is there? Please write the answer in integer format."
    assert asking.core(asked) == "How much leave is there?"


def test_a_wide_table_shows_the_column_that_is_asked_for():
    years = range(2010, 2020)
    head = "| Item | " + " | ".join(map(str, years)) + " |"
    row = "| Net profit | " + " | ".join(str(year - 2000) for year in years) + " |"
    table = piece(f"{head}\n{'| --- ' * 11}|\n{row}", kind="table", caption="Net profit")
    text, *_ = answer("What was the net profit in 2018?", table)
    assert "| Item | 2018 |\n| --- | --- |\n| Net profit | 18 |" in text


def test_a_comparison_shows_the_columns_of_all_that_it_compares():
    plans = ("Basic", "Health Plus", "Standard", "Family", "Senior", "Student", "Abroad")
    head, row = " | ".join(plans), " | ".join(str(10 * i) for i in range(len(plans)))
    rows = f"| Cover | {head} |\n{'| --- ' * 8}|\n| Emergency room | {row} |"
    table = piece(rows, kind="table", caption="Plans")
    text, *_ = answer("Compare Health Plus and Standard for the emergency room.", table)
    assert "| Cover | Health Plus | Standard |" in text
    assert "| Emergency room | 10 | 20 |" in text


def test_the_sources_own_brackets_are_no_citations():
    text, *_ = answer("Who found the effect?", piece("The effect was found by Smith [12] and [3]."))
    assert [marker.numbers for marker in find_markers(text)] == [(1,)]


def test_markup_in_a_document_stays_text():
    hostile = "The fee is **5** <script>alert(1)</script> dollars for every member."
    text, *_ = answer("What is the fee for every member?", piece(hostile))
    html = render_answer(text, {1})
    assert "<script" not in html
    assert "<strong>" not in html


def test_a_sum_in_other_words_answers_where_a_sum_is_asked_for():
    text = piece("With PerksPlus, employees can expense up to $1000 for lessons and for clubs.")
    asked = "What is the maximum reimbursement of lessons for {} members?"
    assert answer(asked.format("PerksPlus"), text)[1]
    assert not answer(asked.format("Fabrikam"), text)[1]


def test_a_telephone_number_answers_and_not_the_title_beside_it():
    contacts = "The Telephone Number of the Dower House Nursing Home\nTelephone: 01983-873655"
    text, grounded, *_ = answer("What is the telephone number of the home?", piece(contacts))
    assert grounded
    assert "> Telephone: 01983-873655 [1]" in text


def test_a_direction_tells_one_thing_from_another():
    text, *_ = answer(
        "What happens when you hold the down button of the watch?",
        piece("Hold the up button of the watch: the watch turns on, and shows the time."),
        piece("Hold the down button of the watch: the assistant wakes.", number=2),
    )
    assert text.split("\n\n")[1] == "> Hold the down button of the watch: the assistant wakes. [2]"


def test_of_many_points_the_one_that_answers_is_quoted():
    points = [f"• Set thing number {number} in its menu." for number in range(15)]
    points[13] = "• Change the language of the menus under Language."
    text, *_ = answer(
        "How do I change the language of the menus?",
        piece("\n".join(points), heading_path=("Settings",)),
    )
    assert "Change the language of the menus under Language." in text


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What are the rights of employees who leave?", 1),
        ("What does the right button of the mouse do?", 2),
    ],
)
def test_only_a_word_that_tells_two_things_apart_counts_against_the_other(question, first):
    text, *_ = answer(
        question,
        piece("Employees who left keep their rights. The left button of the mouse opens things."),
        piece("The right button of the mouse shows a menu. All employees have it.", number=2),
    )
    assert f"[{first}]" in text.split("\n\n")[1]


def test_several_quotes_stand_in_the_order_of_the_text():
    steps = "Open the lid of the printer.\nPress the printer button.\nClose the printer lid."
    text, *_ = answer("How do I open and close the lid of the printer?", piece(steps))
    assert text.index("Open the lid") < text.index("Close the printer lid")


def test_a_heading_is_not_run_into_the_sentence_after_it():
    text = "Changes to This Policy\nWe may make changes to this policy. We tell of these changes."
    said, *_ = answer("Which changes to this policy may be made?", piece(text))
    assert "> Changes to This Policy\\\n> We may make changes to this policy. [1]" in said


def test_a_step_through_menus_is_a_step_however_many_there_are():
    menus = " > ".join(f"Menu {number}" for number in range(60))
    text = f"1. Press the button.\n2. Go to Settings > Network\n3. Dry.\n4. Open {menus}."
    found = list(passages([piece(text, heading_path=("Resetting the device",))]))
    assert [one.text for one in found] == text.split("\n")


CONTENTS = "Charging the watch........................ 3\nWearing the watch ................... 4"


@pytest.mark.parametrize(
    ("question", "is_quoted"),
    [("How is the watch charged?", False), ("On which page is charging the watch?", True)],
)
def test_a_row_of_contents_is_no_answer_unless_contents_are_asked_for(question, is_quoted):
    text, *_ = answer(question, piece(f"{CONTENTS}\nThe cradle is a magnet for the watch."))
    assert ("Charging the watch" in text) == is_quoted


def test_a_row_of_dots_before_an_amount_is_no_row_of_contents():
    rows = "| Net cash ............. | 512 | 498 |\n| Debt ........... | $ 1,469.5 |"
    table = f"| Item | 2018 | 2017 |\n| --- | --- | --- |\n{rows}"
    assert not [one for one in passages([piece(table, kind="table")]) if one.is_of_contents]


MISSION = "The mission of Contoso is clear.\nIts values are courage and care."


def test_a_follow_up_is_about_its_own_words_more_than_the_borrowed():
    asked = "And what are its values?"
    text, grounded, *_ = answer(asked, piece(MISSION), standalone=f"{asked} (mission Contoso)")
    assert grounded
    assert "> Its values are courage and care. [1]" in text


def test_borrowed_words_still_tell_of_whom_a_follow_up_is():
    asked = "And what is its profit?"
    adobe = piece("The profit of Adobe is 7.", number=1)
    contoso = piece("The profit of Contoso is 9.", number=2)
    assert "[2]" not in answer(asked, adobe, contoso)[0].split("[1]")[0]
    text, *_ = answer(asked, adobe, contoso, standalone=f"{asked} (revenue Contoso)")
    assert text.split("\n\n")[1] == "> The profit of Contoso is 9. [2]"


def test_what_the_person_marked_goes_first_where_it_has_the_words():
    facts = {"scores": {"marked": True}, "number": 1}
    found = piece("The cost of a visit at the specialist is 20 dollars.", number=2)
    asked = "What does a visit at the specialist cost?"
    marked = piece("A visit at a hospital's specialist: 45 dollars.", **facts)
    assert answer(asked, marked, found)[0].split("\n\n")[1].endswith("[1]")
    other = piece("The office is blue, and so is the door.", **facts)
    assert answer(asked, other, found)[0].split("\n\n")[1].endswith("[2]")


def test_a_figure_is_quoted_by_its_caption():
    figure = piece("", kind="image", caption="Figure 2: Sales by region", number=3, spans=())
    text, grounded, quotes, _ = answer("What are the sales by region?", figure)
    assert grounded
    assert "> Figure 2: Sales by region [3]" in text
    assert quotes == []


def test_list_items_know_what_leads_in_to_them():
    found = list(passages([piece("Not covered are these things:\n- hair removal by laser")]))
    assert found[1].context == "Not covered are these things:"


def test_cells_keep_their_escaped_bars():
    assert table_cells(r"| a \| b | c<br>d |  |") == ("a | b", "c d", "")


def test_a_title_is_not_quoted_beside_the_amount_that_is_asked_for():
    text, grounded, _, _ = answer(
        "How much is the PerksPlus reimbursement?",
        piece(
            "PerksPlus Reimbursement Program for Employees\n"
            "With PerksPlus, employees have a reimbursement of up to $1000 a year."
        ),
    )
    assert grounded
    assert "> With PerksPlus, employees have a reimbursement of up to $1000 a year. [1]" in text
    assert "Program for Employees" not in text
