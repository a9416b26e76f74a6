"""Serve a local model by the chat completions protocol, to this machine alone.

    python -m answers.readers.local_server --model NAME --port 8011 --context-tokens 8192

A process of its own, started by `manage.py serve` where LOCAL_VLM_MODEL is set: the web server
never waits for a model to load or to write, and a model that runs out of memory takes nothing
else along.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from answers.readers.local_model import BadRequest, LocalModel, Progress, TooLong

logger = logging.getLogger(__name__)

LARGEST_REQUEST = 256 * 2**20
MAX_NEW_TOKENS = 1024


class LocalServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1; `name` is what requests call the model."""

    daemon_threads = True

    def __init__(self, model: LocalModel, name: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.model = model
        self.name = name


class _Handler(BaseHTTPRequestHandler):
    server: LocalServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.rstrip("/") != "/v1/models":
            self._refuse(404, "there is only /v1/models and /v1/chat/completions", "not_found")
            return
        self._json(200, {"object": "list", "data": [{"id": self.server.name, "object": "model"}]})

    def do_POST(self) -> None:
        if self.path.rstrip("/") != "/v1/chat/completions":
            self._refuse(404, "there is only /v1/models and /v1/chat/completions", "not_found")
            return
        try:
            request = self._request()
            limit = min(int(request.get("max_tokens") or MAX_NEW_TOKENS), MAX_NEW_TOKENS * 8)
            prompt = self.server.model.prepare(request["messages"], max_new_tokens=limit)
        except TooLong as exc:
            self._refuse(400, str(exc), "exceed_context_size_error")
        except (BadRequest, ValueError, KeyError, TypeError, AttributeError) as exc:
            self._refuse(400, f"not a chat completion request: {exc}", "invalid_request_error")
        else:
            progress = Progress()
            texts = self.server.model.answer(
                prompt,
                max_new_tokens=limit,
                temperature=float(request.get("temperature") or 0.0),
                progress=progress,
            )
            self._stream(texts, prompt.tokens, limit, progress)

    def _request(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= LARGEST_REQUEST:
            raise BadRequest("the request is empty or too large")
        request = json.loads(self.rfile.read(length))
        if not isinstance(request, dict):
            raise BadRequest("the request is no object")
        return request

    def _stream(self, texts: Iterator[str], tokens: int, limit: int, progress: Progress) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for text in texts:
                self._event({"choices": [_choice({"content": text})]})
            reason = "length" if progress.tokens >= limit else "stop"
            usage = {"prompt_tokens": tokens, "completion_tokens": progress.tokens}
            self._event({"choices": [_choice({}, reason)], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            # The client has what it wants, or left: nobody reads the rest.
            progress.stop.set()
            for _ in texts:
                pass
        except RuntimeError as exc:
            logger.exception("the model failed")
            self._event({"error": {"message": str(exc)[:300], "type": "server_error"}})

    def _event(self, fields: dict[str, Any]) -> None:
        body = {"object": "chat.completion.chunk", "model": self.server.name, **fields}
        self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())
        self.wfile.flush()

    def _refuse(self, status: int, message: str, kind: str) -> None:
        self.close_connection = True
        self._json(status, {"error": {"message": message, "type": kind, "code": status}})

    def _json(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a folder, or a name at the hub")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--context-tokens", type=int, default=8192)
    parser.add_argument("--downloads", action="store_true", help="fetch what is not there yet")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    name = arguments.model
    model = LocalModel(
        name,
        context_tokens=arguments.context_tokens,
        local_only=not arguments.downloads or Path(name).is_dir(),
    )
    with LocalServer(model, name, arguments.port) as server:
        sys.stdout.write(f"{name} is ready at http://127.0.0.1:{server.server_port}/v1\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
