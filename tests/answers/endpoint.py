"""A recording endpoint that speaks the chat completions protocol, well or badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Endpoint(ThreadingHTTPServer):
    """Records requests; `behave(handler, request)` answers each."""

    daemon_threads = True
    # A handler that hangs on purpose must not hold the test.
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.behave: Callable[[_Handler, dict], None] = says("Hello [1].")
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(request)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        try:
            self.server.behave(self, request)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, data: Any) -> None:
        body = data if isinstance(data, str) else json.dumps(data)
        self.wfile.write(f"data: {body}\n\n".encode())
        self.wfile.flush()

    def text(self, text: str, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        self.event({"id": "1", "object": "chat.completion.chunk", "choices": [choice]})

    def refuse(self, status: int, message: str, **headers: str) -> None:
        body = json.dumps({"error": {"message": message, "type": "test"}}).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def says(*pieces: str, finish: str = "stop") -> Callable[[_Handler, dict], None]:
    def behave(handler: _Handler, request: dict) -> None:
        handler.stream()
        for piece in pieces:
            handler.text(piece)
        handler.text("", finish)
        usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
        handler.event({"id": "1", "object": "x", "choices": [], "usage": usage})
        handler.event("[DONE]")

    return behave


def refuses(status: int, message: str, **headers: str) -> Callable[[_Handler, dict], None]:
    return lambda handler, request: handler.refuse(status, message, **headers)


def sends_whole(body: dict[str, Any]) -> Callable[[_Handler, dict], None]:
    """Answer a request for a stream with one JSON object and status 200."""

    def behave(handler: _Handler, request: dict) -> None:
        data = json.dumps(body).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json; charset=utf-8")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return behave


def first(*behaviours: Callable[[_Handler, dict], None]) -> Callable[[_Handler, dict], None]:
    """Behave in one way after the other; the last one stays."""
    left = list(behaviours)
    return lambda handler, request: (left.pop(0) if len(left) > 1 else left[0])(handler, request)


@contextmanager
def running_endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    thread = threading.Thread(target=endpoint.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.released.set()
        endpoint.shutdown()
        endpoint.server_close()
