"""An audit that could not be done is never passed off as a clean one."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location(
    "audit", Path(__file__).resolve().parents[1] / ".ci" / "audit.py"
)
assert SPEC
assert SPEC.loader
audit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit)

FINE = {"name": "fine", "version": "1", "vulns": []}
SKIPPED = {"name": "odd", "skip_reason": "Dependency not found on PyPI"}
HOLED = {"name": "holed", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}


def answering(tmp_path: Path, by_service: dict[str, list | None]) -> tuple[str, str]:
    """A program that stands for pip-audit: reports these packages, or breaks where None."""
    program = tmp_path / "program.py"
    program.write_text(
        "import json, sys\n"
        f"packages = json.loads({json.dumps(json.dumps(by_service))})\n"
        "found = packages[sys.argv[sys.argv.index('--vulnerability-service') + 1]]\n"
        "if found is None: sys.exit('the name could not be resolved')\n"
        "print(json.dumps({'dependencies': found}))\n"
    )
    return sys.executable, str(program)


@pytest.mark.parametrize(
    ("pypi", "osv", "code", "said"),
    [
        ([FINE], None, 0, "nothing is known against 1 packages"),
        ([FINE, HOLED], None, 1, "holed 2: PYSEC-1, mended in 2.1"),
        ([FINE, SKIPPED], None, 3, "audit not done: pypi: 1 of 2 packages not looked up"),
        ([SKIPPED, HOLED], None, 1, "PYSEC-1"),
        ([SKIPPED], [FINE], 0, "nothing is known"),
        (None, [HOLED], 1, "PYSEC-1"),
        (None, None, 3, "the name could not be resolved"),
        ([], [], 3, "0 of 0 packages not looked up"),
    ],
)
def test_an_audit_says_what_it_found_out(tmp_path, capsys, pypi, osv, code, said) -> None:
    program = answering(tmp_path, {"pypi": pypi, "osv": osv})
    assert audit.main("some.lock", program=program) == code
    assert said in capsys.readouterr().out
