"""Prometheus metrics: what this process did, and how the whole system is.

Requests, searches and answers are counted in the process that serves them: scrape every web
process. Documents, pages, vectors, queue and disk are read when they are asked for, and are
the same from each.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import redis
from django.conf import settings
from django.db.models import Count
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from answers import pool
from answers.signals import answered
from ingestion.models import Chunk, Document, DocumentState, Page, PageState
from ingestion.signals import page_finished
from rag_site import cache_use, health
from retrieval.models import Embedding, SpaceVersion
from retrieval.signals import searched

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

REQUESTS = Counter(
    "pagewise_requests",
    "Requests by route and status.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "pagewise_request_seconds", "Seconds until the response began.", ["route"], registry=REGISTRY
)
SEARCH_SECONDS = Histogram(
    "pagewise_search_stage_seconds", "Seconds of a search, by stage.", ["stage"], registry=REGISTRY,
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)  # fmt: skip
SEARCHES = Counter(
    "pagewise_searches", "Searches by where the answer came from.", ["source"], registry=REGISTRY
)
ANSWERS = Counter("pagewise_answers", "Answers by how they ended.", ["state"], registry=REGISTRY)
ANSWER_SECONDS = Histogram(
    "pagewise_answer_seconds", "Seconds of an answer, by moment.", ["moment"], registry=REGISTRY,
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300),
)  # fmt: skip
READER_TOKENS = Counter(
    "pagewise_reader_tokens", "Tokens that readers took and gave.", ["kind"], registry=REGISTRY
)
# A hash in Redis: pages that workers have finished, by state.
INGESTED_KEY = "pagewise:ingested"
# A client may send any word; each would stay a series of its own.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# As readers report them, where they do.
TOKEN_KINDS = ("prompt_tokens", "completion_tokens")


@receiver(searched, dispatch_uid="metrics.searched")
def _count_search(
    sender: Any, timings: dict[str, float], *, is_cached: bool = False, **_: Any
) -> None:
    SEARCHES.labels("cache" if is_cached else "index").inc()
    cache_use.count(is_cached=is_cached)
    for stage, seconds in timings.items():
        SEARCH_SECONDS.labels(stage).observe(seconds)


@receiver(answered, dispatch_uid="metrics.answered")
def _count_answer(sender: Any, answer: Any, **_: Any) -> None:
    ANSWERS.labels(answer.state).inc()
    for moment in ("first_character", "total"):
        if moment in answer.timings:
            ANSWER_SECONDS.labels(moment).observe(answer.timings[moment])
    for kind in TOKEN_KINDS:
        READER_TOKENS.labels(kind).inc(answer.usage.get(kind) or 0)


@receiver(page_finished, dispatch_uid="metrics.page_finished")
def _count_page(sender: Any, state: str, **_: Any) -> None:
    # Workers are not scraped: what they did is counted in Redis, for all of them together.
    with suppress(redis.RedisError):
        health.redis_client().hincrby(INGESTED_KEY, state, 1)


class CountRequests:
    """Middleware: counts requests under the names of their routes, never of their paths."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match else "none"
        method = request.method if request.method in METHODS else "OTHER"
        REQUESTS.labels(method, route, response.status_code).inc()
        REQUEST_SECONDS.labels(route).observe(time.perf_counter() - start)
        return response


class SystemCollector:
    """How the whole system is at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        yield from (
            self._documents(),
            self._pages(),
            _gauge("chunks", Chunk.objects.live().count()),
        )
        yield from self._spaces()
        yield from self._queue()
        # Of this process alone, as the requests are.
        yield _gauge("answers_working", pool.slots().working)
        yield _gauge("answers_waiting", pool.slots().waiting)
        yield _gauge("disk_free_bytes", shutil.disk_usage(settings.DATA_DIR).free)

    def _documents(self) -> GaugeMetricFamily:
        counts = dict(Document.objects.order_by().values_list("state").annotate(Count("pk")))
        return _gauge_by("documents", "state", {s: counts.get(s, 0) for s in DocumentState.values})

    def _pages(self) -> GaugeMetricFamily:
        counts = dict(Page.objects.order_by().values_list("state").annotate(Count("pk")))
        return _gauge_by("pages", "state", {s: counts.get(s, 0) for s in PageState.values})

    def _spaces(self) -> Iterator[GaugeMetricFamily]:
        live = list(SpaceVersion.objects.live())
        rows = Embedding.objects.filter(space_version__in=live).order_by()
        counts = dict(rows.values_list("space_version").annotate(Count("pk")))
        yield _gauge_by("vectors", "space", {v.space: counts.get(v.pk, 0) for v in live})
        built = {v.space: v.last_built_at.timestamp() for v in live if v.last_built_at}
        yield _gauge_by("index_built_timestamp_seconds", "space", built)

    def _queue(self) -> Iterator[Metric]:
        try:
            yield _gauge_by("queue_length", "queue", health.queue_lengths())
            yield _gauge("worker_alive", int(health.worker_seen_at() is not None))
            yield self._ingested()
        except redis.RedisError:
            yield _gauge("worker_alive", 0)

    def _ingested(self) -> CounterMetricFamily:
        counted: Any = health.redis_client().hgetall(INGESTED_KEY)
        family = CounterMetricFamily(
            "pagewise_ingested_pages", "Pages that workers have finished.", labels=["state"]
        )
        for state in (PageState.DONE, PageState.SKIPPED):
            family.add_metric([state], int(counted.get(state.encode(), 0)))
        return family


def _gauge(name: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"pagewise_{name}", name.replace("_", " ").capitalize(), value)


def _gauge_by(name: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"pagewise_{name}", name.replace("_", " "), labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


REGISTRY.register(SystemCollector())


def exposition() -> bytes:
    """Return everything in Prometheus' text format."""
    return generate_latest(REGISTRY)
