"""Fixtures for every test: a private data folder, and the evaluation data where it exists."""

from __future__ import annotations

from pathlib import Path

import pytest

EVALDATA = Path(__file__).resolve().parents[2] / "shared" / "evaldata"


@pytest.fixture(scope="session")
def evaldata() -> Path:
    """The folder of real documents and questions; skips where it is absent."""
    if not EVALDATA.is_dir():
        pytest.skip(f"the evaluation data is not at {EVALDATA}")
    return EVALDATA


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path: Path) -> Path:
    """Give every test its own files and index folders."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.INDEX_DIR = tmp_path / "index"
    return tmp_path
