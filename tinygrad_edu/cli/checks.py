"""One table of many verified gradients, for the screen and for the page."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

__all__ = ["Check", "FORMS_MEAN", "as_html", "as_table", "check_of"]


FORMS_MEAN = (
    "The columns: the backward derived by hand, a reference in the words of SciPy, PyTorch, and differences of the "
    "function (numerical), whose own error is about 1e-9. About 1e-15 is rounding. Last, the backward by hand (of an "
    "operation its rules) against the derivative of its own forward, both in 60-digit arithmetic, for at most 2,000 elements."
)


@dataclass(frozen=True)
class Check:
    """One verified layer, loss or network.

    Attributes
    ----------
    name : str
    gradients : str
        Of what, by name.
    errors : dict of str to float
        For each form but the first, by how much its gradients differ at most from those of the first, relatively; for
        60 digits, from those by hand.
    reference : str
        The first form.
    ok : bool
        Whether all pairs of forms agree.
    note : str
        Where they do not, or a form that is absent for a reason of its own.
    """

    name: str
    gradients: str
    errors: dict[str, float]
    reference: str
    ok: bool
    note: str


def check_of(name: str, *reports: Any) -> Check:
    """The row for what ``verify`` reported, on one case or several."""
    first = reports[0]
    ok = all(report.ok for report in reports)
    worst = next((report.worst for report in reports if not report.ok), None)
    note = "" if worst is None else str(worst)
    if ok and "torch" in first.absent and "not installed" not in first.absent["torch"]:
        note = f"without torch: {first.absent['torch']}"
    reference = next(iter(first.forms), "graph")
    errors: dict[str, float] = {}
    for comparison in (c for report in reports for c in report.comparisons):
        a, form = comparison.forms
        # That form is the derivative of another's own forward, and is held against that one alone.
        if a == reference or form == "60 digits":
            errors[form] = _larger(errors.get(form, 0.0), comparison.error)
    return Check(name, _named([g for g in first.shapes if g != "result"]), errors, reference, ok, note)


def _named(gradients: list[str]) -> str:
    if len(gradients) <= 3:
        return ", ".join(gradients)
    return f"{gradients[0]} and {len(gradients) - 1} parameters"


def _larger(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)


def _forms(checks: Sequence[Check]) -> list[str]:
    found = {form for check in checks for form in check.errors}
    return [form for form in ("fused", "by hand", "reference", "torch", "numerical", "60 digits") if form in found]


def _cells(check: Check, forms: Sequence[str]) -> list[str]:
    return [check.name, check.gradients, *(_number(check.errors.get(form)) for form in forms)]


def _number(error: float | None) -> str:
    return "" if error is None else "0" if error == 0 else f"{error:.0e}"


def as_table(checks: Sequence[Check]) -> Table:
    """The table for the screen."""
    forms = _forms(checks)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("", "gradients of"):
        table.add_column(column)
    for form in forms:
        table.add_column(form, justify="right")
    table.add_column("")
    for check in checks:
        table.add_row(*_cells(check, forms), "[green]agree[/]" if check.ok else "[bold red]DISAGREE[/]")
    return table


def as_html(checks: Sequence[Check]) -> str:
    """The table for the page."""
    forms = _forms(checks)
    head = "".join(f'<th scope="col">{column}</th>' for column in ("", "gradients of", *forms, ""))
    rows = []
    for check in checks:
        name, gradients, *errors = (html.escape(cell) for cell in _cells(check, forms))
        numbers = "".join(f'<td class="number">{error}</td>' for error in errors)
        verdict = '<td class="agree">✓ agree</td>' if check.ok else '<td class="differ">✗ disagree</td>'
        rows.append(f'<tr><th scope="row">{name}</th><td>{gradients}</td>{numbers}{verdict}</tr>')
    notes = [f"<p>{html.escape(check.name)}: {html.escape(check.note)}</p>" for check in checks if check.note]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{''.join(notes)}"
