"""Finds the Django project in a release and its settings module; reads its files and imports nothing."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from .wire import Failure

_SKIPPED = {"node_modules", "venv", "env", "site-packages", "tests", "docs", "__pycache__"}
_DEVELOPMENT = {"dev", "develop", "development", "local", "debug", "test", "testing"}
_PRODUCTION = ("production", "prod", "live", "deploy")


@dataclass(frozen=True)
class Project:
    """A Django project: the folder it runs in and the module of its settings."""

    folder: Path
    settings_module: str
    why: str


def find(code: Path, subdirectory: str = "", settings_module: str = "") -> Project:
    """Find the project under `code`/`subdirectory`. A `settings_module` that is given is taken as it is.

    Raises Failure where there is no Django project, or more than one that could be meant.
    """
    start = code / subdirectory
    if not start.is_dir():
        near = ", ".join(sorted(entry.name for entry in code.iterdir() if _is_source_folder(entry))[:8])
        raise Failure(
            f"the repository has no folder '{subdirectory}' at this revision",
            next_step=f"set seatrial:subdirectory to the folder with manage.py (there are: {near or 'none'})",
        )
    folder = _project_folder(start)
    if settings_module:
        _check_exists(folder, settings_module)
        return Project(folder, settings_module, "given")
    return _guess_settings(folder)


def named_settings(source: str) -> str | None:
    """The settings module that a manage.py or wsgi.py names, or None.

    It is the constant in `os.environ.setdefault("DJANGO_SETTINGS_MODULE", ...)` or `os.environ[...] = ...`.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        named: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) >= 2:
            if node.func.attr in {"setdefault", "putenv", "getenv", "get"} and _is_variable(node.args[0]):
                named = [node.args[1]]
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and _is_variable(target.slice):
                named = [node.value]
        for value in named:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value
    return None


def production_sibling(folder: Path, module: str) -> str | None:
    """`site.settings.production` for `site.settings.dev` where that file is there, else None."""
    package, _, last = module.rpartition(".")
    if not package or last not in _DEVELOPMENT:
        return None
    home = folder / Path(*package.split("."))
    for name in _PRODUCTION:
        if (home / f"{name}.py").is_file():
            return f"{package}.{name}"
    return None


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "DJANGO_SETTINGS_MODULE"


def _is_source_folder(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.startswith(".") and entry.name not in _SKIPPED


def _folders(start: Path, depth: int) -> list[Path]:
    """`start` and the source folders below it, nearest first."""
    level, found = [start], [start]
    for _ in range(depth):
        level = [child for folder in level for child in sorted(folder.iterdir()) if _is_source_folder(child)]
        found += level
    return found


def _project_folder(start: Path) -> Path:
    if (start / "manage.py").is_file():
        return start
    found = [folder for folder in _folders(start, 2)[1:] if _is_manage(folder / "manage.py")]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(folder.relative_to(start)) for folder in found)
        raise Failure(
            f"there is more than one manage.py: in {names}",
            next_step="set seatrial:subdirectory to one of them",
        )
    if any(folder.joinpath("wsgi.py").is_file() for folder in _folders(start, 1)):
        return start
    raise Failure(
        "this is no Django project: there is no manage.py in it",
        next_step="set seatrial:repository, seatrial:revision or seatrial:subdirectory to where manage.py is",
    )


def _is_manage(path: Path) -> bool:
    return path.is_file() and "django" in path.read_text(errors="replace").lower()


def _guess_settings(folder: Path) -> Project:
    # wsgi.py before manage.py: where they differ, manage.py is for developers and wsgi.py for servers.
    named: dict[str, str] = {}
    for path in [*(inner / "wsgi.py" for inner in _folders(folder, 2)), folder / "manage.py"]:
        module = named_settings(path.read_text(errors="replace")) if path.is_file() else None
        if module and _module_exists(folder, module):
            named.setdefault(module, str(path.relative_to(folder)))
    for module, where in named.items():
        sibling = production_sibling(folder, module)
        if sibling:
            return Project(
                folder, sibling, f"{where} names {module}, and {sibling.rpartition('.')[2]} is beside it"
            )
    servers = [module for module, where in named.items() if where != "manage.py"]
    if len(servers) > 1:
        raise Failure(
            f"several settings modules could be meant: {', '.join(servers)}",
            next_step="set seatrial:django_settings_module to one of them",
        )
    for module, where in named.items():
        return Project(folder, module, f"named by {where}")
    candidates = [
        ".".join([*inner.relative_to(folder).parts, "settings"])
        for inner in _folders(folder, 1)
        if (inner / "settings.py").is_file()
    ]
    if len(candidates) == 1:
        return Project(folder, candidates[0], "the only settings.py")
    raise Failure(
        "the settings module could not be found: neither manage.py nor a wsgi.py names one that is there",
        next_step="set seatrial:django_settings_module"
        + (f" (there are: {', '.join(candidates)})" if candidates else ", for example mysite.settings"),
    )


def _module_exists(folder: Path, module: str) -> bool:
    path = folder / Path(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _check_exists(folder: Path, module: str) -> None:
    # A settings module may come from an installed package: only one whose top package is here can be judged.
    top = folder / module.split(".")[0]
    if top.is_dir() and (top / "__init__.py").is_file() and not _module_exists(folder, module):
        home = folder / Path(*module.split(".")[:-1])
        near = ", ".join(sorted(path.stem for path in home.glob("*.py") if path.stem != "__init__")[:8])
        raise Failure(
            f"there is no settings module '{module}' in {folder.name}",
            next_step="correct seatrial:django_settings_module"
            + (f" ({module.rpartition('.')[0]} has: {near})" if near else ""),
        )
