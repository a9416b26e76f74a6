"""The Hugging Face cache and hub, behind calls that never hang.

A hub that cannot be reached is noticed within `PROBE_SECONDS` and left alone for
`RETRY_SECONDS` by every process that shares the cache folder: a file in it says so. The same
holds for a model that the hub does not have.
"""

from __future__ import annotations

import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar

from ingestion.errors import TransientError

PROBE_SECONDS = 2.0
RETRY_SECONDS = 300
NOTE = ".pagewise-"
UNREACHABLE = "hub-unreachable"

T = TypeVar("T")


class HubAway(TransientError):
    """The hub cannot be reached, and is left alone for a while."""

    retry_after = RETRY_SECONDS


def cached_folder(repo: str) -> Path | None:
    """Find the newest local snapshot of a repository, complete or not; None without one."""
    from huggingface_hub import constants

    storage = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    try:
        revision = (storage / "refs" / "main").read_text().strip()
    except OSError:
        return None
    snapshot = storage / "snapshots" / revision
    return snapshot if snapshot.is_dir() else None


def why_unusable(*, probe: bool = True) -> str:
    """Say in a sentence why nothing can be downloaded now; empty when it can.

    Without `probe`, only what is known already counts.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "Downloads are switched off by HF_HUB_OFFLINE."
    cache = Path(constants.HF_HUB_CACHE)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        return f"The download cache {cache} cannot be made ({exc.strerror})."
    if not os.access(cache, os.W_OK):
        return f"The download cache {cache} cannot be written."
    if not is_away() and probe and not _answers(constants.ENDPOINT):
        _note(UNREACHABLE)
    if is_away():
        return f"The model hub {constants.ENDPOINT} cannot be reached."
    return ""


def is_away() -> bool:
    """Tell whether the hub could not be reached a moment ago."""
    return _noted_lately(UNREACHABLE)


def fetch_within(seconds: float, repo: str, patterns: Sequence[str]) -> Path:
    """Like `fetch`, but given up after so many seconds, with HubAway."""
    try:
        return _within(seconds, lambda: fetch(repo, patterns))
    except TimeoutError as exc:
        _note(UNREACHABLE)
        raise HubAway(f"The hub took too long to send {repo}.") from exc


def fetch(repo: str, patterns: Sequence[str]) -> Path:
    """Download the matching files of a repository into the cache; return their folder.

    Raises LookupError (a sentence) where no model can be named so or the hub does not hand it out,
    HubAway where the connection or the disk failed.
    """
    from huggingface_hub import constants, snapshot_download

    refused = f"The hub does not hand out a model named {repo}."
    note = f"no-{repo.replace('/', '--')}"
    if _noted_lately(note):
        raise LookupError(refused)
    # The HTTP library's own error, whichever library this version of the hub client uses.
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HFValidationError,
        HTTPError,
        RepositoryNotFoundError,
    )

    try:
        folder = snapshot_download(
            repo, allow_patterns=list(patterns), endpoint=constants.ENDPOINT, etag_timeout=5
        )
    except RepositoryNotFoundError as exc:
        _note(note)
        raise LookupError(refused) from exc
    except HFValidationError as exc:
        raise LookupError(f"{repo} cannot be the name of a model on the hub.") from exc
    # Also of values: something between here and the hub may answer with a page.
    except (HTTPError, OSError, RuntimeError, ValueError) as exc:
        _note(UNREACHABLE)
        raise HubAway(f"Downloading {repo} from the hub failed.") from exc
    return Path(folder)


def _note(what: str) -> None:
    from huggingface_hub import constants

    (Path(constants.HF_HUB_CACHE) / f"{NOTE}{what}").touch()


def _noted_lately(what: str) -> bool:
    from huggingface_hub import constants

    try:
        noted = (Path(constants.HF_HUB_CACHE) / f"{NOTE}{what}").stat().st_mtime
    except OSError:
        return False
    return time.time() - noted < RETRY_SECONDS


def _answers(endpoint: str) -> bool:
    """Ask for the hub's front page; any HTTP answer counts."""

    def ask() -> bool:
        try:
            request = urllib.request.Request(endpoint, method="HEAD")
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
                return True
        except urllib.error.HTTPError:
            return True
        except (OSError, ValueError, HTTPException):
            return False

    try:
        return _within(PROBE_SECONDS, ask)
    except TimeoutError:
        return False


def _within(seconds: float, call: Callable[[], T]) -> T:
    """Run a call in a thread of its own, and leave it there when it takes too long.

    Needed since no timeout covers a name server that stays silent, nor the hub client's retries.
    Raises TimeoutError.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as exc:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(exc)

    threading.Thread(target=run, name="hub", daemon=True).start()
    return outcome.result(timeout=seconds)
