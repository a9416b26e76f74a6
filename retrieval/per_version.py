"""What a process holds for each space version, for as long as the version may be searched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from retrieval.models import SpaceVersion, SpaceVersionState

T = TypeVar("T")


class PerVersion(Generic[T]):
    """One object per version, made when it is first asked for."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._held: dict[UUID, tuple[str, T]] = {}
        self._lock = threading.Lock()

    def of(self, version: SpaceVersion) -> T:
        with self._lock:
            if version.uuid not in self._held:
                if version.state == SpaceVersionState.LIVE:
                    self._drop(version.space)
                self._held[version.uuid] = version.space, self._make()
            return self._held[version.uuid][1]

    def _drop(self, space: str) -> None:
        # What was live before is not worth its memory; a search under way keeps what it uses.
        for key in [key for key, (name, _) in self._held.items() if name == space]:
            del self._held[key]

    def clear(self) -> None:
        """Drop everything, as a restart of the process does."""
        with self._lock:
            self._held.clear()
