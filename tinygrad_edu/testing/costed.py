"""What the cost of a derivative is measured on: a forward that gives its own backward, in any form."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinygrad_edu.graph import sweep
from tinygrad_edu.layers.layer import Layer, expanded
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor, tensor
from tinygrad_edu.testing.agree import gives_pair, is_bare
from tinygrad_edu.testing.pair import Pair, as_pair, is_torch
from tinygrad_edu.testing.recorded import joined
from tinygrad_edu.testing.subject import as_inputs, mapped, name_of

__all__ = ["Form", "Runner", "runner_of"]

Form = Literal["pair", "by hand", "graph", "torch"]


@dataclass(frozen=True)
class Runner:
    """A forward to call again and again.

    Attributes
    ----------
    name : str
    form : {'pair', 'by hand', 'graph', 'torch'}
    inputs : tuple
    forward : callable
        Gives the result, an array, and a backward, which holds what it needs and no more, and returns the gradients.
    """

    name: str
    form: Form
    inputs: tuple[Any, ...]
    forward: Callable[[], tuple[Any, Callable[[Any], Any]]]


def runner_of(target: Any, inputs: tuple[Any, ...], form: Form | None, options: dict[str, Any]) -> Runner:
    """The runner of what a caller passes, in the form asked for."""
    if form not in (None, "by hand", "graph"):
        raise ValueError(f"cost: expected form 'by hand' or 'graph', got {form!r}")
    given = tuple(x.detach().numpy() if is_torch(x) else x for x in inputs)
    given = as_inputs(given)
    if isinstance(target, Layer) and form != "graph":
        return Runner(name_of(target), "by hand", given, by_hand(target, given))
    in_torch = not isinstance(target, Pair) and (is_torch(target) or any(is_torch(x) for x in inputs))
    bare = is_bare(target) and not in_torch and not gives_pair(target, given, options)
    if isinstance(target, Module) or bare:
        return Runner(name_of(target), "graph", given, by_graph(target, given, options))
    if in_torch:
        from tinygrad_edu.testing.torch_pair import torch_pair

        pair = torch_pair(target)
    else:
        pair = as_pair(target)
    if form == "graph":
        raise TypeError(f"cost: {pair.name} is no layer or function of Tensors, and so records no graph")
    complete, own = pair.complete(given)
    first = next((x for x in given if isinstance(x, np.ndarray) and x.dtype.kind == "f"), None)
    arguments = tuple(
        a.astype(first.dtype, copy=False)
        if first is not None and isinstance(a, np.ndarray) and a.dtype.kind == "f"
        else a
        for a in complete
    )
    return Runner(
        pair.name, "torch" if pair.kind == "torch" else "pair", given, lambda: pair(*arguments, **own, **options)
    )


def by_hand(layer: Layer, inputs: tuple[Any, ...]) -> Callable[[], tuple[Any, Callable]]:
    """A layer's hand-derived pair, which gives the gradients of parameters, too, and stores none."""
    kind: Any = type(layer)
    pair = Pair(kind.__name__, kind.by_hand, kind._positional)

    def forward() -> tuple[Any, Callable]:
        parameters, options = layer._arguments(inputs)
        plain = [p.array if isinstance(p, Tensor) else p for p in parameters]
        return pair(*inputs, *plain, **{n: v.array if isinstance(v, Tensor) else v for n, v in options.items()})

    return forward


def by_graph(target: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Callable[[], tuple[Any, Callable]]:
    """The recorded graph: of a layer its definition's, of a function or model as it is called."""
    tensors = [mapped(x, lambda a: tensor(a, requires_grad=a.dtype.kind == "f")) for x in inputs]

    def forward() -> tuple[Any, Callable]:
        with expanded() if isinstance(target, Layer) else contextlib.nullcontext():
            y = joined(target(*tensors, **options))
        node = y.node  # which the graph keeps alive; the result only where a gradient needs it

        def backward(dy: Any) -> Any:
            return sweep([(node, dy)], retain_graph=True) if node is not None else {}

        return y.array, backward

    return forward
