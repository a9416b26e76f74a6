"""A model behind any OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, LM Studio, hosted."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings

from answers.prompting import ReaderPrompt
from answers.readers import Capabilities, PromptTooLong, ReaderDelta
from answers.readers.thoughts import without_thoughts
from ingestion.errors import PermanentError, TransientError

if TYPE_CHECKING:
    import openai

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
# A stream that keeps sending is given this many times the longest wait for one piece.
LONGEST_STREAM = 5
RETRY_PAUSES = (0.5, 2.0)
LONGEST_RETRY_AFTER = 10.0
# No language needs more for a token; an endpoint that sends more ignores the limit it got.
CHARACTERS_PER_TOKEN = 10
TEMPERATURE = 0.1

_TOO_LONG = re.compile(
    r"context.{0,60}(length|size|window|overflow)|maximum.{0,30}tokens"
    r"|(prompt|request|input).{0,30}too (long|large)|exceed.{0,60}(context|tokens)",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT_IMAGES = re.compile(r"image|multi-?modal|vision|mmproj", re.IGNORECASE)


class OpenAICompatibleReader:
    """Asks the model of VLM_BASE_URL and VLM_MODEL, with text and images."""

    def __init__(self) -> None:
        self.name = f"openai_compatible/{settings.VLM_MODEL}"
        self.capabilities = Capabilities(
            prompt_tokens=max(settings.VLM_CONTEXT_TOKENS - settings.VLM_MAX_OUTPUT_TOKENS, 256),
            images=settings.VLM_MAX_IMAGES,
            image_pixels=settings.VLM_IMAGE_PIXELS,
        )

    @classmethod
    def is_configured(cls) -> bool:
        return bool(settings.VLM_BASE_URL and settings.VLM_MODEL)

    def stream(self, prompt: ReaderPrompt) -> Generator[ReaderDelta, None, None]:
        """Yield the model's answer; see `Reader.stream`. Retries until the first character."""
        import openai

        attempts = _Attempts(prompt)
        with _client() as client:
            while True:
                said = False
                try:
                    for delta in _attempt(client, attempts.request):
                        said = said or bool(delta.text)
                        yield delta
                # What is no JSON, or not of the shape it should have, comes as a ValueError.
                except (openai.OpenAIError, ValueError) as exc:
                    if said:
                        raise _broken_off(exc) from exc
                    attempts.go_on_after(exc)
                else:
                    yield from attempts.notes
                    return


class _Attempts:
    """What to send next, after what the endpoint said to the last attempt."""

    def __init__(self, prompt: ReaderPrompt) -> None:
        self.request = _request(prompt)
        self.notes: list[ReaderDelta] = []
        self._has_images = bool(prompt.images)
        self._prompt = prompt
        self._pauses = list(RETRY_PAUSES)

    def go_on_after(self, exc: Exception) -> None:
        """Change the request, or wait, so that trying again may help; else raise why not."""
        says = _server_says(exc)
        if self._adapted(says):
            logger.info("%s: adapted the request after: %s", settings.VLM_MODEL, says)
        elif self._pauses and (pause := _pause(exc, self._pauses[0])) is not None:
            self._pauses.pop(0)
            time.sleep(pause)
        else:
            raise _translated(exc) from exc

    def _adapted(self, says: str) -> bool:
        if self._has_images and _ABOUT_IMAGES.search(says) and not _TOO_LONG.search(says):
            self._has_images = False
            self.request["messages"] = _messages(self._prompt, with_images=False)
            note = f"{settings.VLM_MODEL} takes no images: figures and tables were given as text."
            self.notes.append(ReaderDelta(note=note, usage={"images": 0}))
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


