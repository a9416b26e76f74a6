"""Load the models that answer queries before the first query needs them."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import connection

from retrieval import rerank, spaces
from retrieval.embedders import ModelUnavailable, embedder_for

logger = logging.getLogger(__name__)


def warm() -> None:
    """Load (and where need be download) each live space's encoder and the reranker.

    Takes seconds to minutes: call it in a thread. What cannot be had is logged and left out.
    """
    warm_embedders()
    try:
        rerank.load()
    except ModelUnavailable as exc:
        logger.info("Searches are not reranked: %s", exc)


def warm_embedders() -> None:
    """Load each live space's encoder, as `warm` does, for processes that only embed."""
    try:
        versions = spaces.live_versions().values()
    finally:
        # This thread's connection would otherwise stay open for good.
        connection.close()
    for version in versions:
        if version.space not in settings.SPACES:
            continue
        try:
            embedder_for(version.space, version.model).encode_queries(["warm up"])
        except ModelUnavailable as exc:
            logger.warning("The %s space is not at hand: %s", version.space, exc)
