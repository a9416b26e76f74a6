"""`manage.py ingest PATH...`: files and folders of this machine into a collection."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError
from rich.console import Console

from ingestion import collections, folder_watch, folders, pipeline, terminal
from ingestion.folder_watch import Watched
from ingestion.following import Follower, Result, result_of_refusal, result_of_step
from ingestion.models import Collection
from ingestion.terminal import Display

LOOK_SECONDS = 0.5
INTERRUPTED = 130


class Command(BaseCommand):
    help = "Submit files and folders, and follow them until they can be searched."
    # What they say of models is said by `check` and on the status page.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--collection", metavar="NAME", help="made when there is none")
        parser.add_argument("--owner", metavar="USERNAME", help="default: the first administrator")
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument("--no-wait", action="store_true", help="submit, and do not follow")
        modes.add_argument(
            "--watch", action="store_true", help="keep folders in step, until Ctrl-C"
        )

    def handle(self, *, paths: list[Path], watch: bool, no_wait: bool, **options: Any) -> None:
        self.console = Console(no_color=options["no_color"] or None)
        self.results: list[Result] = []
        self.follower = Follower()
        self.owner = _owner(options["owner"])
        self.collection = _collection(self.owner, options["collection"])
        self.console.print(f"Into “{self.collection}” of {self.collection.owner}.", markup=False)
        if problem := pipeline.why_nothing_moves():
            self.console.print(problem, style="yellow", highlight=False)
        try:
            if watch:
                self._watch(_folders(paths))
            else:
                self._ingest(paths, wait=not no_wait)
        except KeyboardInterrupt:
            self._interrupted()

    # --- once --------------------------------------------------------------------------------

    def _ingest(self, paths: list[Path], *, wait: bool) -> None:
        found = folders.find(paths)
        with Display(self.console, total=len(found.files)) as display:
            for file in found.files:
                outcome = folders.submit(file, collection=self.collection, owner=self.owner)
                self._submitted(outcome, display, wait=wait)
                self._look(display)
            while self.follower.paths:
                self._look(display)
                time.sleep(LOOK_SECONDS)
        terminal.summary(self.console, self.results, left_out=len(found.left_out))
        if any(result.is_failure for result in self.results):
            raise SystemExit(1)

    def _submitted(self, outcome: folders.Outcome, display: Display, *, wait: bool = True) -> None:
        if outcome.document is None:
            self._over(result_of_refusal(outcome), display)
        elif wait:
            self.follower.add(outcome.document, outcome.path)
        else:
            self._over(Result(outcome.path, "Submitted"), display)

    def _look(self, display: Display) -> None:
        steps = self.follower.look()
        display.follow(steps)
        for step in steps:
            if step.is_over:
                self._over(result_of_step(step), display)

    def _over(self, result: Result, display: Display) -> None:
        self.results.append(result)
        display.over(result)

    # --- for ever ----------------------------------------------------------------------------

    def _watch(self, roots: list[Path]) -> None:
        self.console.print(f"Watching {', '.join(map(str, roots))}; Ctrl-C ends it.", markup=False)
        watched = Watched(roots, self.collection, self.owner)
        with Display(self.console) as display:
            for change in folder_watch.follow(watched):
                if change and change.outcome:
                    self._submitted(change.outcome, display)
                elif change:
                    display.say(f"{change.path.name}: {change.kind}")
                self._look(display)

    def _interrupted(self) -> None:
        count = len(self.follower.paths)
        if count:
            goes = "1 document goes" if count == 1 else f"{count} documents go"
            self.console.print(f"Stopped. {goes} on in the background.", highlight=False)
        raise SystemExit(INTERRUPTED)


def _owner(username: str | None) -> User:
    users = User.objects.filter(is_active=True)
    if username is not None:
        user = users.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user called {username}.")
        return user
    first = users.filter(is_superuser=True).order_by("pk").first()
    if first is None:
        raise CommandError(
            "There is no administrator yet: start Pagewise once (manage.py serve), or name an "
            "owner with --owner."
        )
    return first


def _collection(owner: User, name: str | None) -> Collection:
    if name is None:
        return collections.default_for(owner)
    editable = Collection.objects.editable_by(owner).filter(name=name)
    theirs = editable.filter(owner=owner).first() or editable.order_by("pk").first()
    return theirs or Collection.objects.create(owner=owner, name=name)


def _folders(paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.is_dir():
            raise CommandError(f"{path} is no folder: --watch takes folders.")
    return [path.resolve() for path in paths]
