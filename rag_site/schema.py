"""What the OpenAPI document says of every operation alike: how errors look."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for people."},
        "code": {"type": "string", "description": "For programs; it does not change."},
        "errors": {
            "type": "array",
            "description": "Where some fields are not right.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "existing": {"type": "string", "description": "The document that is already there."},
    },
}
REFERENCE = {
    "description": "What went wrong, and what to do.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

# What a text may hold: anything but the NUL that no database keeps; where it may not be blank,
# something besides white space.
ANYTHING = r"^[^\0]+$"
NOT_BLANK = r"^[^\0]*[^\s\0][^\0]*$"


class DescribedStrictness(OpenApiSerializerExtension):
    """Say in the schema which objects take no fields beside their own."""

    target_class = "ingestion.json_types.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        found = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**found, "additionalProperties": False} if direction == "request" else found


class DescribedString(OpenApiSerializerFieldExtension):
    """Say in the schema which texts are taken."""

    target_class = "ingestion.json_types.StringField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        found = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        if direction == "request":
            may_be_blank = self.target.allow_blank or not self.target.trim_whitespace
            found["pattern"] = ANYTHING if may_be_blank else NOT_BLANK
        return found


UPLOAD = "/api/v1/uploads/{id}/"


def describe_heads(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Describe the one HEAD that clients live by. A drf-spectacular hook, which leaves them out."""
    looked_at = result["paths"].get(UPLOAD, {}).get("get")
    if looked_at is None:
        return result
    answer = looked_at["responses"]["200"]
    head = {name: part for name, part in looked_at.items() if name != "operationId"}
    headers = {"headers": answer.get("headers", {}), "description": "How far it is."}
    head |= {"operationId": "uploads_head", "responses": {"200": headers}}
    result["paths"][UPLOAD]["head"] = head
    return result


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Let every operation's errors be problem details. A drf-spectacular hook."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            responses = operation.get("responses", {}) if isinstance(operation, dict) else {}
            for status, response in responses.items():
                if status.startswith(("4", "5")) and "content" not in response:
                    response["content"] = REFERENCE["content"]
            responses.setdefault("default", REFERENCE)
    return result
