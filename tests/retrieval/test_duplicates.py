from retrieval.duplicates import first_of_each


def test_repetitions_are_left_out():
    texts = ["Revenue rose by 5 %.", "Costs fell.", "REVENUE  rose\nby 5 %"]
    assert first_of_each(texts) == [0, 1]


def test_other_numbers_are_another_text():
    assert first_of_each(["Revenue rose by 5 %.", "Revenue rose by 6 %."]) == [0, 1]


def test_pictures_without_words_are_all_kept():
    assert first_of_each(["", "\n", ""]) == [0, 1, 2]
