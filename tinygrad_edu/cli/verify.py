"""``tinygrad-edu verify``."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

import numpy as np
import typer

import tinygrad_edu.nn  # noqa: F401 - announces every layer and loss
from tinygrad_edu.announce import Announcement, announced
from tinygrad_edu.cli.checks import FORMS_MEAN, as_table, check_of
from tinygrad_edu.cli.compare import NO_TORCH
from tinygrad_edu.cli.console import UserError, console, plural, progress_bar
from tinygrad_edu.random import manual_seed
from tinygrad_edu.testing import Report, verify
from tinygrad_edu.train import have_torch

__all__ = ["run"]


_MEANING = (
    "The largest difference from the gradient that the recorded graph gives, relative to the gradient's largest "
    f"element, on random inputs in float64. {FORMS_MEAN}"
)


def run(names: list[str], seed: int, everything: bool = False, examples: int | None = None) -> None:
    """Verify what is named, or all layers and losses, or all that is announced."""
    if names and everything:
        raise UserError("verify: give names or --all, not both")
    found = [_known(name) for name in names] or [
        a.name for a in announced.values() if everything or a.kind in ("layer", "loss")
    ]
    reports: dict[str, list[tuple[str, Report]]] = {}
    with progress_bar() as bar:
        task = bar.add_task("verifying", total=len(found), loss="")
        for name in found:
            bar.update(task, loss=name)
            drawn = _drawn(announced[name], examples, seed) if examples else [("", verify(name, seed=seed))]
            reports[name] = list(drawn)
            bar.advance(task)
    if names and not examples:
        for name in found:
            console.print(reports[name][0][1])
            console.print()
    else:
        console.print(as_table([check_of(name, *(report for _, report in reports[name])) for name in found]))
        console.print()
        console.print(f"[dim]{_MEANING}[/]")
        console.print(_counts(reports))
    if not have_torch():
        console.print(NO_TORCH, markup=False)
    _judge(reports)


def _drawn(known: Announcement, count: int, seed: int) -> Iterator[tuple[str, Report]]:
    """Reports on cases that are drawn from the ranges of all examples, and what to call each case."""
    for number, example in enumerate(known.examples):
        ranges = known.ranges(example)
        generator = np.random.default_rng([seed, number])
        for draw in range(count):
            arguments = {name: values[generator.integers(len(values))] for name, values in ranges.items()}
            manual_seed(seed + draw)
            case = known.case(example, **arguments)
            report = verify(case.function, case.inputs, seed=seed + draw, **case.options)
            if report.comparisons or report.faults:  # there is nothing to compare in an empty result
                chosen = "".join(f", {name}={value!r}" for name, value in arguments.items())
                yield f"{known.name}, example {number}, seed {seed + draw}{chosen}:", report


def _counts(reports: dict[str, list[tuple[str, Report]]]) -> str:
    """How many have each form."""
    forms = Counter(form for of in reports.values() for form in {form for _, report in of for form in report.forms})
    cases = sum(map(len, reports.values()))
    several = f" ({plural(cases, 'case')})" if cases > len(reports) else ""
    return f"Forms of {len(reports)}{several}: " + ", ".join(f"{form} {count}" for form, count in forms.items())


def _judge(reports: dict[str, list[tuple[str, Report]]]) -> None:
    """Print the first report of each that disagrees, and end with status 1 if there is one."""
    wrong = {name: [(case, report) for case, report in of if not report.ok] for name, of in reports.items()}
    wrong = {name: of for name, of in wrong.items() if of}
    if wrong:
        for of in wrong.values():
            case, report = of[0]
            console.print(case or f"[bold red]{report.name}[/] {report.worst}")
            if case:
                console.print(report)
        console.print(f"[bold red]{len(wrong)} of {len(reports)} disagree:[/] {', '.join(wrong)}")
        raise typer.Exit(1)
    console.print(f"[green]{len(reports)} verified: all forms agree[/]")


def _known(name: str) -> str:
    """The announced name that was meant, whatever its case."""
    if name in announced:  # tanh, which is not Tanh
        return name
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
