"""A conversation as a tree: an edited question and a second answer branch off. Pure.

Every message but a first question has a parent: an answer its question, a question the
answer that it was asked after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variants:
    """The messages that stand in one place, oldest first, and which of them this one is."""

    members: tuple[int, ...]
    place: int

    @property
    def number(self) -> int:
        return self.place + 1

    @property
    def previous(self) -> int | None:
        return self.members[self.place - 1] if self.place else None

    @property
    def next(self) -> int | None:
        return self.members[self.place + 1] if self.number < len(self.members) else None


class Tree:
    """Messages by id, in the order of their ids; a parent that is not there is none."""

    def __init__(self, parents: Mapping[int, int | None]) -> None:
        self._parents = {pk: parents[pk] for pk in sorted(parents)}
        self._children: dict[int | None, list[int]] = {}
        for pk, parent in self._parents.items():
            known = parent if parent in self._parents else None
            self._children.setdefault(known, []).append(pk)

    @property
    def newest(self) -> int | None:
        return next(reversed(self._parents), None)

    def path(self, tip: int | None) -> list[int]:
        """The messages from the first question to `tip`; empty where there is no tip."""
        found: list[int] = []
        # A parent is always older; whatever else the data says ends the walk.
        while tip in self._parents and (not found or tip < found[-1]):
            found.append(tip)
            tip = self._parents[tip]
        return found[::-1]

    def leaf(self, pk: int) -> int:
        """The end of the branch through this message: always on to the newest child."""
        while children := self._children.get(pk):
            pk = children[-1]
        return pk

    def variants(self, pk: int) -> Variants:
        """This message among those that have the same parent."""
        parent = self._parents[pk]
        members = self._children[parent if parent in self._parents else None]
        return Variants(tuple(members), members.index(pk))
