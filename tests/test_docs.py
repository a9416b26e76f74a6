"""The examples of the documentation do what they say, on a running site."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.factories import pdf_bytes
from tests.site import ROOT, Site, running_site

pytestmark = [pytest.mark.once, pytest.mark.services, pytest.mark.xdist_group("documented")]

# An HTML comment before a block says, as a regular expression, what it prints.
BLOCK = re.compile(
    r"^(?:<!-- prints: (?P<prints>.+?) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RUN = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
REPORT = [
    "Annual report. The revenue in 2023 was 4.2 million euros. By region, the revenue was 3.1 "
    "million euros in Europe and 1.1 million euros in Asia.",
    "The company has 37 employees. They work in Lisbon and in Ghent.",
]
SECONDS = 240


@dataclass(frozen=True)
class Example:
    line: int
    language: str
    code: str
    prints: str

    def __str__(self) -> str:
        return f"line {self.line}"


def examples(text: str) -> list[Example]:
    return [
        Example(
            text.count("\n", 0, found.start("code")) + 1,
            found["language"],
            found["code"],
            found["prints"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


API = examples((ROOT / "docs" / "api.md").read_text())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of their own: the examples go on from one another, and from nothing else."""
    with running_site(tmp_path_factory.mktemp("documented")) as running:
        yield running


@pytest.fixture(scope="module")
def place(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with a report, and an environment with an administrator's token."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "report.pdf").write_bytes(pdf_bytes(REPORT))
    form = {"username": site.username, "password": site.password, "scope": "admin"}
    token = requests.post(f"{site.url}/api/v1/auth/token/", form, timeout=60).json()["token"]
    path = f"{Path(sys.executable).parent}:{site.env['PATH']}"
    more = {"PAGEWISE": site.url, "TOKEN": token, "PASSWORD": site.password, "PATH": path}
    return folder, {**site.env, **more}


def test_every_example_says_what_it_prints() -> None:
    assert len(API) > 15
    assert {example.language for example in API} == RUN.keys()
    assert [str(example) for example in API if not example.prints] == []


@pytest.mark.parametrize("example", API, ids=str)
def test_an_example_works(example: Example, place: tuple[Path, dict[str, str]]) -> None:
    done = run(example, place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert says(done, example), done.stdout + done.stderr


def says(done: subprocess.CompletedProcess[str], example: Example) -> bool:
    return bool(re.search(example.prints, done.stdout, re.MULTILINE))


def run(example: Example, place: tuple[Path, dict[str, str]]) -> subprocess.CompletedProcess[str]:
    folder, environment = place
    return subprocess.run(
        [*RUN[example.language], example.code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
