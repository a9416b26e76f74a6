from retrieval.highlighting import marked, plain_rows, snippet


def shown(parts):
    """The parts as one text, with what was found in brackets."""
    return "".join(f"[{part.text}]" if part.found else part.text for part in parts)


def test_words_are_told_apart_in_any_form():
    text = "Benefits reimbursed: a benefit reimburses employees."
    assert (
        shown(marked(text, "What is the reimbursement of benefits?"))
        == "[Benefits] [reimbursed]: a [benefit] [reimburses] employees."
    )


def test_words_that_only_ask_are_not_marked():
    assert shown(marked("What is the total? The total is 7.", "what is the total")) == (
        "What is the [total]? The [total] is 7."
    )


def test_a_number_is_found_with_its_separators():
    assert shown(marked("It cost $1,250,000 then.", "1250000")) == "It cost $[1,250,000] then."


def test_a_script_without_spaces_is_marked_where_it_says_it():
    assert "[東京]" in shown(marked("会議は東京です", "東京"))
    assert shown(marked("ここには何もない", "東京")) == "ここには何もない"


def test_markup_stays_text():
    assert shown(marked("<b>plum</b>", "plum")) == "<b>[plum]</b>"


def test_a_snippet_is_cut_where_the_words_stand_together():
    text = "apple " + "filler word " * 60 + "pear and apple meet here " + "more words " * 60
    found = snippet(text, "apple pear", length=120)
    assert "[pear] and [apple] meet" in shown(found.parts)
    assert found.is_cut_before
    assert found.is_cut_after
    assert "".join(part.text for part in found.parts) == text[found.start : found.end]
    assert found.end - found.start <= 120


def test_a_short_text_is_shown_whole_and_an_unfound_one_from_its_start():
    assert snippet("one two", "three").parts[0].text == "one two"
    long = snippet("word " * 200, "absent", length=50)
    assert (long.start, long.is_cut_after) == (0, True)


def test_a_table_is_written_row_by_row_without_its_rulings():
    markdown = "| Year | Sales |\n| --- | ---: |\n| 2023 | 1 \\| 2 |\n| | 5 |"
    assert plain_rows(markdown) == "Year · Sales\n2023 · 1 \\| 2\n5"
