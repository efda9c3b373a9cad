"""Importing a file of the user's, and telling of errors in it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from tinygrad_edu.cli.console import UserError

__all__ = ["load", "users_error"]


def load(path: Path) -> ModuleType:
    """Import a file, as a module of its name and not as the program that runs.

    Parameters
    ----------
    path : Path

    Returns
    -------
    module

    Raises
    ------
    UserError
        If there is no such file, or it raises an error; with the line.
    """
    if not path.is_file() or path.suffix != ".py":
        what = "is no Python file" if path.exists() else "does not exist"
        raise UserError(f"check: {path} {what}; expected a file such as layers.py, or layers.py::batch_norm")
    full = path.resolve()
    for known in list(sys.modules.values()):
        file = getattr(known, "__file__", None)
        if file and file.endswith(full.name) and Path(file).resolve() == full:
            return known
    root, name = full.parent, full.stem
    while (root / "__init__.py").is_file():  # in a package it imports its neighbours by their relative names
        root, name = root.parent, f"{root.name}.{name}"
    for folder in dict.fromkeys([str(full.parent), str(root)]):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    try:
        if "." in name:
            return importlib.import_module(name)
        name = f"checked_{name}" if name in sys.modules else name
        spec = importlib.util.spec_from_file_location(name, full)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise UserError(f"check: {path} cannot be imported:\n{users_error(error, full)}") from error


def users_error(error: BaseException, path: Path) -> str:
    """An error with the line of the user's file at which it was raised."""
    if isinstance(error, SyntaxError) and error.filename:
        lines = [f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"]
        return "\n".join([*lines, f"    {(error.text or '').strip()}"])
    said = f"{type(error).__name__}: {error}"
    if frames := frames_in(path, error):
        return f"{path}:{frames[-1].lineno}: {said}\n    {frames[-1].line}"
    # Ours, in words; it may tell of one of the user's.
    said = str(error) if isinstance(error, TypeError | ValueError | ImportError) else said
    frames = frames_in(path, error.__cause__)
    return f"{said}\n    {path}:{frames[-1].lineno}: {frames[-1].line}" if frames else said


def frames_in(path: Path, error: BaseException | None) -> list[traceback.FrameSummary]:
    """The lines of a file that an error came through."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    return [frame for frame in frames if Path(frame.filename).resolve() == path]
