"""One writer at a time for each space version: a lease in the database."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from ingestion.errors import TransientError
from retrieval.models import SpaceVersion

# A writer renews its lease at least every few seconds; after this long it is taken for dead.
STALE_AFTER = timedelta(seconds=120)
RENEW_AFTER = timedelta(seconds=10)


class LeaseLost(TransientError):
    """Another writer holds the version."""


class Lease:
    """A writer's hold on a space version, for as long as it keeps renewing it."""

    def __init__(self, version: SpaceVersion) -> None:
        self._version = version
        self._owner = f"{socket.gethostname()[:24]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._renewed_at = timezone.now()
        self._done = 0.0

    def take(self) -> bool:
        now = timezone.now()
        free = Q(writer="") | Q(writer_seen_at__lt=now - STALE_AFTER)
        rows = SpaceVersion.objects.filter(free, pk=self._version.pk)
        self._renewed_at = now
        return bool(rows.update(writer=self._owner, writer_seen_at=now, writer_done=0.0))

    def renew(self, done: float | None = None) -> None:
        """Keep the lease, and say what share is done; cheap to call often. Raises LeaseLost."""
        if done is not None:
            self._done = done
        if timezone.now() - self._renewed_at > RENEW_AFTER:
            self.confirm()

    def confirm(self) -> None:
        """Make sure that the lease is still held. Raises LeaseLost."""
        now = timezone.now()
        mine = SpaceVersion.objects.filter(pk=self._version.pk, writer=self._owner)
        if not mine.update(writer_seen_at=now, writer_done=self._done):
            raise LeaseLost(f"Another process has taken over the index of {self._version}.")
        self._renewed_at = now

    def release(self, **fields: object) -> None:
        mine = SpaceVersion.objects.filter(pk=self._version.pk, writer=self._owner)
        mine.update(writer="", writer_seen_at=None, writer_done=0.0, **fields)


def done_by_writer(version: SpaceVersion) -> float | None:
    """Return what share of an index its writer says to have built; None where none is at it."""
    seen = version.writer_seen_at
    if not version.writer or seen is None or seen < timezone.now() - STALE_AFTER:
        return None
    return version.writer_done


@contextmanager
def writing(version: SpaceVersion) -> Iterator[Lease]:
    """Hold the version as its one writer. Raises LeaseLost when somebody else does."""
    lease = Lease(version)
    if not lease.take():
        raise LeaseLost(f"Another process is writing the index of {version}.")
    try:
        yield lease
    finally:
        lease.release()
