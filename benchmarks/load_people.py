"""What one person does to a loaded site, for locust; `benchmarks.load` starts it.

Each person has an account, thinks for a while, then searches or asks, and reads the answer as
it streams.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from locust import HttpUser, between, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

SEARCH, FIRST, WHOLE = "search", "first character", "whole answer"
# A person gives up on a page that does nothing for so many seconds.
PATIENCE = 60


@events.init_command_line_parser.add_listener
def _arguments(parser: LocustArgumentParser) -> None:
    parser.add_argument("--people", required=True, help="a file of JSON: tokens and questions")
    parser.add_argument("--report", required=True, help="the file that the numbers go to")
    parser.add_argument("--think", type=float, default=10.0, help="mean seconds between requests")


@events.init.add_listener
def _set_up(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    assert options, "locust read its command line"
    given = json.loads(Path(options.people).read_text())
    Person.tokens = itertools.cycle(given["tokens"])
    Person.questions = given["questions"]
    # locust makes a method of what stands here.
    Person.wait_time = between(options.think / 2, options.think * 1.5)  # type: ignore[assignment]


@events.quitting.add_listener
def _report(environment: Environment, **_: Any) -> None:
    options, stats = environment.parsed_options, environment.stats
    assert options, "locust read its command line"
    numbers = {
        name: {
            "requests": entry.num_requests,
            "errors": entry.num_failures,
            "p50_ms": entry.get_response_time_percentile(0.5),
            "p95_ms": entry.get_response_time_percentile(0.95),
            "max_ms": round(entry.max_response_time),
        }
        for (name, _), entry in stats.entries.items()
    }
    errors = [f"{each.name}: {each.error} ({each.occurrences}x)" for each in stats.errors.values()]
    Path(options.report).write_text(json.dumps({"numbers": numbers, "errors": errors}))


class Person(HttpUser):
    """Searches twice as often as they ask."""

    tokens: Iterator[str]
    questions: list[str]

    def on_start(self) -> None:
        self.client.headers["Authorization"] = f"Bearer {next(self.tokens)}"

    @task(2)
    def search(self) -> None:
        # With a word of another question: else most would be answered from the cache.
        query = f"{random.choice(self.questions)} {random.choice(self.questions).split()[-1]}"
        with self.client.post(
            "/api/v1/search/",
            json={"query": query},
            name=SEARCH,
            timeout=PATIENCE,
            catch_response=True,
        ) as response:
            if (error := _error(response)) or not response.ok:
                response.failure(error or f"status {response.status_code}: {response.text[:200]}")
            elif not response.json()["hits"]:
                response.failure("nothing was found")

    @task(1)
    def ask(self) -> None:
        start = time.perf_counter()
        with self.client.post(
            "/api/v1/ask/",
            json={"question": random.choice(self.questions), "stream": True},
            name=WHOLE,
            timeout=PATIENCE,
            stream=True,
            catch_response=True,
        ) as response:
            if (error := _error(response)) or not response.ok:
                response.failure(error or f"status {response.status_code}: {response.text[:200]}")
                return
            kind, is_first = "", True
            for kind in _kinds(response):
                if kind == "delta" and is_first:
                    self._tell_first(time.perf_counter() - start)
                    is_first = False
            # Of a stream, locust takes the time until its head; this is that of the whole.
            response.request_meta["response_time"] = (time.perf_counter() - start) * 1000
            if kind != "done":
                response.failure(f"the answer ended with “{kind}”")

    def _tell_first(self, seconds: float) -> None:
        self.environment.events.request.fire(
            request_type="SSE",
            name=FIRST,
            response_time=seconds * 1000,
            response_length=0,
            exception=None,
            context={},
        )


def _error(response: Any) -> str:
    """Why there is no answer at all; empty where there is one."""
    # locust keeps what went wrong with the connection, and `ok` would raise it, uncounted.
    return repr(error) if (error := getattr(response, "error", None)) else ""


def _kinds(response: requests.Response) -> Iterator[str]:
    """The kinds of a stream's events, each as soon as it is there."""
    # None, which the stubs do not know: as much as has come.
    for line in response.iter_lines(chunk_size=None):  # type: ignore[call-overload]
        if line.startswith(b"event: "):
            yield line.removeprefix(b"event: ").decode()
