"""No doorway leaves out in silence what it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

# Its help says why.
LENIENT = {"GoldQuestionRequest"}


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


def named(part: Any) -> Iterator[str]:
    """The components that a part of the schema refers to."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from named(one)


def test_every_body_is_strict(schema) -> None:
    operations = [
        operation
        for path in schema["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]
    wanted = {name for one in operations for name in named(one.get("requestBody"))}
    known = schema["components"]["schemas"]
    looked_at: set[str] = set()
    while new := wanted - looked_at:
        looked_at |= new
        wanted |= {name for one in new for name in named(known[one])}
    objects = {name for name in looked_at if known[name].get("type") == "object"}
    assert {
        "AskRequest",
        "WebhookRequest",
        "PatchedLabelsRequest",
        "SearchRequestRequest",
    } <= objects
    lenient = {name for name in objects if known[name].get("additionalProperties") is not False}
    assert lenient <= LENIENT
