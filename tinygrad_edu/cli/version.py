"""``tinygrad-edu version``."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from tinygrad_edu.cli.console import console

__all__ = ["run", "versions"]


def versions() -> dict[str, str]:
    """The versions of what results depend on; torch is left out where it is not installed."""
    found = {"tinygrad_edu": _version("tinygrad_edu") or "not installed", "Python": platform.python_version()}
    for title, name in (("NumPy", "numpy"), ("SciPy", "scipy"), ("PyTorch", "torch")):
        number = _version(name)
        if number:
            found[title] = number
    return found


def _version(name: str) -> str | None:
    try:
        return installed(name)
    except PackageNotFoundError:
        return None


def run() -> None:
    """Print the versions."""
    found = versions()
    for name, number in found.items():
        console.print(f"{name:<13} {number}", markup=False)
    if "PyTorch" not in found:
        console.print('PyTorch       not installed; to compare with it: pip install "tinygrad_edu\\[torch]"')
