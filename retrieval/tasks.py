"""Celery doorways of retrieval."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import OperationalError
from rest_framework.exceptions import ValidationError

from ingestion import pipeline
from ingestion.errors import PermanentError, TransientError
from ingestion.models import Chunk, Document
from retrieval import (
    background,
    building,
    compiling,
    embedding,
    evaluation,
    keywords,
    profiles,
    spaces,
)
from retrieval.models import EvaluationRun, SpaceVersion

# A space is filled for this long at a time: uploads come in between.
TURN_SECONDS = 60.0

_again = functools.partial(
    shared_task,
    autoretry_for=(TransientError, OperationalError),
    retry_backoff=2,
    retry_backoff_max=120,
    max_retries=6,
)


@pipeline.step
def embed_document(document: Document, run: str) -> bool:
    return embedding.embed_document(document, run)


@_again()
def build_snapshot(version_id: int) -> None:
    _with_version(version_id, building.build_if_due)


@_again()
def rebuild_index(version_id: int) -> None:
    _with_version(version_id, spaces.rebuild_index)


@_again()
def build_space_version(version_id: int) -> None:
    """Work on a version for one turn, then queue behind what people wait for."""
    version = SpaceVersion.objects.filter(pk=version_id).first()
    if version is None:
        return
    try:
        complete = spaces.build_version(version, until=time.monotonic() + TURN_SECONDS)
    except PermanentError as exc:
        SpaceVersion.objects.filter(pk=version_id).update(error=str(exc))
        return
    if not complete:
        background.request("build_space_version", version_id)


@_again()
def remake_vector(version_id: int, chunk_id: int) -> None:
    """Make one chunk's vector in one version again."""
    chunk = Chunk.objects.live().filter(pk=chunk_id).first()
    if chunk is not None:
        _with_version(version_id, lambda version: embedding.remake(version, chunk))


@_again()
def run_evaluation(run_id: int) -> None:
    """Ask the questions of an evaluation for one turn, then queue the rest of it."""
    run = EvaluationRun.objects.filter(pk=run_id).first()
    if run is None:
        return
    try:
        complete = evaluation.proceed(run, until=time.monotonic() + TURN_SECONDS)
    except (PermanentError, ValidationError) as exc:
        problem = profiles.problem_in(exc) if isinstance(exc, ValidationError) else str(exc)
        evaluation.fail(run, problem)
        return
    if not complete:
        background.request("run_evaluation", run_id)


@_again()
def refresh_keywords(version_id: int) -> None:
    _with_version(version_id, keywords.refresh)


@_again()
def refresh_indexes() -> None:
    """Bring the keyword index up to date, and build the snapshots that are due."""
    spaces.refresh_indexes()


@_again()
def tend_indexes() -> None:
    """Take up whatever was left undone: lost tasks, new weights, missing vectors."""
    evaluation.ask_again()
    spaces.tend()
    if compiling.is_due():
        background.request_once("compile_encoders")


@shared_task
def compile_encoders() -> None:
    """Give the text encoders their faster form."""
    compiling.compile_all()


@worker_ready.connect
def _tend_at_start(**_: object) -> None:
    tend_indexes.delay()


def _with_version(version_id: int, function: Callable[[SpaceVersion], Any]) -> None:
    version = SpaceVersion.objects.filter(pk=version_id).first()
    if version is not None:
        function(version)
