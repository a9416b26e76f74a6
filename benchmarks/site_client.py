"""A program that talks to a running site: signs in, uploads, follows, over HTTP alone."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FINAL = ("ready", "failed", "cancelled")
ANSWER_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the JSON that came with it."""

    status: int
    body: dict[str, Any]


class Client:
    """Uses the API of a site as one user."""

    def __init__(self, url: str, *, username: str, password: str) -> None:
        self._url = f"{url}/api/v1"
        self._token = ""
        form = urllib.parse.urlencode({"username": username, "password": password}).encode()
        self._token = str(self.send("POST", "/auth/token/", form).body["token"])

    def upload(self, file: Path) -> Answer:
        boundary = secrets.token_hex(16)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{file.name}"\r\nContent-Type: application/pdf\r\n\r\n'
        )
        body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        return self.send(
            "POST", "/documents/", body, kind=f"multipart/form-data; boundary={boundary}"
        )

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str) -> Answer:
        return self.send("POST", path, b"")

    def patch(self, path: str, data: dict[str, Any]) -> Answer:
        return self.send("PATCH", path, json.dumps(data).encode(), kind="application/json")

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        *,
        kind: str = "application/x-www-form-urlencoded",
    ) -> Answer:
        """Send a request; an answer of any status is returned."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if data is not None:
            headers["Content-Type"] = kind
        request = urllib.request.Request(
            self._url + path, data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:
                return Answer(response.status, _json(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _json(error.read()))


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {"items": found}
