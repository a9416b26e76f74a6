"""Ask whether anything that is installed is known to be vulnerable.

    python .ci/audit.py LOCK_FILE

Exits 0 where everything was looked up and nothing is known, 1 where something is, and 3 where
it could not be found out for every package: an audit that was not done is not a clean one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

CLEAN, VULNERABLE, NOT_DONE = 0, 1, 3
# Both know the same advisories; where one cannot be reached, the other may be.
SERVICES = ("pypi", "osv")
SECONDS = 300


def main(lock_file: str, *, program: Sequence[str] = (sys.executable, "-m", "pip_audit")) -> int:
    """Print what was found out, and return the exit code."""
    reasons = []
    for service in SERVICES:
        report, reason = _report(program, service, lock_file)
        code, lines = verdict(report) if report else (NOT_DONE, [reason])
        if code != NOT_DONE:
            print("\n".join(lines))
            return code
        reasons += [f"{service}: {line}" for line in lines]
    print("audit not done: " + "; ".join(reasons))
    return NOT_DONE


def _report(
    program: Sequence[str], service: str, lock_file: str
) -> tuple[dict[str, Any] | None, str]:
    """Run pip-audit; return what it reports, or None and why there is nothing."""
    command = [
        *(*program, "--requirement", lock_file, "--no-deps", "--disable-pip"),
        *("--vulnerability-service", service, "--format", "json", "--progress-spinner", "off"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, f"it does not answer within {SECONDS} seconds"
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        said = done.stderr.strip().splitlines()
        return None, said[-1] if said else f"pip-audit ended with {done.returncode} and no word"


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Tell what a report comes to: an exit code, and lines that say why."""
    packages = report["dependencies"]
    found = [(package, each) for package in packages for each in package.get("vulns", ())]
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if found:
        return VULNERABLE, [_line(package, each) for package, each in found]
    if skipped or not packages:
        first = f", first: {skipped[0]}" if skipped else ""
        return NOT_DONE, [f"{len(skipped)} of {len(packages)} packages not looked up{first}"]
    return CLEAN, [f"audit: nothing is known against {len(packages)} packages"]


def _line(package: dict[str, Any], found: dict[str, Any]) -> str:
    mended = ", ".join(found.get("fix_versions") or ()) or "no version yet"
    return f"{package['name']} {package['version']}: {found['id']}, mended in {mended}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
