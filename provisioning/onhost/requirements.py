"""Finds what a site needs from PyPI, and which Python it asks for, by reading its files."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .wire import Failure

_CANDIDATES = (
    "uv.lock",
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements-production.txt",
    "pyproject.toml",
)


@dataclass(frozen=True)
class Requirements:
    """What to install. `kind` is `file` (pip's format), `lock` (uv.lock) or `project` (pyproject.toml)."""

    kind: str
    path: Path
    digest: str
    needs_code: bool
    """Whether the site's own code is installed too: such an environment belongs to one commit."""


@dataclass(frozen=True)
class PythonWish:
    """The Python that the site asks for, as a specifier such as `==3.12.*` or `>=3.11`, and who says so."""

    specifier: str
    source: str


def find(project: Path, code: Path, given: str = "") -> Requirements:
    """Find the site's requirements in its project folder, else in the folders above it up to `code`.

    Raises Failure where there are none, or only in a format that is not read.
    """
    if given:
        for folder in _upwards(project, code):
            if (folder / given).is_file():
                return _read(folder / given, code)
        raise Failure(
            f"there is no file '{given}' in the repository at this revision",
            next_step="correct seatrial:requirements, or leave it empty to have it found",
        )
    foreign = ""
    for folder in _upwards(project, code):
        for name in _CANDIDATES:
            path = folder / name
            if path.is_file() and (name != "pyproject.toml" or _has_dependencies(path)):
                return _read(path, code)
        if _is_poetry(folder / "pyproject.toml"):
            foreign = "pyproject.toml lists the packages in Poetry's own table, which is not read"
        elif (folder / "Pipfile").is_file():
            foreign = "the packages are listed in a Pipfile, which is not read"
    raise Failure(
        foreign or "the site does not say which packages it needs",
        next_step="add a requirements.txt, or a pyproject.toml with [project] dependencies"
        + (" (`poetry export` and `pipenv requirements` write one)" if foreign else ""),
    )


def python_wish(project: Path, code: Path, given: str = "") -> PythonWish | None:
    """The Python asked for by the setting, .python-version, runtime.txt or `requires-python`, if any."""
    if given:
        return PythonWish(_exactly(given), "seatrial:python_version")
    for folder in _upwards(project, code):
        for name in (".python-version", "runtime.txt"):
            if (folder / name).is_file():
                asked = re.search(r"3\.\d+(\.\d+)?", (folder / name).read_text(errors="replace"))
                if asked:
                    return PythonWish(_exactly(asked.group()), name)
        wanted = _toml(folder / "pyproject.toml").get("project", {}).get("requires-python", "")
        if wanted:
            return PythonWish(str(wanted), "requires-python in pyproject.toml")
    return None


def satisfies(version: tuple[int, int, int], specifier: str) -> bool:
    """Whether a Python version fits a specifier as `requires-python` has it."""
    return all(_fits(version, clause.strip()) for clause in specifier.split(",") if clause.strip())


def minor_wanted(specifier: str, known: tuple[int, ...] = (13, 12, 14, 11, 10)) -> str | None:
    """The Python to install for a specifier, such as `3.12`; None where none that is known fits."""
    for minor in known:
        if any(satisfies((3, minor, patch), specifier) for patch in range(30)):
            return f"3.{minor}"
    return None


def _exactly(version: str) -> str:
    # The patch level is the maker's business: any 3.12.x does for 3.12.4.
    return "==" + ".".join(version.split(".")[:2]) + ".*"


def _fits(version: tuple[int, int, int], clause: str) -> bool:
    match = re.fullmatch(r"(~=|===?|!=|>=|<=|>|<)?\s*v?(\d+(?:\.\d+)*)(\.\*)?", clause)
    if match is None:
        return True
    operator, numbers, star = match.group(1) or "==", match.group(2), match.group(3)
    wanted = tuple(int(part) for part in numbers.split("."))[:3]
    ours = version[: len(wanted)] if star else version
    full = wanted if star else (*wanted, 0, 0)[:3]
    if operator == "~=":
        return version >= (*wanted, 0, 0)[:3] and version[: len(wanted) - 1] == wanted[:-1]
    if operator in {"==", "==="}:
        return ours == full
    outcomes = {
        "!=": ours != full,
        ">=": ours >= full,
        "<=": ours <= full,
        ">": ours > full,
        "<": ours < full,
    }
    return outcomes[operator]


def _upwards(project: Path, code: Path) -> list[Path]:
    folders = [project]
    while folders[-1] != code and code in folders[-1].parents:
        folders.append(folders[-1].parent)
    return folders


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(errors="replace"))
    except tomllib.TOMLDecodeError as error:
        raise Failure(
            f"{path.name} is not valid TOML: {error}", next_step="correct it in the site's repository"
        ) from None


def _has_dependencies(path: Path) -> bool:
    project = _toml(path).get("project", {})
    return "dependencies" in project or "dependencies" in project.get("dynamic", [])


def _is_poetry(path: Path) -> bool:
    return "dependencies" in _toml(path).get("tool", {}).get("poetry", {})


def _read(path: Path, code: Path) -> Requirements:
    if path.name == "uv.lock":
        project = path.with_name("pyproject.toml")
        if not project.is_file():
            raise Failure(
                "uv.lock has no pyproject.toml beside it", next_step="add it, or set seatrial:requirements"
            )
        needs_code = "build-system" in _toml(project)
        return Requirements("lock", path, _digest([path, project]), needs_code)
    if path.suffix == ".toml":
        return Requirements("project", path, _digest([path]), needs_code=False)
    files = _included(path, code)
    needs_code = any(
        _installs_code(line) for file in files for line in file.read_text(errors="replace").splitlines()
    )
    return Requirements("file", path, _digest(files), needs_code)


def _included(path: Path, code: Path) -> list[Path]:
    """A requirements file and all that it includes (-r, -c), each once."""
    found: list[Path] = []
    waiting = [path]
    while waiting:
        current = waiting.pop(0)
        if current in found or not current.is_file():
            continue
        found.append(current)
        for line in current.read_text(errors="replace").splitlines():
            match = re.match(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", line)
            if match and "://" not in match.group(1):
                inner = (current.parent / match.group(1)).resolve()
                if code.resolve() in inner.parents:
                    waiting.append(inner)
    return found


def _installs_code(line: str) -> bool:
    return re.match(r"\s*(-e\b|--editable\b|\.{0,2}/|\.\s*$|\.\[)", line) is not None or "file:" in line


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()