def _client() -> openai.OpenAI:
    import openai

    return openai.OpenAI(
        base_url=settings.VLM_BASE_URL,
        # Endpoints on one's own machine want none, but the package insists on one.
        api_key=settings.VLM_API_KEY or "none",
        timeout=openai.Timeout(settings.VLM_TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        max_retries=0,
    )


def _request(prompt: ReaderPrompt) -> dict[str, Any]:
    return {
        "model": settings.VLM_MODEL,
        "messages": _messages(prompt, with_images=True),
        "max_tokens": settings.VLM_MAX_OUTPUT_TOKENS,
        "temperature": TEMPERATURE,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _messages(prompt: ReaderPrompt, *, with_images: bool) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for image in prompt.images if with_images else ():
        content.append({"type": "text", "text": f"The image of source [{image.number}]:"})
        content.append({"type": "image_url", "image_url": {"url": image.url}})
    content.append({"type": "text", "text": prompt.user})
    return [
        {"role": "system", "content": prompt.system},
        *({"role": turn.role, "content": turn.text} for turn in prompt.turns),
        # Plain text where there is no image: servers of text models know nothing else.
        {"role": "user", "content": content if len(content) > 1 else prompt.user},
    ]


def _attempt(client: openai.OpenAI, request: dict[str, Any]) -> Iterator[ReaderDelta]:
    stream = client.chat.completions.create(**request)
    # The timer also ends a stream that sends bytes for ever, but never a whole event.
    limit = threading.Timer(settings.VLM_TIMEOUT_SECONDS * LONGEST_STREAM, stream.close)
    limit.daemon = True
    limit.start()
    try:
        yield from _read(stream)
    finally:
        limit.cancel()
        stream.close()


def _read(stream: Any) -> Iterator[ReaderDelta]:
    ending = _Ending()
    room = settings.VLM_MAX_OUTPUT_TOKENS * CHARACTERS_PER_TOKEN
    for text in without_thoughts(ending.texts(stream)):
        yield ReaderDelta(text=text[:room])
        room -= len(text)
        if room <= 0:
            ending.reason = "length"
            break
    if ending.usage:
        yield ReaderDelta(usage=ending.usage)
    if ending.reason == "length":
        limit = settings.VLM_MAX_OUTPUT_TOKENS
        yield ReaderDelta(note=f"The answer was cut off at VLM_MAX_OUTPUT_TOKENS, {limit} tokens.")
    elif ending.reason == "content_filter":
        yield ReaderDelta(note="The model's provider filtered this answer.")
    elif not ending.reason:
        raise ValueError("the stream ended without saying so")


class _Ending:
    """The texts of a stream of chunks, and what its last chunks say about it."""

    def __init__(self) -> None:
        self.reason = ""
        self.usage: dict[str, int] = {}

    def texts(self, stream: Any) -> Iterator[str]:
        """Yield the texts. Raises ValueError where something is not a chunk at all."""
        for chunk in stream:
            if usage := getattr(chunk, "usage", None):
                names = ("prompt_tokens", "completion_tokens")
                self.usage = {name: int(getattr(usage, name, 0) or 0) for name in names}
            choices = getattr(chunk, "choices", None)
            if not isinstance(choices, list):
                raise ValueError(f"not a chunk of a chat completion: {str(chunk)[:100]}")
            for choice in choices[:1]:
                self.reason = getattr(choice, "finish_reason", None) or self.reason
                text = getattr(getattr(choice, "delta", None), "content", None)
                if isinstance(text, str) and text:
                    yield text


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


def _translated(exc: Exception) -> PermanentError | TransientError:
    """Say in a sentence what went wrong, and what to do about it."""
    import openai

    server, model, says = settings.VLM_BASE_URL, settings.VLM_MODEL, _server_says(exc)
    match exc:
        case openai.APITimeoutError():
            return TransientError(
                f"The model at {server} did not answer within {settings.VLM_TIMEOUT_SECONDS} "
                "seconds. Ask again, or raise VLM_TIMEOUT_SECONDS."
            )
        case openai.APIConnectionError():
            return TransientError(
                f"The model at {server} cannot be reached. "
                "Check that its server is running and that VLM_BASE_URL is right."
            )
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return PermanentError(f"The model at {server} refused the key: check VLM_API_KEY.")
        case openai.NotFoundError():
            return PermanentError(
                f"There is no model “{model}” at {server}: check VLM_MODEL, and VLM_BASE_URL, "
                "which mostly ends in /v1."
            )
        case openai.RateLimitError():
            return TransientError(
                f"The model at {server} is overloaded, or its quota is used up: try again later."
            )
        case openai.APIStatusError() if _TOO_LONG.search(says):
            return PromptTooLong(
                f"The question with its evidence is too long for {model}: "
                "lower VLM_CONTEXT_TOKENS to what it can take, or raise it at its server."
            )
        case openai.InternalServerError():
            return TransientError(f"The model's server at {server} failed: “{says}”. Try again.")
        case openai.APIError():
            return PermanentError(f"The model at {server} refused the request: “{says}”.")
        case _:
            return PermanentError(
                f"What {server} sends is not a chat completion: check that VLM_BASE_URL is an "
                "OpenAI-compatible endpoint; it mostly ends in /v1."
            )


def _broken_off(exc: Exception) -> TransientError:
    """Say that the answer ends in the middle."""
    import openai

    match exc:
        case openai.APITimeoutError():
            why = f"it sent nothing more for {settings.VLM_TIMEOUT_SECONDS} seconds"
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
