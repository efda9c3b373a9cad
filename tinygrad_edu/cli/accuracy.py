"""``tinygrad-edu accuracy``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import typer
from rich.table import Table

import tinygrad_edu.nn  # noqa: F401 - announces every layer and loss
from tinygrad_edu.announce import announced
from tinygrad_edu.cli.console import console, progress_bar
from tinygrad_edu.cli.verify import _known
from tinygrad_edu.testing.accuracy import measured
from tinygrad_edu.testing.exact import ExactError
from tinygrad_edu.testing.rounding import Accuracy
from tinygrad_edu.testing.shipped import Shipped
from tinygrad_edu.testing.torch_pair import torch_pair
from tinygrad_edu.testing.ulps import digits_of
from tinygrad_edu.train import have_torch

__all__ = ["HEAD", "Row", "rows_of", "run"]

DTYPES = ("float32", "float64")
HEAD = (
    "",
    "floats",
    "result",
    "gradient of",
    "at inputs",
    "median",
    "own ulps",
    "of largest",
    "beyond inputs",
    "torch",
)
_MEANING = (
    "Errors in units in the last place. Result and gradients: the worst beyond what rounding the inputs explains; of the "
    "worst gradient also its median and worst error in ulps of each element itself and of its largest element. torch: its "
    "worst gradient beyond the inputs. The inputs are also taken 30 and 0.0001 times."
)


@dataclass(frozen=True)
class Row:
    """One line of the table: a layer, loss or operation in one dtype."""

    name: str
    dtype: str
    result: str
    gradient: str = ""
    scale: str = ""
    median: str = ""
    element: str = ""
    largest: str = ""
    inputs: str = ""
    torch: str = ""


def run(names: list[str], markdown: bool, seed: int) -> None:
    """Measure what is named, or all layers and losses, and print a table."""
    found = [_known(name) for name in names] or [a.name for a in announced.values() if a.kind in ("layer", "loss")]
    rows: list[Row] = []
    with progress_bar() as bar:
        task = bar.add_task("measuring", total=len(found), loss="")
        for name in found:
            bar.update(task, loss=name)
            rows += rows_of(name, seed)
            bar.advance(task)
    if markdown:
        console.print(as_markdown(rows), markup=False, soft_wrap=True)
    else:
        console.print(as_table(rows))
        console.print()
        console.print(f"[dim]{_MEANING}[/]")
    wrong = sorted({row.name for row in rows if " as " in row.result + row.gradient})
    if wrong:
        console.print(f"[bold red]Of another type than the inputs:[/] {', '.join(wrong)}")
        raise typer.Exit(1)


def rows_of(name: str, seed: int = 0) -> Iterator[Row]:
    """The table's lines for one announced name."""
    shipped = Shipped.of(name, (), {}, seed)
    try:
        found = measured(shipped, DTYPES)
    except ExactError as error:
        yield Row(name, "", f"does not run in decimals: {str(error).partition('exact numbers, ')[2]}")
        return
    theirs = in_torch(shipped)
    for dtype in DTYPES:
        result, digits = found.worst("inputs", dtype, "result"), digits_of(dtype)
        said = number(result.inputs, digits) if result.came == dtype else f"{dtype} as {result.came}"
        if not any(r.dtype == dtype and r.name != "result" for r in found.roundings):
            yield Row(name, dtype, said)
            continue
        worst = found.worst("inputs", dtype, "gradients")
        wrong = next((r for r in found.wrong_dtypes if r.dtype == dtype and r.name != "result"), None)
        gradient = f"{dtype} as {wrong.came}: {wrong.name}" if wrong else worst.name
        yield Row(
            name,
            dtype,
            said,
            gradient,
            f"× {worst.scale:g}",
            number(worst.median, digits),
            number(worst.element, digits),
            number(worst.largest, digits),
            number(worst.inputs, digits),
            "" if theirs is None else number(theirs.worst("inputs", dtype, "gradients").inputs, digits),
        )


def in_torch(shipped: Shipped) -> Accuracy | None:
    """PyTorch's own backward of the same layer against the same right values; None where it has none."""
    target: Any = shipped.subject.target if shipped.subject is not None else None
    if not have_torch() or not hasattr(target, "to_torch") or shipped.name == "Dropout":
        return None
    try:
        theirs = torch_pair(target.to_torch())
    except TypeError:
        return None
    # PyTorch's module has the options itself.
    by_hand = lambda *given, **options: theirs.by_hand(*(a for a in given if isinstance(a, np.ndarray)))
    return measured(replace(shipped, pair=replace(shipped.pair, by_hand=by_hand)), DTYPES)


def number(ulps: float, digits: float) -> str:
    """An error in two digits; 'all' where no digit is right."""
    if ulps >= digits:
        return "all"
    return "0" if ulps == 0 else f"{ulps:.1f}" if ulps < 10 else f"{ulps:.0f}" if ulps < 1000 else f"{ulps:.0e}"


def as_table(rows: list[Row]) -> Table:
    """The table for the screen."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in HEAD:
        table.add_column(column, justify="left" if column in HEAD[:4] else "right")
    for row in rows:
        table.add_row(*astuple(row))
    return table


def as_markdown(rows: list[Row]) -> str:
    """The table for the documentation."""
    lines = [HEAD, ["---", "---", "--:", "---", *["--:"] * 6], *map(astuple, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
