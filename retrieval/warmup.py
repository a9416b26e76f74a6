"""Load the models before they are first needed; call these in a thread of their own."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import close_old_connections

from retrieval import rerank, spaces
from retrieval.embedders import ModelAway, ModelUnavailable, embedder_for
from retrieval.models import SpaceVersion

logger = logging.getLogger(__name__)


def warm() -> None:
    """Load what answers queries: the live spaces' encoders, their indexes, and the reranker.

    Takes seconds, or minutes where something has to be downloaded first. What cannot be had
    is logged and left out.
    """
    warm_embedders(for_queries=True)
    try:
        spaces.open_indexes()
    finally:
        close_old_connections()
    try:
        rerank.load()
    except ModelUnavailable as exc:
        logger.info("Searches are not reranked: %s", exc)


def warm_embedders(*, for_queries: bool = False) -> None:
    """Load the encoders of the live spaces: all that embedding a document needs.

    An encoder may keep weights of their own for queries.
    """
    for version in _live_versions():
        try:
            embedder = embedder_for(version.space, version.model)
            embedder.encode_texts(["warm up"])
            if for_queries:
                embedder.encode_queries(["warm up"])
        except (ModelUnavailable, ModelAway) as exc:
            logger.warning("The %s space cannot be searched: %s", version.space, exc)


def _live_versions() -> list[SpaceVersion]:
    try:
        live = spaces.live_versions().values()
    finally:
        # A thread's connection would otherwise stay open for as long as the thread lives.
        close_old_connections()
    return [version for version in live if version.space in settings.SPACES]
