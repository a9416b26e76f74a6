"""`manage.py export_feedback`: answers that people found good, as questions with gold pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from answers import feedback


class Command(BaseCommand):
    help = "Write questions, documents and cited pages of good answers as JSON lines."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: the terminal")

    def handle(self, *, output: Path | None, **options: Any) -> None:
        lines = [json.dumps(one, ensure_ascii=False) for one in feedback.judged_questions()]
        if output is None:
            self.stdout.writelines(lines)
            return
        try:
            output.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as exc:
            raise CommandError(f"{output} cannot be written: {exc.strerror}.") from exc
        self.stderr.write(f"{len(lines)} questions written to {output}.")
