"""The API does what its OpenAPI document says, whatever is sent to it: schemathesis looks."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from rag_site.accounts import tokens
from tests.answers.conftest import document, person, searches  # noqa: F401

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]

# 422 says of a request that it is well-formed and cannot be done all the same: it names what is
# not there, or what does not go together. No schema can tell that; every operation declares it.
CONFIG = """
[generation]
deterministic = true
database = "none"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "422", "429", "5xx"]
"""
LIMIT_SECONDS = 300


@pytest.fixture
def api(live_server, settings, sent_tasks, document, searches, redis_cache, tmp_path) -> str:  # noqa: F811
    """A served API with a document, whose tasks are recorded and whose limits are far away."""
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    # Read here: it is made at the first request, and schemathesis waits for ten seconds only.
    with urllib.request.urlopen(f"{live_server.url}/api/v1/schema/?format=json") as served:
        (tmp_path / "schema.json").write_bytes(served.read())
    return str(live_server.url)


def check(api: str, folder: Path, secret: str, *options: str) -> None:
    """Send an operation after another what fits the document, and what does not."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
        *("run", "schema.json", "--url", api, "--seed", "1"),
        *("--header", f"Authorization: Bearer {secret}"),
        *("--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"),
        # Their protocol fixes statuses and a media type that schemathesis does not know; see
        # tests/ingestion/test_uploads.py.
        *("--exclude-path-regex", "^/api/v1/uploads/"),
        # Whether something is slow depends on what else the machine does.
        *("--max-response-time", "60", "--request-timeout", "60", "--no-color", *options),
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


def test_an_administrator_finds_no_fault(api, tmp_path) -> None:
    boss = get_user_model().objects.create_superuser("boss")
    _, secret = tokens.issue(boss, name="all", scope="admin")
    check(api, tmp_path, secret, "--phases", "examples,fuzzing", "--max-examples", "2")


def test_a_person_finds_no_fault(api, tmp_path, person) -> None:  # noqa: F811
    _, secret = tokens.issue(person, name="own", scope="write")
    check(api, tmp_path, secret, "--phases", "fuzzing", "--max-examples", "1")
