"""The clauses of the contract of a backward, by name, in the order in which they are checked."""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_edu.testing.contract import memory, values
from tinygrad_edu.testing.contract.case import Case

__all__ = ["AFTER", "CLAUSES", "REPEATED"]

CLAUSES: dict[str, Callable[[Case], str]] = {
    "runs": values.runs,
    "shape": values.shape,
    "finite": values.finite,
    "cotangent": memory.cotangent,
    "cotangent layout": memory.cotangent_layout,
    "arguments": memory.arguments,
    "argument layout": memory.argument_layout,
    "repeatable": memory.repeatable,
    "state": memory.state,
    "shared memory": memory.shared_memory,
    "dtype": values.dtype,
    "linear": values.linear,
    "rows": values.rows,
    "small sizes": values.small_sizes,
}

AFTER: dict[str, tuple[str, ...]] = {
    "cotangent layout": ("cotangent",),
    "argument layout": ("arguments",),
    "repeatable": ("arguments",),
    "linear": ("repeatable", "arguments"),
    "rows": ("linear", "state"),
    "small sizes": ("finite",),
}
"""Which clauses tell nothing while another is broken."""

REPEATED = ("cotangent layout", "argument layout", "state", "rows")
"""Clauses that compare forwards of the same arguments, and so ask that these give the same."""
