"""The forms of a derivative: the same gradients, got in independent ways.

A form takes a :class:`~tinygrad_edu.testing.subject.Subject` and a cotangent (None where the result is no float), and
gives the result and every gradient by name. Where there is no such form, it raises
:class:`~tinygrad_edu.testing.gradients.Absent` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import NDArray

from tinygrad_edu.testing.gradients import Gradients
from tinygrad_edu.testing.in_torch import in_torch
from tinygrad_edu.testing.numerical import numerical
from tinygrad_edu.testing.paired import by_hand, reference
from tinygrad_edu.testing.recorded import fused, graph
from tinygrad_edu.testing.subject import Subject

__all__ = ["FORMS"]

FORMS: dict[str, Callable[[Subject, NDArray | None], Gradients]] = {
    "graph": graph,
    "fused": fused,
    "by hand": by_hand,
    "reference": reference,
    "torch": in_torch,
    "numerical": numerical,
}
"""Every form by name; all but the last are exact up to rounding."""
