"""Measure searches on a question set, under one profile or two."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework.exceptions import ValidationError

from ingestion.errors import PermanentError, TransientError
from ingestion.models import Document
from retrieval import evaluation, profiles, questions
from retrieval.models import EvaluationRun, QuestionSet, SearchProfile

SETTINGS = "settings"
SHOWN = ("recall@1", "recall@3", "recall@5", "recall@10", "precision@5", "rr", "ndcg@10")


class Command(BaseCommand):
    help = "Measure searches on a question set, under one profile or two."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("set", help="name of the question set")
        parser.add_argument("--import", dest="file", type=Path, help="JSON lines to add first")
        parser.add_argument("--profile", default=SETTINGS, help=f"or {SETTINGS!r}, the default")
        parser.add_argument("--against", help=f"a second profile, or {SETTINGS!r}")
        parser.add_argument(
            "--within", choices=("set", "document"), default="set", help="where to search"
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = [_profile(options["profile"])]
            if options["against"]:
                chosen.append(_profile(options["against"]))
            run = evaluation.begin(self._set(options), chosen, scope=options["within"])
            self._proceed(run)
        except (PermanentError, TransientError) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(json.dumps(run.report) if options["json"] else _as_text(run))

    def _set(self, options: dict[str, Any]) -> QuestionSet:
        if options["file"] is None:
            found = QuestionSet.objects.filter(name=options["set"]).first()
            if found is None:
                names = ", ".join(QuestionSet.objects.values_list("name", flat=True)) or "none"
                raise CommandError(f"There is no set {options['set']}; there is {names}.")
            return found
        try:
            with options["file"].open(encoding="utf-8") as lines:
                documents = Document.objects.searchable()
                found, came = questions.import_set(options["set"], lines, documents=documents)
        except OSError as exc:
            raise CommandError(f"{options['file']} cannot be read ({exc.strerror}).") from exc
        self.stderr.write(f"{came.taken} questions taken, {len(came.left_out)} left out.")
        for line in came.left_out[:20]:
            self.stderr.write(f"  {line}")
        return found

    def _proceed(self, run: EvaluationRun) -> None:
        try:
            while not evaluation.proceed(run, until=time.monotonic() + 10):
                self.stderr.write(f"{run.done} of {run.total}")
        except (PermanentError, TransientError, ValidationError) as exc:
            problem = profiles.problem_in(exc) if isinstance(exc, ValidationError) else str(exc)
            evaluation.fail(run, problem)
            raise CommandError(problem) from exc


def _profile(name: str) -> SearchProfile | None:
    if name == SETTINGS:
        return None
    profile = SearchProfile.objects.filter(name=name).first()
    if profile is None:
        names = ", ".join([SETTINGS, *SearchProfile.objects.values_list("name", flat=True)])
        raise CommandError(f"There is no profile {name}; there is {names}.")
    return profile


def _as_text(run: EvaluationRun) -> str:
    report = run.report
    lines = [f"{run}, {report['questions']} questions, {run.get_scope_display()}"]
    for side in report["sides"]:
        lines += ["", side["name"] or SETTINGS]
        for level, values in side["levels"].items():
            lines += [f"  by {level}", *(_line(name, values[name]) for name in SHOWN)]
        for kind, values in side["kinds"].items():
            count = values["recall@5"]["count"]
            lines.append(
                f"  {kind} ({count}): recall@1 {values['recall@1']['mean']:.3f}, "
                f"recall@5 {values['recall@5']['mean']:.3f}"
            )
        for label, held in side["sources"].items():
            lines.append(
                f"  {label}: evidence in its list {held['held']:.0%}, in its first ten "
                f"{held['in_ten']:.0%}"
            )
        took = ", ".join(f"{name} {value:.0f} ms" for name, value in side["latency_ms"].items())
        lines.append(f"  latency {took}; {len(side['misses'])} missed in the first five pages")
    if report["comparison"]:
        lines += ["", "second minus first, by page"]
        lines += [_difference(name, report["comparison"][name]) for name in SHOWN]
    return "\n".join(lines)


def _line(name: str, value: dict[str, float]) -> str:
    return f"    {name:12} {value['mean']:.3f}  [{value['low']:.3f}, {value['high']:.3f}]"


def _difference(name: str, value: dict[str, float]) -> str:
    return (
        f"  {name:12} {value['difference']:+.3f}  [{value['low']:+.3f}, {value['high']:+.3f}]  "
        f"p = {value['p']:.3f}, {value['better']} better, {value['worse']} worse"
    )
