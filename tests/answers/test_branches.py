from __future__ import annotations

from answers.branches import Tree

# 1 asked, 2 answered; 3 asked after 2, 4 answered; 5 is 3 edited, 6 answered; 7 answers 5 again.
TREE = Tree({1: None, 2: 1, 3: 2, 4: 3, 5: 2, 6: 5, 7: 5})


def test_a_path_leads_from_the_first_question_to_the_tip():
    assert TREE.path(4) == [1, 2, 3, 4]
    assert TREE.path(7) == [1, 2, 5, 7]
    assert TREE.path(None) == []
    assert TREE.path(99) == []


def test_a_branch_goes_on_to_its_newest_end():
    assert TREE.leaf(1) == 7
    assert TREE.leaf(3) == 4
    assert TREE.leaf(6) == 6


def test_variants_stand_in_the_order_they_were_made():
    questions = TREE.variants(3)
    assert (questions.members, questions.number) == ((3, 5), 1)
    assert (questions.previous, questions.next) == (None, 5)
    answers = TREE.variants(7)
    assert (answers.members, answers.previous, answers.next) == ((6, 7), 6, None)
    assert TREE.variants(1).members == (1,)


def test_first_questions_are_variants_of_each_other():
    tree = Tree({1: None, 2: 1, 3: None, 4: 3})
    assert tree.variants(3).members == (1, 3)
    assert tree.path(4) == [3, 4]


def test_nonsense_in_the_data_ends_a_path_instead_of_going_round():
    tree = Tree({1: 2, 2: 1, 3: 2, 5: 4})
    assert tree.path(3) == [1, 2, 3]
    assert tree.path(5) == [5]
    assert tree.newest == 5
