"""The table of a module's parts, their parameters and their output shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.grad_mode import no_grad
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor

__all__ = ["Row", "Summary", "summarize"]


@dataclass(frozen=True)
class Row:
    """One module: its dotted name, its class, the shape of its result if known, its own parameters."""

    name: str
    kind: str
    shape: tuple[int, ...] | None
    parameters: int


@dataclass(frozen=True)
class Summary:
    """The rows of a module's parts, and the number of parameters in all; prints as a table."""

    rows: list[Row]
    total: int
    trainable: int

    def __rich__(self) -> Any:
        from rich.table import Table

        table = Table("module", "class", "output shape", "parameters", caption=f"{self.total:,} parameters")
        table.columns[-1].justify = "right"
        for row in self.rows:
            shape = "" if row.shape is None else str(row.shape)
            table.add_row(row.name or "(itself)", row.kind, shape, f"{row.parameters:,}" if row.parameters else "")
        return table

    def __repr__(self) -> str:
        from rich.console import Console

        console = Console(width=100, color_system=None)
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip()

    def _repr_html_(self) -> str:
        return f"<pre>{self!r}</pre>"


def summarize(module: Module, input_shape: tuple[Any, ...]) -> Summary:
    """The summary of a module; with an input shape it is run once, in evaluation mode, to learn the shapes."""
    if len(input_shape) == 1 and isinstance(input_shape[0], list | tuple):
        input_shape = tuple(input_shape[0])
    shapes = _shapes(module, input_shape) if input_shape else {}
    rows = [
        Row(name, type(part).__name__, shapes.get(part), sum(p.numel() for p in part.parameters(recurse=False)))
        for name, part in module.named_modules()
    ]
    parameters = list(module.parameters())
    trainable = sum(p.numel() for p in parameters if p.requires_grad)
    return Summary(rows, sum(p.numel() for p in parameters), trainable)


def _shapes(module: Module, input_shape: tuple[int, ...]) -> dict[Module, tuple[int, ...]]:
    shapes: dict[Module, tuple[int, ...]] = {}
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), np.dtype("float32"))

    def noting(part: Module, forward: Any) -> Any:
        def noted(*inputs: Any, **options: Any) -> Any:
            y = forward(*inputs, **options)
            if isinstance(y, Tensor):
                shapes[part] = y.shape
            return y

        return noted

    try:
        for part, _ in modes:
            part.training = False
            part.__dict__["forward"] = noting(part, part.forward)
        x = Tensor(dtype=dtype)
        x.array = np.zeros(input_shape, dtype)
        with no_grad():
            module(x)
    finally:
        for part, training in modes:
            part.training = training
            del part.__dict__["forward"]
    return shapes
