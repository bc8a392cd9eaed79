"""The site's own functional tests, run on this machine against a stack."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPORTS = ".seatrial/reports"
"""A folder for each release's reports; the same that a stack's own functional tests have."""


def environment(outputs: Mapping[str, Any], base: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests: this one, and what the stack hands to functional tests."""
    given = outputs.get("functional_test_env") or {}
    release = outputs.get("release") or {}
    return {
        **base,
        **{str(key): str(value) for key, value in given.items()},
        "RELEASE": str(release.get("id", "")),
        "COMMIT": str(release.get("revision", "")),
    }


def run(project: Path, outputs: Mapping[str, Any], command: str) -> int:
    """Run the tests' command in the project with the stack's test environment; returns its exit code.

    The command is the operator's own words and goes through the shell; the project's Python comes first on
    the PATH, so that `pytest` means the one installed here. REPORTS is the folder of the release's reports.
    """
    variables = environment(outputs, os.environ)
    reports = project / REPORTS / (variables["RELEASE"] or "none")
    reports.mkdir(parents=True, exist_ok=True)
    variables["REPORTS"] = str(reports)
    if "TEST_COMMAND" in variables:
        variables["TEST_COMMAND"] = str(project / variables["TEST_COMMAND"])
    variables["PATH"] = f"{Path(sys.executable).parent}:{variables.get('PATH', '')}"
    return subprocess.run(command, shell=True, cwd=project, env=variables, check=False).returncode
