"""The shape of an error in OpenAI's chat API. A leaf: it is told before anything is loaded."""

from __future__ import annotations

from typing import Any


def body(message: str, code: str) -> dict[str, Any]:
    return {
        "error": {"message": message, "type": "invalid_request_error", "code": code, "param": None}
    }
