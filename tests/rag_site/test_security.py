"""Headers that a browser holds to, and what a deployment must set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/api/v1/docs/", "/admin/", "/account/", "/status/"])
def test_no_page_may_run_inline_code_or_load_from_elsewhere(client, path, redis_url) -> None:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    response = client.get(path)
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_a_deployment_behind_https_passes_djangos_checks(tmp_path) -> None:
    env = {**os.environ, "DATA_DIR": str(tmp_path), "HTTPS": "true", "MODEL_DOWNLOADS": "false"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--tag", "security"]
    done = subprocess.run(
        [*command, "--fail-level", "INFO"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "file", ["rag_site/management/commands/serve.py", "Dockerfile", "docs/operations.md"]
)
def test_the_web_server_is_started_deaf_to_what_clients_say_of_their_address(file) -> None:
    text = (ROOT / file).read_text()
    starts = text.count("rag_site.asgi:application")
    assert 0 < starts <= text.count("--no-proxy-headers")
