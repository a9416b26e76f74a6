"""Rebuild the indexes on disk from the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingestion.errors import TransientError
from retrieval import spaces


class Command(BaseCommand):
    help = "Rebuild the indexes of all spaces, or of the named ones, from the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("spaces", nargs="*", metavar="SPACE")

    def handle(self, *args: Any, **options: Any) -> None:
        spaces.sync()
        live = spaces.live_versions()
        if unknown := set(options["spaces"]) - set(live):
            raise CommandError(f"no such space: {', '.join(unknown)}. There are {', '.join(live)}.")
        for name in options["spaces"] or live:
            try:
                spaces.rebuild_index(live[name])
            except TransientError as exc:
                raise CommandError(str(exc)) from exc
            self.stdout.write(f"{live[name]}: rebuilt.")
