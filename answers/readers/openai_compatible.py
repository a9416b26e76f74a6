"""A model behind any OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, LM Studio, hosted."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.conf import settings

from answers.prompting import ReaderPrompt
from answers.readers import Capabilities, PromptTooLong, ReaderDelta, chunks, endpoints
from answers.readers.citing import Plainly
from answers.readers.endpoints import Endpoint
from answers.readers.profiles import Profile, profile_of
from ingestion.errors import PermanentError, TransientError

if TYPE_CHECKING:
    import openai

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
# A stream that keeps sending is given this many times the longest wait for one piece.
LONGEST_STREAM = 5
RETRY_PAUSES = (0.5, 2.0)
LONGEST_RETRY_AFTER = 10.0
TEMPERATURE = 0.1
# Where an endpoint has no limit of its own; what is set is mostly far below.
MOST_IMAGES = 1000

_TOO_LONG = re.compile(
    r"context.{0,60}(length|size|window|overflow)|maximum.{0,30}tokens"
    r"|(prompt|request|input).{0,30}too (long|large)|exceed.{0,60}(context|tokens)",
    re.IGNORECASE | re.DOTALL,
)
_FEWER_IMAGES = re.compile(
    r"(?:at most|up to|maximum(?: number)?(?: of)?|limit(?:ed)?(?: is| of| to)?|only)\s+"
    r"(\d+)\s+images?",
    re.IGNORECASE,
)
_ABOUT_IMAGES = re.compile(r"image|multi-?modal|vision|mmproj", re.IGNORECASE)
# The key, the quota, the load: whatever their text names, another request meets the same.
_NOT_ABOUT_THE_REQUEST = frozenset({401, 403, 429, 503})


class OpenAICompatibleReader:
    """Asks one endpoint's model, with text and images."""

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self.endpoint = endpoint or endpoints.default()
        self.name = f"{self.endpoint.name or 'openai_compatible'}/{self.endpoint.model}"
        self.label = self.endpoint.model
        self.capabilities = Capabilities(
            prompt_tokens=max(self.endpoint.context_tokens - self.endpoint.max_output_tokens, 256),
            images=min(
                self.endpoint.max_images, _profile(self.endpoint).most_images or MOST_IMAGES
            ),
            image_pixels=self.endpoint.image_pixels,
        )

    @classmethod
    def is_configured(cls) -> bool:
        return bool(settings.VLM_BASE_URL and settings.VLM_MODEL)

    @classmethod
    def of_endpoint(cls, name: str) -> OpenAICompatibleReader:
        """Build the reader of an endpoint of settings.ENDPOINTS."""
        return cls(endpoints.named(name))

    def stream(self, prompt: ReaderPrompt) -> Generator[ReaderDelta, None, None]:
        """Yield the model's answer; see `Reader.stream`. Retries until the first character."""
        import openai

        attempts = _Attempts(self.endpoint, prompt)
        with _client(self.endpoint) as client:
            while True:
                said = False
                citing = Plainly({piece.number for piece in prompt.evidence})
                try:
                    for delta in _attempt(client, self.endpoint, attempts.request):
                        said = said or bool(delta.text)
                        yield replace(delta, text=citing.take(delta.text))
                    yield ReaderDelta(text=citing.rest())
                # What is no JSON, or not of the shape it should have, comes as a ValueError.
                except (openai.OpenAIError, ValueError) as exc:
                    if said:
                        yield ReaderDelta(text=citing.rest())
                        raise _broken_off(self.endpoint, exc) from exc
                    attempts.go_on_after(exc)
                else:
                    yield from attempts.notes
                    return


