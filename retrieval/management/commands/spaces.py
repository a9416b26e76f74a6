"""List the spaces and their versions, begin a version, or roll back."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingestion.errors import PermanentError, TransientError
from retrieval import spaces
from retrieval.models import SpaceVersion, SpaceVersionState


class Command(BaseCommand):
    help = "List the spaces' versions; begin another, with the model of the settings; roll back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", default="list", choices=["list", *ACTIONS])
        parser.add_argument("space", nargs="?", default="")
        parser.add_argument(
            "--here", action="store_true", help="build in this process, not by the workers"
        )
        parser.add_argument(
            "--wait", action="store_true", help="begin: do not switch to it when it is full"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        spaces.sync()
        if options["action"] != "list":
            if options["space"] not in spaces.live_versions():
                known = ", ".join(spaces.live_versions())
                raise CommandError(f"Name a space: {known}.")
            try:
                ACTIONS[options["action"]](self, options["space"], options)
            except (ValueError, LookupError, PermanentError, TransientError) as exc:
                raise CommandError(str(exc)) from exc
        for version in SpaceVersion.objects.all():
            self.stdout.write(_line(version))

    def begin(self, space: str, options: dict[str, Any]) -> None:
        """Fill the next version beside the live one; it is switched to when it is full."""
        version = spaces.begin_version(space, waits=options["wait"])
        if options["here"]:
            self._build(version)

    def roll_back(self, space: str, options: dict[str, Any]) -> None:
        version = spaces.roll_back(space)
        if options["here"]:
            self._build(version)

    def _build(self, version: SpaceVersion) -> None:
        while not spaces.build_version(version, until=time.monotonic() + 5):
            version.refresh_from_db()
            self.stdout.write(f"{version}: {version.chunks_done:,} of {version.chunks_total:,}")


ACTIONS = {"begin": Command.begin, "roll-back": Command.roll_back}


def _line(version: SpaceVersion) -> str:
    progress = ""
    if version.state == SpaceVersionState.BUILDING:
        progress = f" {version.chunks_done:,} of {version.chunks_total:,}"
    problem = f" {version.error}" if version.error else ""
    return (
        f"{version.space} {version.number} {version.state}{progress}: {version.model} "
        f"({version.dimension} dimensions, {version.metric}){problem}"
    )
