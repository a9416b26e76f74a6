"""Settings that make no sense are refused at start, with a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATA_DIR": str(tmp_path), **settings}
    command = [sys.executable, "-c", "import rag_site.settings as s; print(s.REDIS_SOCKET)"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PORT": "eighty"}, "PORT"),
        ({"PORT": "0"}, "PORT"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({"DATABASE_URL": "oracle://x"}, "DATABASE_URL"),
        ({"VLM_BASE_URL": "ftp://models"}, "VLM_BASE_URL"),
        ({"VLM_BASE_URL": "http://127.0.0.1:1/v1", "VLM_MODEL": ""}, "VLM_MODEL"),
        ({"READERS": "big"}, "READERS"),
        ({"READERS": '{"Big One": {}}'}, "Big One"),
        ({"READERS": '{"big": {"model": "m"}}'}, "base_url"),
        ({"READERS": '{"big": {"model": "m", "base_url": "ftp://x"}}'}, "READERS"),
        ({"READERS": '{"b": {"model": "m", "base_url": "http://x", "top": 1}}'}, "top"),
        ({"READERS": '{"b": {"model": "m", "base_url": "http://x", "max_images": -1}}'}, "max_im"),
        ({"READER": "nobody"}, "READER"),
        ({"VLM_PROFILE": "cloud"}, "VLM_PROFILE"),
        ({"UPLOAD_MAX_MB": "-1"}, "UPLOAD_MAX_MB"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
        ({"TIME_ZONE": "Mars/Base"}, "TIME_ZONE"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(environment, named, tmp_path) -> None:
    done = check(tmp_path, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith("Pagewise cannot start: ")
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_the_secret_key_is_made_once_and_kept_private(tmp_path) -> None:
    assert check(tmp_path, SECRET_KEY="").returncode == 0
    key = (tmp_path / "secret_key").read_text()
    assert check(tmp_path, SECRET_KEY="").returncode == 0
    assert (tmp_path / "secret_key").read_text() == key
    assert len(key) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_long_data_folder_still_gives_a_socket_path_that_fits(tmp_path) -> None:
    socket = check(tmp_path / ("x" * 120)).stdout.strip()
    assert len(socket) <= 107
