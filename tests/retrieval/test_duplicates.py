from retrieval.duplicates import groups

CLAUSE = (
    "The member pays the deductible before the plan begins to share the cost of covered services, "
    "and continues to pay the copay for each visit after that amount has been reached in the year. "
    "Services of a preventive kind are covered in full from the first day of the year, whether or "
    "no deductible was paid, as long as they are provided by somebody who belongs to the network."
)


def test_the_same_words_repeat_whatever_their_case_and_punctuation():
    texts = ["Revenue rose, by 5 %.", "revenue rose by\n5 %", "Profit fell."]
    assert groups(texts) == [[0, 1], [2]]


def test_a_passage_that_was_edited_a_little_says_the_same():
    edited = CLAUSE.replace("has been reached", "was reached")
    assert groups([CLAUSE, "Something else entirely.", edited]) == [[0, 2], [1]]


def test_other_numbers_say_something_else():
    assert groups([f"{CLAUSE} It is 500 dollars.", f"{CLAUSE} It is 750 dollars."]) == [[0], [1]]


def test_other_names_say_something_else():
    assert groups([f"{CLAUSE} See Aurora.", f"{CLAUSE} See Borealis."]) == [[0], [1]]


def test_a_negation_says_something_else():
    denied = CLAUSE.replace("begins to share", "does not begin to share")
    assert groups([CLAUSE, denied]) == [[0], [1]]


def test_another_passage_on_the_same_matter_is_kept():
    other = "The plan shares the cost of covered services once the deductible was paid by members."
    assert groups([CLAUSE, other]) == [[0], [1]]


def test_texts_without_words_repeat_nothing():
    assert groups(["", "\n", ""]) == [[0], [1], [2]]
