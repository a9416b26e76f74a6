"""The request that the settings describe."""

from __future__ import annotations

from django.conf import settings

from retrieval.request import KEYWORDS, Final, Fusion, SearchRequest, Source, Stage


def of_settings() -> SearchRequest:
    """Build the request that SEARCH_DEFAULTS describe: every space and the keywords."""
    defaults = settings.SEARCH_DEFAULTS
    sources = tuple(
        Source(name, limit=defaults["candidates"], weight=defaults["weights"].get(name, 1.0))
        for name in known_spaces()
    )
    stage = Stage(
        sources,
        fusion=Fusion(defaults.get("fusion", "rrf"), k=defaults["rrf_k"]),
        final=Final("cross_encoder", limit=defaults["rerank"]) if defaults["rerank"] else None,
    )
    return SearchRequest(stage, top_k=defaults["top_k"])


def known_spaces() -> list[str]:
    """Name what can be asked: the configured spaces, and the keywords."""
    return [*settings.SPACES, KEYWORDS]
