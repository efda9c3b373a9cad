"""The contract of a backward: what it must keep to beside giving the right numbers."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from rich import box
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from tinygrad_edu.testing.contract.case import Broken, Case, NotApplicable
from tinygrad_edu.testing.contract.clauses import AFTER, CLAUSES, REPEATED
from tinygrad_edu.testing.pair import as_pair

__all__ = ["MILD", "Contract", "Finding", "check_contract"]

MILD = ("shared memory", "dtype", "small sizes")
"""Clauses that a backward may break and still give the right gradients of a training step."""


@dataclass(frozen=True)
class Finding:
    """What came of one clause.

    Attributes
    ----------
    clause : str
    state : {'ok', 'broken', 'not applicable'}
    what : str
        In words: what was seen, or why the clause does not apply.
    """

    clause: str
    state: Literal["ok", "broken", "not applicable"]
    what: str

    def __str__(self) -> str:
        return f"{self.clause}: {self.state}: {self.what}"


@dataclass(frozen=True)
class Contract:
    """What :func:`check_contract` found; prints as a table.

    Attributes
    ----------
    name : str
    findings : list of Finding
    """

    name: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no clause is broken."""
        return not self.broken

    @property
    def broken(self) -> list[Finding]:
        """The findings that are broken."""
        return [finding for finding in self.findings if finding.state == "broken"]

    def of(self, clause: str) -> Finding:
        """The finding of one clause."""
        return next(finding for finding in self.findings if finding.clause == clause)

    def __str__(self) -> str:
        title = f"{self.name}: {'keeps' if self.ok else 'BREAKS'} the contract of a backward"
        return "\n".join([title, *(f"  {finding}" for finding in self.findings)])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        title = "keeps the contract of a backward" if self.ok else "[bold red]BREAKS the contract of a backward[/]"
        table = Table(title=f"{self.name}: {title}", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for heading in ("clause", "", "what was seen"):
            table.add_column(heading, no_wrap=heading == "clause")
        styles = {"ok": "green", "broken": "bold red", "not applicable": "dim"}
        for finding in self.findings:
            style = styles[finding.state]
            mark = {"ok": "ok", "broken": "BROKEN", "not applicable": "–"}[finding.state]
            table.add_row(finding.clause, Text(mark, style), Text(finding.what, "" if style == "green" else style))
        yield table

    def _repr_html_(self) -> str:
        console = Console(width=120, file=io.StringIO(), record=True)
        console.print(self)
        return console.export_html(inline_styles=True, code_format="<pre style='line-height: 1.3'>{code}</pre>")


def check_contract(pair: Any, *inputs: Any, seed: int = 0, **options: Any) -> Contract:
    """Check each clause of the contract of a backward.

    Parameters
    ----------
    pair : callable, tuple of two callables, Layer, torch.autograd.Function class, or torch.nn.Module
        What :func:`as_pair` takes.
    *inputs
        Arrays of floats are taken in float64; integers and other values as they are.
    seed : int, default 0
        For cotangents, and for ``np.random`` in the forward.
    **options
        Keyword arguments of the forward.

    Returns
    -------
    Contract
        Whether the gradients are right is not asked here.

    Raises
    ------
    TypeError
        If it is no pair, or the result holds no floats.

    Examples
    --------
    >>> import numpy as np
    >>> def double(x):
    ...     def backward(dy):
    ...         dy *= 2
    ...         return dy
    ...     return 2 * x, backward
    >>> contract = check_contract(double, np.array([[1.0, 2.0]]))
    >>> print(*(finding.clause for finding in contract.broken), sep=", ")
    cotangent, shared memory
    """
    # Infinities and NaN, and means of nothing, are looked at below.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = Case.of(as_pair(pair), inputs, options, seed)
        findings: list[Finding] = []
        for clause, check in CLAUSES.items():
            broken = {finding.clause for finding in findings if finding.state == "broken"}
            first = next((other for other in ("runs", "shape", *AFTER.get(clause, ())) if other in broken), None)
            try:
                if first is not None:
                    raise NotApplicable(f"cannot be told while {first!r} is broken")
                if case.varies and clause in REPEATED:
                    raise NotApplicable("two forwards of the same arguments differ: it draws numbers, or keeps state")
                findings.append(Finding(clause, "ok", check(case)))
            except Broken as error:
                findings.append(Finding(clause, "broken", str(error)))
            except NotApplicable as error:
                findings.append(Finding(clause, "not applicable", str(error)))
            except Exception as error:
                what = f"raises {type(error).__name__}: {error}"
                notes = " ".join(getattr(error, "__notes__", []))
                findings.append(Finding(clause, "broken", f"{notes} {what}".strip()))
    return Contract(case.pair.name, findings)
