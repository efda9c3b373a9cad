"""``tinygrad-edu verify``."""

from __future__ import annotations

import difflib

import typer

import tinygrad_edu.nn  # noqa: F401 - announces every layer and loss
from tinygrad_edu.announce import announced
from tinygrad_edu.cli.checks import FORMS_MEAN, as_table, check_of
from tinygrad_edu.cli.compare import NO_TORCH
from tinygrad_edu.cli.console import UserError, console, progress_bar
from tinygrad_edu.testing import verify
from tinygrad_edu.train import have_torch

__all__ = ["run"]


_MEANING = (
    "The largest difference from the gradient that the recorded graph gives, relative to the gradient's largest "
    f"element, on random inputs in float64. {FORMS_MEAN}"
)


def run(names: list[str], seed: int) -> None:
    """Verify what is named, or all layers and losses."""
    found = [_known(name) for name in names] or [a.name for a in announced.values() if a.kind in ("layer", "loss")]
    reports = []
    with progress_bar() as bar:
        task = bar.add_task("verifying", total=len(found), loss="")
        for name in found:
            bar.update(task, loss=name)
            reports.append(verify(name, seed=seed))
            bar.advance(task)
    if names:
        for report in reports:
            console.print(report)
            console.print()
    else:
        console.print(as_table([check_of(name, report) for name, report in zip(found, reports, strict=True)]))
        console.print()
        console.print(f"[dim]{_MEANING}[/]")
    wrong = [name for name, report in zip(found, reports, strict=True) if not report.ok]
    if not have_torch():
        console.print(NO_TORCH, markup=False)
    if wrong:
        for report in reports:
            if not report.ok:
                console.print(f"[bold red]{report.name}[/] {report.worst}")
        console.print(f"[bold red]{len(wrong)} of {len(found)} disagree:[/] {', '.join(wrong)}")
        raise typer.Exit(1)
    console.print(f"[green]{len(found)} verified: all forms agree[/]")


def _known(name: str) -> str:
    """The announced name that was meant, whatever its case."""
    names = {known.lower(): known for known in announced}
    names["dense"] = names.get("dense", "Linear")
    if name.lower() not in names:
        close = [names[match] for match in difflib.get_close_matches(name.lower(), names, n=3)]
        layers = ", ".join(sorted(a.name for a in announced.values() if a.kind in ("layer", "loss")))
        hint = (
            f"Did you mean {' or '.join(close)}?" if close else f"There are: {layers}; and the operations, such as exp."
        )
        raise UserError(f"verify: there is no layer, loss or operation {name!r}. {hint}")
    return names[name.lower()]
