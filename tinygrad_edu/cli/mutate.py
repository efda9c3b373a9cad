"""``tinygrad-edu mutate``."""

from __future__ import annotations

import json
import time
from pathlib import Path

import typer

from tinygrad_edu.cli.compare import NO_TORCH
from tinygrad_edu.cli.console import UserError, console, plural, progress_bar, seconds
from tinygrad_edu.cli.verify import _known
from tinygrad_edu.testing.mutation.report import MutationReport, known_equivalents
from tinygrad_edu.testing.mutation.run import mutate
from tinygrad_edu.testing.mutation.trials import Dropped
from tinygrad_edu.train import have_torch

__all__ = ["run"]


def run(names: list[str], limit: int | None, seed: int, jobs: int, output: Path | None, markdown: Path | None) -> None:
    """Break the derivatives of what is named, or all, and tell which mistakes the checks miss."""
    for path in (output, markdown):
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"mutate: there is no folder {path.absolute().parent} to write {path.name} into")
    chosen = [_known(name) for name in names]
    dropped: list[Dropped] = []
    begun = time.perf_counter()
    with progress_bar() as bar:
        task = bar.add_task("mutating", total=None, loss="")
        outcomes = mutate(
            chosen,
            limit=limit,
            seed=seed,
            jobs=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            dropped=dropped,
        )
    report = MutationReport(outcomes, known_equivalents(), dropped)
    console.print(report)
    if output is not None:
        output.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False), encoding="utf-8")
    if markdown is not None:
        markdown.write_text(report.as_markdown() + "\n", encoding="utf-8")
    if not have_torch():
        console.print(NO_TORCH, markup=False)
    if not report.ok:
        console.print(f"[bold red]{plural(len(report.survivors), 'mutant')} survived[/]: no check notices the mistake")
        raise typer.Exit(1)
    took = seconds(time.perf_counter() - begun)
    console.print(
        f"[green]{plural(len(outcomes), 'mutant')}, none survived but {len(report.equivalent)} equivalent[/] ({took})"
    )
