"""`manage.py export_feedback`: answers that people found good, as questions with gold pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from answers import feedback
from answers.models import Feedback
from retrieval.models import QuestionSet
from retrieval.questions import BadQuestions


class Command(BaseCommand):
    help = "Write questions, documents and cited pages of good answers as JSON lines."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: the terminal")
        parser.add_argument("--set", metavar="NAME", help="also add them to this question set")

    def handle(self, *, output: Path | None, set: str | None, **options: Any) -> None:
        given = Feedback.objects.all()
        if set:
            question_set, _ = QuestionSet.objects.get_or_create(name=set)
            try:
                count = feedback.add_to_set(given, question_set)
            except BadQuestions as exc:
                raise CommandError(str(exc)) from exc
            self.stderr.write(f"{count} questions are in the set “{set}”.")
        self._write(output, [one.as_record() for one in feedback.judged(given)])

    def _write(self, output: Path | None, records: list[dict[str, Any]]) -> None:
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        if output is None:
            self.stdout.writelines(lines)
            return
        try:
            output.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as exc:
            raise CommandError(f"{output} cannot be written: {exc.strerror}.") from exc
        self.stderr.write(f"{len(lines)} questions written to {output}.")
