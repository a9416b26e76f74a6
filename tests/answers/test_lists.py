from __future__ import annotations

from answers.lists import listings


def found(text: str, heading: str = "") -> list[tuple[str, str]]:
    return [(one.heading, text[one.start : one.end]) for one in listings(text, heading=heading)]


def test_steps_right_under_a_heading_are_its_list():
    steps = "1. Open the lid.\n2. Press the button. Wait.\n3. Close it."
    assert found(f"{steps}\nThe lid is grey.", heading="Cleaning") == [("Cleaning", steps)]
    assert found(f"Cleaning\n{steps}\nThe lid is grey.") == [("Cleaning", steps)]
    assert found(f"The lid is grey.\n{steps}", heading="Cleaning") == []


def test_steps_without_a_point_and_with_lists_of_their_own():
    steps = "1 Touch the icon.\n2 Then do this:\n– Touch ADD.\n– Choose.\n3 Call them."
    assert found(f"{steps}\n• A note", heading="Contacts") == [("Contacts", steps)]


def test_points_end_where_something_else_begins():
    text = "Wake the screen\n● Press the button.\n● Raise it.\nNO TE\n● The screen wakes."
    assert found(text) == [
        ("Wake the screen", "● Press the button.\n● Raise it."),
        ("NO TE", "● The screen wakes."),
    ]


def test_the_next_procedure_is_a_list_of_its_own():
    one, other = "1. Press it.\n2. Wait.", "1. Open the menu.\n2. Choose.\n3. Confirm."
    assert found(f"{one}\nDeleting all\n{other}", heading="Switching on") == [
        ("Switching on", one),
        ("Deleting all", other),
    ]
    nested = "1. Open:\na) the lid\nb) the door\n2. Close it."
    assert found(nested, heading="Cleaning") == [("Cleaning", nested)]


def test_a_number_that_begins_a_sentence_is_no_list():
    assert found("25 days of leave are given.\n26 Days are more.", heading="Leave") == []
    assert found("1 Getting started is easy.", heading="Leave") == []
