"""What came of a check: for reading, and as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.cli.console import console
from tinygrad_edu.testing import Agreement

__all__ = ["COLORS", "Checked", "as_json", "lengths", "show", "shown", "told"]

COLORS = {"right": "green", "wrong": "bold red", "cannot tell": "yellow"}


@dataclass
class Checked:
    """What came of one name.

    Attributes
    ----------
    name : str
    verdict : {'right', 'wrong', 'cannot tell'}
    inputs : list of (str, array or anything)
        By name, where they are known.
    guessed : bool
        Whether nobody gave the inputs.
    agreement : Agreement or None
    notes : list of str
        Why there is no verdict.
    """

    name: str
    verdict: str
    inputs: list[tuple[str, Any]] = field(default_factory=list)
    guessed: bool = False
    agreement: Agreement | None = None
    notes: list[str] = field(default_factory=list)


def shown(result: Checked) -> str:
    """The inputs of a check, by name and shape."""
    integers = [isinstance(x, np.ndarray) and x.dtype.kind in "iu" for _, x in result.inputs]
    shapes = [f"{name} {lengths(x)}" for name, x in result.inputs]
    return ", ".join(f"{text} of integers" if of else text for text, of in zip(shapes, integers, strict=True))


def lengths(x: Any) -> tuple[int, ...]:
    """The shape of an array; nothing of anything else."""
    return tuple(int(n) for n in getattr(x, "shape", ()))


def show(result: Checked) -> None:
    """Print what came of one name."""
    agreement, color = result.agreement, COLORS[result.verdict]
    where = f" ({agreement.where})" if agreement is not None and agreement.wrong() and agreement.where else ""
    told(f"{result.name}: {result.verdict}{where}", color)
    for note in result.notes:
        told(f"  {'' if result.verdict == 'cannot tell' else 'note: '}{note}")
    _, _, rest = str(agreement or "").partition("\n")
    if rest:
        told(rest)
    if agreement is not None and agreement.report is not None and result.verdict == "right":
        told(f"  these forms agree: {', '.join(agreement.report.forms)}")
    if result.inputs:
        told(f"  {'inputs, guessed (--shape sets others)' if result.guessed else 'inputs'}: {shown(result)}", "dim")


def told(text: str, style: str = "") -> None:
    """Print lines as they are."""
    console.print(text, style=style, markup=False, soft_wrap=True)


def as_json(path: Path, verdict: str, results: list[Checked]) -> dict[str, Any]:
    """All that was found, in JSON's types; what is no finite number is null."""
    return {"file": str(path), "verdict": verdict, "results": [result_as_json(result) for result in results]}


def result_as_json(result: Checked) -> dict[str, Any]:
    """What came of one name."""
    agreement = result.agreement or Agreement(result.name)
    inputs = [
        {"name": n, "shape": lengths(x), "dtype": getattr(x, "dtype", type(x).__name__)} for n, x in result.inputs
    ]
    return plain(
        {
            "name": result.name,
            "verdict": result.verdict,
            "where": agreement.where,
            "guessed": result.guessed,
            "inputs": inputs,
            "gradients": agreement.gradients,
            "smallest": agreement.smallest,
            "contract": agreement.contract.findings if agreement.contract is not None else [],
            "forms": agreement.report.forms if agreement.report is not None else [],
            "wrong": agreement.wrong(),
            "notes": [*result.notes, *agreement.notes],
        }
    )


def plain(value: Any) -> Any:
    """A value in JSON's types: dataclasses as objects by their fields, arrays as lists."""
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float | np.floating | Decimal):
        return float(value) if math.isfinite(float(value)) else None
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return [plain(item) for item in value] if isinstance(value, tuple | list) else str(value)
