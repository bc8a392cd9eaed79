"""The site's own functional tests, run on this machine against a stack."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def environment(outputs: Mapping[str, Any], base: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests: this one, and what the stack hands to functional tests."""
    given = outputs.get("functional_test_env") or {}
    return {**base, **{str(key): str(value) for key, value in given.items()}}


def run(project: Path, outputs: Mapping[str, Any], command: str) -> int:
    """Run the tests' command in the project with the stack's test environment; returns its exit code.

    The command is the operator's own words and goes through the shell; the project's Python comes first on
    the PATH, so that `pytest` means the one installed here.
    """
    variables = environment(outputs, os.environ)
    variables["PATH"] = f"{Path(sys.executable).parent}:{variables.get('PATH', '')}"
    return subprocess.run(command, shell=True, cwd=project, env=variables, check=False).returncode
