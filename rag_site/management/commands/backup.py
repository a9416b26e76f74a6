"""Back up database, files and settings into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from ingestion.errors import TransientError
from rag_site import backups


class Command(BaseCommand):
    help = "Back up database, files and settings into one file, while everything runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.tar")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = backups.back_up(options["file"])
        except TransientError as exc:
            raise CommandError(f"Nothing was backed up: {exc}") from exc
        except DatabaseError as exc:
            raise CommandError(
                f"Nothing was backed up: the database cannot be read ({exc}). After an upgrade, "
                "run manage.py migrate first."
            ) from exc
        except OSError as exc:
            raise CommandError(f"{options['file']} cannot be written: {exc.strerror}.") from exc
        rows = sum(made.rows.values())
        size = options["file"].stat().st_size / 1e6
        self.stdout.write(
            f"{options['file']}: {rows} rows and {made.files} files, {size:.1f} MB. It holds "
            "passwords' hashes and keys: keep it where nobody else reads it."
        )
