"""Examine rows, vectors, indexes and files, and mend what differs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingestion.errors import TransientError
from ingestion.findings import Finding
from rag_site import doctor


class Command(BaseCommand):
    help = "Hold rows, vectors, indexes and files against each other; --repair mends them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="mend what can be mended")

    def handle(self, *args: Any, **options: Any) -> None:
        found = doctor.examine()
        self._print(found)
        if options["repair"] and found:
            try:
                found = doctor.repair()
            except TransientError as exc:
                raise CommandError(f"{exc} Try again in a moment.") from exc
            self.stdout.write("After the repair:")
            self._print(found)
        if found:
            raise CommandError(f"{len(found)} findings are left.", returncode=1)

    def _print(self, found: list[Finding]) -> None:
        for finding in found:
            mend = f" Repair: {finding.repair}." if finding.repair else ""
            self.stdout.write(f"  {finding.code} ({finding.where}): {finding.sentence}{mend}")
        if not found:
            self.stdout.write(self.style.SUCCESS("Everything is in step."))
