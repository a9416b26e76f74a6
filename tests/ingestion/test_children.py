"""When a parsing child is given up: it computes too long, or not at all."""

from __future__ import annotations

import os
import resource

import pytest

from ingestion import children
from ingestion.children import Child


class Clock:
    """The time on the wall, and what of it the child had of a core."""

    wall = cpu = 0.0

    def pass_by(self, wall: float, *, cpu: float) -> None:
        self.wall += wall
        self.cpu += cpu


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(children.time, "monotonic", lambda: made.wall)
    monkeypatch.setattr(Child, "_cpu_seconds", lambda self: made.cpu)
    return made


@pytest.fixture
def child(clock) -> Child:
    """A child without a process that may compute for a minute, and pause for two."""
    made = Child.__new__(Child)
    made.start_clock(60, patience=120)
    return made


def test_a_child_on_a_busy_machine_is_waited_for(clock, child) -> None:
    for _ in range(10):
        clock.pass_by(100, cpu=5)
        assert not child.is_overdue()


def test_a_child_that_computes_too_long_is_given_up(clock, child) -> None:
    clock.pass_by(59, cpu=59)
    assert not child.is_overdue()
    clock.pass_by(2, cpu=2)
    assert child.is_overdue()


def test_a_child_that_does_nothing_is_given_up(clock, child) -> None:
    clock.pass_by(30, cpu=2)
    assert not child.is_overdue()
    clock.pass_by(119, cpu=0.5)
    assert not child.is_overdue()
    clock.pass_by(2, cpu=0)
    assert child.is_overdue()


class Mute(Child):
    """A child without a process that listens at a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def fileno(self) -> int:
        return self.descriptor


def test_a_process_with_many_files_open_hears_its_children() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip(f"no more than {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    opened = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while opened[-1] < 1030:
            opened.append(os.dup(opened[0]))
        opened += (*os.pipe(), *os.pipe())
        speaking, silent = Mute(opened[-4]), Mute(opened[-2])
        os.write(opened[-3], b"x")
        assert children.readable([speaking, silent], 0.01) == [speaking]
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_time_in_which_nobody_listened_does_not_count(clock, child) -> None:
    clock.pass_by(150, cpu=0)
    child.grant(60)
    assert not child.is_overdue()
