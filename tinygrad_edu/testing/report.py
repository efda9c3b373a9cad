"""What ``verify`` found, for reading."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tinygrad_edu.testing.forms import FORMS

__all__ = ["Comparison", "Report"]

# At most this many disagreeing gradients are told one by one below the table.
TOLD = 6


@dataclass(frozen=True)
class Comparison:
    """Two forms of one gradient held against each other.

    Attributes
    ----------
    gradient : str
        Of which input or parameter; ``"result"`` for the result itself.
    forms : (str, str)
    error : float
        Largest difference of two elements, relative to the largest element of the gradient; NaN if the shapes differ,
        or one form holds a NaN that the other does not.
    tolerance : float
    index : tuple of int
        Where the difference is largest.
    values : (float, float)
        The two forms' values there.
    shapes : (tuple, tuple)
        The two forms' shapes.
    bounds : bool
        Whether central differences could do no more than bound the gradient, which keeps the bounds, as at kinks.
    why : str
        What is wrong, where that could be told.
    """

    gradient: str
    forms: tuple[str, str]
    error: float
    tolerance: float
    index: tuple[int, ...] = ()
    values: tuple[float, float] = (0.0, 0.0)
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    bounds: bool = False
    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether the forms agree."""
        return bool(self.error <= self.tolerance)

    @property
    def excess(self) -> float:
        """The error in relation to the tolerance; infinite where it is NaN."""
        return math.inf if math.isnan(self.error) else self.error / self.tolerance

    def __str__(self) -> str:
        (a, b), (x, y) = self.forms, self.values
        if self.shapes[0] != self.shapes[1]:
            return f"{self.gradient}: {a} has shape {self.shapes[0]}, {b} {self.shapes[1]}"
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return (
            f"{self.gradient}{place}: {a} {x:.10g}, {b} {y:.10g}; relative error {short(self.error)}, "
            f"tolerance {short(self.tolerance)}"
        )


