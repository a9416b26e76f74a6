"""Whatever happens in a folder, the documents come in step with it."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ingestion.folder_plan import Held, Plan, plan

A, B = Path("/in/a.pdf"), Path("/in/b.pdf")


def test_new_files_are_submitted() -> None:
    assert plan({A: "1"}, []) == Plan(submit=(A,))


def test_what_is_in_step_is_left_alone() -> None:
    assert plan({A: "1"}, [Held(1, A, "1")]) == Plan()


def test_a_deleted_file_takes_its_document_along() -> None:
    assert plan({}, [Held(1, A, "1")]) == Plan(delete=(1,))


def test_where_one_cannot_look_nothing_is_deleted() -> None:
    assert plan({}, [Held(1, A, "1")], is_out_of_sight=lambda path: True) == Plan()


def test_a_file_that_is_being_written_is_waited_for() -> None:
    assert plan({A: None, B: None}, [Held(1, A, "1")]) == Plan()


def test_a_changed_file_is_found_as_it_was_until_the_new_one_is_ready() -> None:
    old = Held(1, A, "1")
    assert plan({A: "2"}, [old]) == Plan(submit=(A,))
    assert plan({A: "2"}, [old, Held(2, A, "2", is_active=True)]) == Plan()
    assert plan({A: "2"}, [old, Held(2, A, "2")]) == Plan(delete=(1,))


def test_a_change_that_is_taken_back_keeps_the_old_document() -> None:
    held = [Held(1, A, "1"), Held(2, A, "2", is_active=True)]
    assert plan({A: "1"}, held) == Plan(delete=(2,))


def test_a_moved_file_keeps_its_document() -> None:
    assert plan({B: "1"}, [Held(1, A, "1")]) == Plan(move=((1, B),))
    assert plan({A: "2", B: "1"}, [Held(1, A, "1")]) == Plan(submit=(A,), move=((1, B),))


def test_what_a_file_that_is_being_written_may_be_is_not_deleted() -> None:
    held = [Held(1, A, "1", size=10), Held(2, Path("/in/c.pdf"), "2", size=20)]
    assert plan({B: None}, held, unfinished={10}) == Plan(delete=(2,))


def test_two_files_that_change_places_change_documents() -> None:
    held = [Held(1, A, "1"), Held(2, B, "2")]
    assert plan({A: "2", B: "1"}, held) == Plan(move=((2, A), (1, B)))


def test_a_copy_needs_no_document_until_the_first_is_gone() -> None:
    held = [Held(1, A, "1")]
    assert plan({A: "1", B: "1"}, held) == Plan()
    assert plan({B: "1"}, held) == Plan(move=((1, B),))
    assert plan({A: "2", B: "2"}, [Held(1, A, "1"), Held(2, B, "2")]) == Plan(delete=(1,))


PATHS = st.sampled_from([Path(f"/in/{name}") for name in "abc"])
SUMS = st.sampled_from("123")


@given(
    files=st.dictionaries(PATHS, SUMS),
    held=st.lists(st.tuples(PATHS, SUMS), max_size=4, unique_by=lambda one: one[1]),
    unknown=st.sets(PATHS),
)
def test_it_always_comes_in_step(
    files: dict[Path, str], held: list[tuple[Path, str]], unknown: set[Path]
) -> None:
    # Some have the same size.
    size = {"1": 10, "2": 20, "3": 20}
    documents = [Held(pk, path, sha, size[sha]) for pk, (path, sha) in enumerate(held)]
    # While some are being written, no document goes that one of them may turn out to be.
    seen = {path: None if path in unknown else sha for path, sha in files.items()}
    needed = {one.pk for one in documents if one.path not in files and one.sha256 in files.values()}
    unfinished = {size[sha] for path, sha in files.items() if path in unknown}
    assert not needed & set(plan(seen, documents, unfinished=unfinished).delete)
    numbers = itertools.count(len(held))
    for _ in range(6):
        todo = plan(files, documents)
        moved = dict(todo.move)
        documents = [
            Held(one.pk, moved.get(one.pk, one.path), one.sha256)
            for one in documents
            if one.pk not in todo.delete
        ]
        for path in todo.submit:
            # A collection takes the same bytes once.
            if files[path] not in {one.sha256 for one in documents}:
                documents.append(Held(next(numbers), path, files[path]))
    assert plan(files, documents) == Plan()
    assert {one.sha256 for one in documents} == set(files.values())
    assert all(files[one.path] == one.sha256 for one in documents)