class _Attempts:
    """What to send next, after what the endpoint said to the last attempt."""

    def __init__(self, endpoint: Endpoint, prompt: ReaderPrompt) -> None:
        self.request = _request(endpoint, prompt)
        self.notes: list[ReaderDelta] = []
        self._endpoint = endpoint
        self._images = len(_pictures(prompt))
        self._prompt = prompt
        self._pauses = list(RETRY_PAUSES)

    def go_on_after(self, exc: Exception) -> None:
        """Change the request, or wait, so that trying again may help; else raise why not."""
        says = _server_says(exc)
        if _is_about_the_request(exc) and self._adapted(_without_name(says, self._endpoint.model)):
            logger.info("%s: adapted the request after: %s", self._endpoint.model, says)
        elif self._pauses and (pause := _pause(exc, self._pauses[0])) is not None:
            self._pauses.pop(0)
            time.sleep(pause)
        else:
            raise _translated(self._endpoint, exc) from exc

    def _adapted(self, says: str) -> bool:
        if self._images and _ABOUT_IMAGES.search(says) and not _TOO_LONG.search(says):
            self._send_fewer_images(says)
            return True
        # Endpoints differ in what they accept beside the messages; none of it is essential.
        if "max_tokens" in self.request and "max_completion_tokens" in says:
            self.request["max_completion_tokens"] = self.request.pop("max_tokens")
            return True
        refused = {name for name in ("temperature", "stream_options") if name in says}
        refused &= self.request.keys()
        for name in refused:
            del self.request[name]
        return bool(refused)

    def _send_fewer_images(self, says: str) -> None:
        """Send as many as the endpoint says that it takes; none where it does not say."""
        allowed = _FEWER_IMAGES.search(says)
        kept = int(allowed[1]) if allowed else 0
        self._images = kept if kept < self._images else 0
        self.request["messages"] = _messages(self._prompt, images=self._images)
        model = self._endpoint.model
        site_note = (
            f"{model} takes {self._images} images at a time: the others were given as text."
            if self._images
            else f"{model} takes no images: figures and tables were given as text."
        )
        is_unseen = self._images < len(self._prompt.attached)
        note = "Not all of what you attached was looked at." if is_unseen else ""
        usage = {"images": self._images}
        self.notes = [ReaderDelta(note=note, site_note=site_note, usage=usage)]


def _is_about_the_request(exc: Exception) -> bool:
    import openai

    if isinstance(exc, openai.APIConnectionError):
        return False
    return getattr(exc, "status_code", None) not in _NOT_ABOUT_THE_REQUEST


def _without_name(says: str, model: str) -> str:
    """Take the model's name out, whole and without its folder: “…-vision” is in many names."""
    names = "|".join(re.escape(name) for name in (model, model.rpartition("/")[2]))
    return re.sub(rf"(?<!\w)(?:{names})(?!\w)", "", says, flags=re.IGNORECASE)


def _profile(endpoint: Endpoint) -> Profile:
    return profile_of(endpoint.base_url, endpoint.model, endpoint.profile)


def _client(endpoint: Endpoint) -> openai.OpenAI:
    import openai

    return openai.OpenAI(
        base_url=endpoint.base_url,
        # Endpoints on one's own machine want none, but the package insists on one.
        api_key=endpoint.api_key or "none",
        timeout=openai.Timeout(endpoint.timeout_seconds, connect=CONNECT_SECONDS),
        max_retries=0,
    )


def _request(endpoint: Endpoint, prompt: ReaderPrompt) -> dict[str, Any]:
    parameters = _profile(endpoint).parameters(
        max_output_tokens=endpoint.max_output_tokens, temperature=TEMPERATURE
    )
    messages = _messages(prompt, images=len(_pictures(prompt)))
    return {"model": endpoint.model, "messages": messages, **parameters}


def _messages(prompt: ReaderPrompt, *, images: int) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for words, url in _pictures(prompt)[:images]:
        content.append({"type": "text", "text": words})
        content.append({"type": "image_url", "image_url": {"url": url}})
    content.append({"type": "text", "text": prompt.user})
    return [
        {"role": "system", "content": prompt.system},
        *({"role": turn.role, "content": turn.text} for turn in prompt.turns),
        # Plain text where there is no image: servers of text models know nothing else.
        {"role": "user", "content": content if len(content) > 1 else prompt.user},
    ]


def _pictures(prompt: ReaderPrompt) -> list[tuple[str, str]]:
    """The images to send, each with the words before it: what the person attached comes first."""
    own = [("A picture that the person attached:", url) for url in prompt.attached]
    sources = [(f"The image of source [{one.number}]:", one.url) for one in prompt.images]
    return [*own, *sources]