@dataclass(frozen=True)
class Report:
    """What :func:`verify` found; prints as a table of the largest error for each gradient and pair of forms.

    Attributes
    ----------
    name : str
        What was verified.
    shapes : dict
        Shape of the result and of each gradient, by name.
    comparisons : list of Comparison
    absent : dict
        The forms that were not there, with the reason.
    faults : list of str
        What a form did beyond giving wrong numbers, such as overwriting its cotangent.
    """

    name: str
    shapes: dict[str, tuple[int, ...]]
    comparisons: list[Comparison] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all forms agree, there were at least two, and none did what it may not."""
        return bool(self.comparisons) and all(c.ok for c in self.comparisons) and not self.faults

    @property
    def worst(self) -> Comparison | None:
        """The comparison with the largest error in relation to its tolerance."""
        return max(self.comparisons, key=lambda c: c.excess, default=None)

    @property
    def forms(self) -> list[str]:
        """The forms that were compared, in the order of the table."""
        seen = {form for c in self.comparisons for form in c.forms}
        return [form for form in (*FORMS, *sorted(seen - FORMS.keys())) if form in seen]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of forms that were compared, in the order of the table."""
        return list(dict.fromkeys(c.forms for c in self.comparisons))

    def of(self, gradient: str) -> list[Comparison]:
        """The comparisons of one gradient."""
        return [c for c in self.comparisons if c.gradient == gradient]

    def odd_one_out(self, gradient: str) -> str | None:
        """The form that disagrees with the others while these agree; None if there is no such single form.

        Where the results disagree already, two forms compute different functions, and whose result stands alone is the
        odd one for every gradient.
        """
        if gradient != "result" and not all(c.ok for c in self.of("result")):
            return self.odd_one_out("result")
        comparisons = self.of(gradient)
        wrong = [c.forms for c in comparisons if not c.ok]
        # The 60-digit form is the derivative of another's own forward: where the two differ, the backward is wrong.
        for form in ("by hand", "graph"):
            if (form, "60 digits") in wrong:
                return form
        # How well the others agree without a form that takes part in every disagreement.
        rest = {}
        for form in self.forms:
            others = [c.excess for c in comparisons if form not in c.forms]
            if wrong and others and all(form in forms for forms in wrong):
                rest[form] = max(others)
        odd = min(rest, key=lambda form: rest[form], default=None)
        # An error close to a tolerance may pass for agreement; then the others agree far better without the odd one.
        if any(rest[form] <= 10 * rest[odd] for form in rest if odd is not None and form != odd):
            return None
        return odd

    def told(self) -> Iterator[str]:
        """What is wrong, in a sentence for each gradient."""
        yield from self.faults
        wrong = [gradient for gradient in self.shapes if not all(c.ok for c in self.of(gradient))]
        for gradient in wrong[:TOLD]:
            odd = self.odd_one_out(gradient)
            worst = max((c for c in self.of(gradient) if odd is None or odd in c.forms), key=lambda c: c.excess)
            why = next((f". {c.why}" for c in self.of(gradient) if c.why), "")
            yield (f"{odd} is the odd one out: {worst}" if odd else f"disagree: {worst}") + why
        if len(wrong) > TOLD:
            yield f"and {len(wrong) - TOLD} more gradients"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        if self.comparisons:
            tables = self._table(turned=False), self._table(turned=True)
            widths = [Measurement.get(console, options.update(width=1000), table).maximum for table in tables]
            # Turned only where that helps: ten pairs of forms are wide, and so are many parameters.
            yield tables[widths[0] > options.max_width and widths[1] < widths[0]]
            if self.ok and self.worst is not None:
                worst = f" Worst: {self.worst}." if self.worst.error else ""
                yield Text(f"Largest relative differences.{worst}", "dim")
        else:
            yield Text(f"{self.name}: nothing to compare", "bold")
        if any(c.bounds for c in self.comparisons):
            yield Text("bounds: at a kink differences only bound the gradient, and it lies within.", "dim")
        for sentence in self.told():
            yield Text(sentence, "red")
        for form, why in self.absent.items():
            yield Text(f"No {form} form: {why}.", "dim")

    def _table(self, *, turned: bool) -> Table:
        """Gradients downwards and pairs of forms across, or the other way round."""
        title = "all forms agree" if self.ok else "[bold red]the forms DISAGREE[/]"
        table = Table(title=f"{self.name}: {title}", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.padding = (0, 1, 0, 0)
        pairs = [f"{a} – {b}" for a, b in self.pairs]
        gradients = [f"{escape(name)} {shape}" for name, shape in self.shapes.items()]
        rows: list[Any] = [self._cells(gradient) for gradient in self.shapes]
        if not all(c.ok for c in self.comparisons):
            pairs.append("odd one out")
            for gradient, row in zip(self.shapes, rows, strict=True):
                agree = all(c.ok for c in self.of(gradient))
                row.append("" if agree else f"[bold red]{self.odd_one_out(gradient) or 'disagree'}[/]")
        down, across = (pairs, gradients) if turned else (gradients, pairs)
        table.add_column("gradient of\n(shape)", no_wrap=True)
        for heading in across:
            # In two lines: the gradient and its shape, or the two forms.
            table.add_column(heading.replace(" (" if turned else " – ", "\n(" if turned else " –\n"), justify="right")
        if turned:
            rows = list(zip(*rows, strict=True))
        for label, row in zip(down, rows, strict=True):
            table.add_row(label, *row)
        return table

    def _cells(self, gradient: str) -> list[str]:
        found = {c.forms: c for c in self.of(gradient)}
        return ["–" if pair not in found else colored(found[pair]) for pair in self.pairs]

    def __repr__(self) -> str:
        console = _console()
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())

    def _repr_html_(self) -> str:
        console = _console(record=True)
        console.print(self)
        return console.export_html(inline_styles=True, code_format="<pre style='line-height: 1.3'>{code}</pre>")


def _console(**options: Any) -> Console:
    return Console(width=120, file=io.StringIO(), **options)


def short(error: float) -> str:
    """An error in as few digits as tell its size, such as 3e-16."""
    return f"{error:.2g}" if error == 0 or 0.01 <= error < 1000 else f"{error:.0e}".replace("e-0", "e-")


def colored(comparison: Comparison) -> str:
    """An error for the table, red where it is above its tolerance."""
    if comparison.bounds:
        return "bounds"
    return short(comparison.error) if comparison.ok else f"[bold red]{short(comparison.error)}[/]"
