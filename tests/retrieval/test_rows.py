import numpy as np
import pytest

from retrieval.candidates import CandidateFilter
from retrieval.rows import Rows

ROWS = Rows.of(
    [
        (10, 1, "text", 1),
        (11, 1, "table", 2),
        (20, 2, "image", 2),
        (21, 2, "text", 3),
        (30, 3, "text", 9),
    ]
)


def chunks(where: CandidateFilter) -> list[int]:
    return ROWS.chunks[ROWS.allowed(where)].tolist()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (CandidateFilter(frozenset({1, 2, 3})), [10, 11, 20, 21, 30]),
        (CandidateFilter(frozenset({2})), [20, 21]),
        (CandidateFilter(frozenset({2, 99})), [20, 21]),
        (CandidateFilter(frozenset({1, 2}), kinds=frozenset({"text"})), [10, 21]),
        (CandidateFilter(frozenset({1, 2}), kinds=frozenset({"sound"})), []),
        (CandidateFilter(frozenset({1, 2}), pages=(2, 3)), [11, 20, 21]),
        (CandidateFilter(frozenset({1, 2}), kinds=frozenset({"text"}), pages=(3, 3)), [21]),
        (CandidateFilter(frozenset()), []),
        (CandidateFilter(frozenset({1}), kinds=frozenset()), []),
        (CandidateFilter(frozenset({1}), pages=(3, 2)), []),
    ],
)
def test_a_filter_lets_through_what_it_names(where: CandidateFilter, expected: list[int]) -> None:
    assert chunks(where) == expected


def test_no_rows_at_all() -> None:
    empty = Rows.of([])
    assert len(empty) == 0
    assert empty.allowed(CandidateFilter(frozenset({1}))).tolist() == []
    assert empty.of_documents([1, 2]).tolist() == []


def test_rows_join_and_part() -> None:
    both = Rows.joined([ROWS, Rows.of([(40, 4, "image", 1)])])
    assert both.chunks.tolist() == [10, 11, 20, 21, 30, 40]
    assert both.take(~both.of_documents([1, 2])).chunks.tolist() == [30, 40]
    assert both.take(np.array([0, 5])).pages.tolist() == [1, 1]


def test_rows_of_a_document_need_not_lie_together() -> None:
    mixed = Rows.of(
        [(10, 1, "text", 1), (20, 2, "text", 1), (11, 1, "text", 2), (12, 1, "text", 3)]
    )
    assert mixed.of_documents([1]).tolist() == [True, False, True, True]
    dead = mixed.with_dead(np.array([False, False, True, False]))
    assert dead.of_documents([1]).tolist() == [True, False, False, True]
    assert dead.allowed(CandidateFilter(frozenset({0, 1, 2}))).tolist() == [True, True, False, True]