def _attempt(
    client: openai.OpenAI, endpoint: Endpoint, request: dict[str, Any]
) -> Iterator[ReaderDelta]:
    stream = client.chat.completions.create(**request)
    # The timer also ends a stream that sends bytes for ever, but never a whole event.
    limit = threading.Timer(endpoint.timeout_seconds * LONGEST_STREAM, stream.close)
    limit.daemon = True
    limit.start()
    try:
        yield from chunks.read(endpoint, _events(stream))
    finally:
        limit.cancel()
        stream.close()


def _events(stream: openai.Stream[Any]) -> Iterable[Any]:
    """The chunks of a stream; of a server that answers with one JSON object, what that says.

    LM Studio sends errors that way, with status 200 (issue 362 of lmstudio-ai/lms); servers that
    do not stream send the whole answer. Raises ValueError where it is neither.
    """
    import openai

    if "json" not in stream.response.headers.get("content-type", ""):
        return stream
    body = json.loads(stream.response.read())
    if isinstance(body, dict) and (error := body.get("error")):
        says = error.get("message") if isinstance(error, dict) else error
        raise openai.APIError(str(says), request=stream.response.request, body=error)
    return chunks.of_whole(body)


def _pause(exc: Exception, pause: float) -> float | None:
    """Seconds to wait before trying again; None where that will not help."""
    import openai

    match exc:
        case openai.APITimeoutError():
            return None
        case openai.APIConnectionError() | openai.InternalServerError():
            return pause
        case openai.RateLimitError():
            asked = exc.response.headers.get("retry-after", "")
            wait = float(asked) if re.fullmatch(r"\d+(\.\d+)?", asked) else pause
            return wait if wait <= LONGEST_RETRY_AFTER else None
        case _:
            return None


def _translated(endpoint: Endpoint, exc: Exception) -> PermanentError | TransientError:
    """Say in a sentence what went wrong, and what to do about it."""
    import openai

    server, model, says = endpoint.base_url, endpoint.model, _server_says(exc)
    setting = endpoint.setting
    match exc:
        case openai.APITimeoutError():
            return TransientError(
                f"The model at {server} did not answer within {endpoint.timeout_seconds} "
                f"seconds. Ask again, or raise {setting('timeout_seconds')}."
            )
        case openai.APIConnectionError():
            return TransientError(
                f"The model at {server} cannot be reached. "
                f"Check that its server is running and that {setting('base_url')} is right."
            )
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return PermanentError(
                f"The model at {server} refused the key: check {setting('api_key')}."
            )
        case openai.NotFoundError():
            return PermanentError(
                f"There is no model “{model}” at {server}: check {setting('model')}, and "
                f"{setting('base_url')}, which mostly ends in /v1."
            )
        case openai.RateLimitError():
            return TransientError(
                f"The model at {server} is overloaded, or its quota is used up: try again later."
            )
        case openai.APIStatusError() if _TOO_LONG.search(says):
            return PromptTooLong(
                f"The question with its evidence is too long for {model}: "
                f"lower {setting('context_tokens')} to what it can take, or raise it at its server."
            )
        case openai.InternalServerError():
            return TransientError(f"The model's server at {server} failed: “{says}”. Try again.")
        case openai.APIError():
            return PermanentError(f"The model at {server} refused the request: “{says}”.")
        case _:
            return PermanentError(
                f"What {server} sends is not a chat completion: check that "
                f"{setting('base_url')} is an OpenAI-compatible endpoint; it mostly ends in /v1."
            )


def _broken_off(endpoint: Endpoint, exc: Exception) -> TransientError:
    """Say that the answer ends in the middle."""
    import openai

    match exc:
        case openai.APITimeoutError():
            why = f"it sent nothing more for {endpoint.timeout_seconds} seconds"
        case openai.APIConnectionError():
            why = "the connection was closed, or it took too long"
        case openai.APIError():
            why = f"it reported “{_server_says(exc)}”"
        case _:
            why = "the rest cannot be read"
    return TransientError(f"The model broke off in the middle of the answer: {why}. Ask again.")


def _server_says(exc: Exception) -> str:
    body = getattr(exc, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        body = inner.get("message") if isinstance(inner, dict) else inner
    says = body if isinstance(body, str) and body else getattr(exc, "message", str(exc))
    return " ".join(str(says).split())[:200]
