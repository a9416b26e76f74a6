"""Places for those who work at the same time, given out fairly. Pure."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Who gets a place within this time is not told of having waited.
LOOK_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Ticket:
    owner: Hashable
    number: int
    is_admitted: threading.Event = field(default_factory=threading.Event)


class Slots:
    """So many may work at a time; the others wait, and can know how many come before them.

    A free place goes to whoever has the fewest already and, of those, got theirs the longest
    ago or never: who asks for twenty at once lets the others pass.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._working: Counter[Hashable] = Counter()
        self._waiting: list[_Ticket] = []
        # When those who work or wait last got a place.
        self._turns: dict[Hashable, int] = {}

    @property
    def working(self) -> int:
        return self._working.total()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @contextmanager
    def taken(
        self,
        owner: Hashable,
        *,
        still_wanted: Callable[[int], bool] = lambda ahead: True,
        look: float = LOOK_SECONDS,
    ) -> Iterator[None]:
        """Hold a place for the block; wait for it first.

        After every `look` seconds of waiting, `still_wanted` is told how many come before;
        where it says no, the block is entered without a place, to bring itself to an end.
        """
        ticket = self._enter(owner)
        try:
            while not ticket.is_admitted.wait(look) and still_wanted(self._ahead_of(ticket)):
                pass
            yield
        finally:
            self._leave(ticket)

    def _enter(self, owner: Hashable) -> _Ticket:
        with self._lock:
            ticket = _Ticket(owner, next(self._numbers))
            self._waiting.append(ticket)
            self._admit()
            return ticket

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            else:
                self._free += 1
                self._working[ticket.owner] -= 1
                self._admit()
            self._forget(ticket.owner)

    def _forget(self, owner: Hashable) -> None:
        if not self._working[owner] and all(each.owner != owner for each in self._waiting):
            del self._working[owner]
            self._turns.pop(owner, None)

    def _admit(self) -> None:
        while self._free and self._waiting:
            ticket = self._in_order()[0]
            self._waiting.remove(ticket)
            self._free -= 1
            self._working[ticket.owner] += 1
            self._turns[ticket.owner] = next(self._numbers)
            ticket.is_admitted.set()

    def _ahead_of(self, ticket: _Ticket) -> int:
        with self._lock:
            return self._in_order().index(ticket) if ticket in self._waiting else 0

    def _in_order(self) -> list[_Ticket]:
        """Who waits, in the order in which places would come free now."""
        places = Counter(self._working)
        rank: dict[_Ticket, tuple[int, int, int]] = {}
        for ticket in self._waiting:
            turn = self._turns.get(ticket.owner, -1)
            rank[ticket] = (places[ticket.owner], turn, ticket.number)
            places[ticket.owner] += 1
        return sorted(self._waiting, key=rank.__getitem__)
