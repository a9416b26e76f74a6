"""The remote embedder against a real HTTP server of this process."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from ingestion.errors import PermanentError
from retrieval.embedders import InputRefused, ModelAway, ModelUnavailable
from retrieval.embedders.openai_compatible import OpenAICompatibleEmbedder
from tests.retrieval.fake_models import FRUITS


class Service:
    """Counts fruits, as the fake model does; may be told to fail first."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.keys: list[str] = []
        self.failures: list[int] = []
        self.body: bytes | None = None
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append({"path": self.path, **asked})
                service.keys.append(self.headers["Authorization"])
                status = service.failures.pop(0) if service.failures else 200
                body = service.body or service.answer(asked) if status == 200 else b"{}"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    @staticmethod
    def answer(asked: dict) -> bytes:
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": [float(text.lower().count(fruit)) for fruit in FRUITS],
            }
            for index, text in enumerate(asked["input"])
        ]
        # In any order: the index says which text a vector is of.
        return json.dumps({"object": "list", "data": data[::-1], "model": "m"}).encode()


@pytest.fixture
def service():
    running = Service()
    yield running
    running.server.shutdown()
    running.server.server_close()


def embedder(service, **options):
    weights = OpenAICompatibleEmbedder.located("fruit-9", {"base_url": service.url})
    options = {"base_url": service.url, "retries": 0, "timeout": 5, **options}
    return OpenAICompatibleEmbedder(weights, metric="cosine", **options)


def test_texts_go_in_batches_and_come_back_in_order(service):
    vectors = embedder(service, batch_size=2, document_prefix="passage: ").encode_texts(
        ["pear pear", "apple", "plum"]
    )
    assert vectors.tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    assert vectors.dtype == np.float32
    assert [request["input"] for request in service.requests] == [
        ["passage: pear pear", "passage: apple"],
        ["passage: plum"],
    ]
    assert service.requests[0]["path"] == "/v1/embeddings"
    assert service.requests[0]["model"] == "fruit-9"


def test_the_key_and_the_dimension(service):
    assert embedder(service, api_key="secret").dimension == 4
    assert service.keys == ["Bearer secret"]


def test_nothing_to_encode(service):
    assert embedder(service).encode_texts([]).shape == (0, 4)


def test_it_tries_again_when_the_service_is_busy(service):
    service.failures = [503, 429]
    assert embedder(service, retries=2).encode_queries(["plum"]).shape == (1, 4)
    assert len(service.requests) == 3


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (503, ModelAway, "busy or broken now"),
        (429, ModelAway, "busy or broken now"),
        (401, ModelUnavailable, "refused the key"),
        (404, ModelUnavailable, "knows no embeddings of fruit-9"),
        (400, InputRefused, "refused the request"),
        (413, InputRefused, "refused the request"),
    ],
)
def test_errors_are_sentences(service, status, error, message):
    service.failures = [status]
    with pytest.raises(error, match=message) as caught:
        embedder(service).encode_queries(["plum"])
    assert service.url in str(caught.value)


def test_a_service_that_refuses_everything_is_not_to_blame_on_the_text(service):
    service.failures = [400, 400]
    with pytest.raises(ModelUnavailable, match="refused the request"):
        embedder(service).encode_queries(["plum"])
    service.failures = [400]
    with pytest.raises(ModelUnavailable, match="refused the request"):
        _ = embedder(service).dimension


def test_a_service_that_has_just_answered_is_not_asked_whether_it_refuses_everything(service):
    remote = embedder(service)
    service.failures = [400, 200, 400]
    for text in ("pear " * 999, "plum " * 999):
        with pytest.raises(InputRefused):
            remote.encode_texts([text])
    inputs = [request["input"][0].split()[0] for request in service.requests]
    assert inputs == ["pear", "dimension", "plum"]


@pytest.mark.parametrize("body", [b'{"data": []}', b'{"error": "no"}', b'{"data": [{"index": 0}]}'])
def test_an_answer_that_is_none(service, body):
    service.body = body
    with pytest.raises(ModelUnavailable, match=r"gave (no|empty) embeddings"):
        embedder(service).encode_queries(["plum"])


def test_nobody_there():
    weights = OpenAICompatibleEmbedder.located("m", {"base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(ModelAway, match="cannot be reached"):
        OpenAICompatibleEmbedder(
            weights, metric="cosine", base_url="http://127.0.0.1:9/v1", retries=0
        ).encode_queries(["plum"])


def test_without_an_address_it_says_what_to_set():
    located = OpenAICompatibleEmbedder.located("m", {})
    assert not located.available
    assert "base_url" in located.advice


def test_it_refuses_images(service):
    with pytest.raises(PermanentError, match="text only"):
        embedder(service).encode_images([b"x"])
