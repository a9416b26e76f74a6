"""Places are given out fairly, and who waits knows how many come before."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from answers.slots import Slots

PATIENCE = 120.0


class Worker:
    """Takes a place in a thread of its own, and holds it until told to go."""

    def __init__(self, slots: Slots, owner: str, entered: list[str]) -> None:
        self.go, self.waits = threading.Event(), threading.Event()
        self.ahead: list[int] = []

        def still_wanted(ahead: int) -> bool:
            self.ahead.append(ahead)
            self.waits.set()
            return True

        def work() -> None:
            with slots.taken(owner, still_wanted=still_wanted, look=0.01):
                entered.append(owner)
                self.waits.set()
                assert self.go.wait(PATIENCE)

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()
        # Either in, or in line: the next one comes after.
        assert self.waits.wait(PATIENCE)

    def leave(self) -> None:
        self.go.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


def test_who_asks_for_much_lets_others_pass() -> None:
    entered: list[str] = []
    slots = Slots(1)
    greedy = [Worker(slots, "ada", entered) for _ in range(3)]
    other = Worker(slots, "eve", entered)
    assert (slots.working, slots.waiting) == (1, 3)
    # Ada has the place: Eve comes before both that Ada waits for.
    assert other.ahead[-1] == 0
    greedy[0].leave()
    other.leave()
    for worker in greedy[1:]:
        worker.leave()
    assert entered == ["ada", "eve", "ada", "ada"]
    assert (slots.working, slots.waiting) == (0, 0)


def test_among_equals_the_first_comes_first() -> None:
    entered: list[str] = []
    slots = Slots(1)
    workers = [Worker(slots, name, entered) for name in ("a", "b", "c", "d")]
    assert [worker.ahead[-1:] for worker in workers] == [[], [0], [1], [2]]
    for worker in workers:
        worker.leave()
    assert entered == ["a", "b", "c", "d"]


def test_who_is_no_longer_wanted_comes_out_and_takes_no_place() -> None:
    slots = Slots(1)
    with ExitStack() as stack:
        stack.enter_context(slots.taken("a"))
        with slots.taken("b", still_wanted=lambda ahead: False, look=0.01):
            assert (slots.working, slots.waiting) == (1, 1)
        assert (slots.working, slots.waiting) == (1, 0)
    with slots.taken("c"):
        assert slots.working == 1


def test_a_block_that_raises_gives_its_place_back() -> None:
    slots = Slots(1)
    try:
        with slots.taken("a"):
            raise ValueError
    except ValueError:
        pass
    with slots.taken("b"):
        assert slots.working == 1
