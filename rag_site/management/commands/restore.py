"""Restore a backup in place of what is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingestion.errors import PermanentError
from rag_site import backups


class Command(BaseCommand):
    help = "Restore a backup. Stop the web server and the workers first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.tar")
        parser.add_argument("--replace", action="store_true", help="give up what is here")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = backups.restore(options["file"], replace=options["replace"])
        except PermanentError as exc:
            raise CommandError(str(exc)) from exc
        except OSError as exc:
            raise CommandError(f"Nothing was restored: {exc}") from exc
        rows = sum(restored.rows.values())
        self.stdout.write(
            f"Restored {rows} rows and {restored.files} files of {restored.made_at}. The "
            "indexes are built anew when the workers start. Settings (.env, the secret key, "
            "spaces.toml) are not overwritten: they lie in the backup under settings/."
        )
