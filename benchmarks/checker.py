"""Examine the checker: ``python -m benchmarks.checker`` (or ``make bench-checker``).

Hand-written backwards in NumPy, each right as it stands, and errors of the kind that people make in them: how many right
ones it accuses, how many errors it catches, for how many it says which term is wrong, how small the failing inputs are that
it shows, and how long that takes. The pairs are those of the tests: a first set, with which the diagnosis was made, and a
later one, written by somebody who had not seen it.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.testing.later_pairs import LATER
from tests.testing.pairs import PAIRS
from tinygrad_edu.testing import as_pair, assert_gradients_agree
from tinygrad_edu.testing.contract import MILD

SETS = {"first": PAIRS, "later": LATER}
TINY = 1e-12


@dataclass
class Seen:
    """What came of one check: of a right pair, of an error planted in it, or of one of 1e-12 in a gradient."""

    pair: str
    error: str
    verdict: str
    seconds: float
    repair: bool = False
    why: str = ""
    elements: int = 0

    @property
    def caught(self) -> bool:
        """Whether the verdict is that it is wrong."""
        return self.verdict == "wrong"


def checked(pair: str, error: str, function: Callable[..., Any], inputs: tuple[Any, ...]) -> Seen:
    """Run the checker on one function."""
    start = time.perf_counter()
    try:
        found = assert_gradients_agree(function, *inputs)
    except AssertionError as failure:
        (found,) = failure.args
    seconds = time.perf_counter() - start
    why = [g.why for g in found.gradients if g.verdict == "wrong" and g.why]
    why += [note for note in found.notes if "becomes right as" in note]
    broken = [] if found.contract is None else [f.what for f in found.contract.broken if f.clause not in MILD]
    return Seen(
        pair,
        error,
        found.verdict,
        seconds,
        any("becomes right as" in w for w in why),
        "; ".join(why or broken),
        found.smallest.elements if found.smallest else 0,
    )


def slightly_off(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    """A pair one of whose gradients is wrong in the twelfth digit."""

    def by_hand(*arguments: Any) -> Any:
        y, backward = as_pair(function)(*arguments)
        return y, lambda dy: tuple(g * (1 + TINY) if k == place else g for k, g in enumerate(backward(dy)))

    return by_hand


def examined(task: tuple[str, str]) -> list[Seen]:
    """All checks of one pair."""
    which, name = task
    written = SETS[which][name]
    found = [checked(name, "", written.function, written.inputs)]
    found += [checked(name, error, written.spoiled(error, readable=True), written.inputs) for error in written.wrong]
    y, backward = as_pair(written.function)(*written.inputs)
    for place, gradient in enumerate(backward(np.ones_like(y))):
        if gradient is not None:
            off = slightly_off(written.function, place)
            found.append(checked(name, f"{TINY} in gradient {place}", off, written.inputs))
    return found


def rows(which: str, seen: list[Seen]) -> Iterator[tuple[str, str]]:
    """What is to be said of one set."""
    right = [s for s in seen if not s.error]
    planted = [s for s in seen if s.error]
    written = [s for s in planted if not s.error.startswith(str(TINY))]
    caught = [s for s in written if s.caught]
    yield "right pairs", str(len(right))
    yield "  accused", f"{sum(s.caught for s in right)}"
    yield "  of which nothing can be told", f"{sum(s.verdict == 'cannot tell' for s in right)}"
    yield "  seconds, median and worst", spread([s.seconds for s in right])
    yield "errors", str(len(planted))
    yield "  caught", share(sum(s.caught for s in planted), len(planted))
    yield "errors as people write them", str(len(written))
    yield "  caught", share(len(caught), len(written))
    yield "  explained", share(sum(bool(s.why) for s in caught), len(written))
    yield "    by a change to the source", share(sum(s.repair for s in caught), len(written))
    yield "  seconds, median and worst", spread([s.seconds for s in caught])
    small = [s.elements for s in caught if s.elements]
    yield "  shown at inputs made smaller", share(len(small), len(caught))
    yield "    of at most 8 elements", share(sum(n <= 8 for n in small), len(caught))


def share(part: int, whole: int) -> str:
    """A part of a whole, and in percent."""
    return f"{part} of {whole} ({100 * part / max(whole, 1):.1f} %)"


def spread(seconds: list[float]) -> str:
    """The median and the largest."""
    return f"{np.median(seconds):.2f}, {max(seconds):.1f}"


def main(
    read: Annotated[bool, typer.Option(help="Print what is said of each error, to be read.")] = False,
    only: Annotated[str, typer.Option(help="One set: first or later.")] = "",
) -> None:
    """Print the table."""
    console = Console()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    tasks = [(which, name) for which in SETS if only in ("", which) for name in SETS[which]]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(track(pool.map(examined, tasks), "examining", len(tasks), console=console, transient=True))
    for which in dict.fromkeys(which for which, _ in tasks):
        seen = [s for (w, _), group in zip(tasks, found, strict=True) if w == which for s in group]
        table = Table("", "", title=f"the {which} set")
        for row in rows(which, seen):
            table.add_row(*row)
        console.print(table)
        for s in seen:
            if (s.caught and not s.error) or (s.error and not s.caught):
                console.print(f"{s.pair}, {s.error or 'as it stands'}: {s.verdict}", markup=False)
            elif read and s.caught and not s.error.startswith(str(TINY)):
                console.print(f"{s.pair}, {s.error}: {s.why or 'NOTHING'}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
