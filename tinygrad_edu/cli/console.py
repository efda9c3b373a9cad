"""Where the commands print, and how they report mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["UserError", "console", "explained", "progress_bar", "show_error"]

# Without emoji, which `file.py:100:` would have.
console = Console(highlight=False, emoji=False)
_errors = Console(stderr=True, highlight=False, emoji=False)


class UserError(Exception):
    """Something the user can put right; the message says what and how."""


def show_error(message: str) -> None:
    """Print a mistake to standard error."""
    _errors.print("[bold red]Error:[/]", end=" ")
    _errors.print(message, markup=False)


@contextmanager
def explained(*kinds: type[BaseException]) -> Iterator[None]:
    """Turn exceptions whose message speaks to the user already into a :class:`UserError`."""
    try:
        yield
    except kinds as error:
        raise UserError(str(error)) from error


def progress_bar() -> Progress:
    """A progress bar that shows the task, how far it is, and the loss; nothing where the output is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def seconds(value: float) -> str:
    """A duration as people write it."""
    if value < 0.1:
        return f"{1000 * value:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.1f} min"


def plural(count: int, what: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def heading(text: Any) -> None:
    """Print the title of the part that begins."""
    console.print()
    console.print(f"[bold]{text}[/]")
