"""One layer, computed by hand on arrays, as one fused node, and as its definition's own operations; and in PyTorch."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.announce import announced
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor

# Both compute the same formula in float64 on numbers about 1; what differs is the order of sums and the last bits of
# libm. Sums that cancel leave rounding of about 1e-15 times their terms, hence the absolute part.
CLOSE = {"rtol": 1e-11, "atol": 1e-12}

NAMES = sorted(name for name, entry in announced.items() if entry.kind in ("layer", "loss"))
LOSSES = sorted(name for name in NAMES if announced[name].kind == "loss")


@dataclass
class Outcome:
    """What one way gives: the result, the gradient of each float input, those of parameters by name, and buffers."""

    value: np.ndarray
    inputs: list[np.ndarray | None]
    parameters: dict[str, np.ndarray | None]
    buffers: dict[str, np.ndarray]

    def named(self) -> dict[str, np.ndarray | None]:
        inputs = {f"input {i}": dx for i, dx in enumerate(self.inputs)}
        return {"value": self.value, **inputs, **self.parameters, **self.buffers}


def cases(name: str) -> st.SearchStrategy:
    """A layer or loss as its example makes it for arguments drawn from the announced ranges, and inputs for it."""
    entry = announced[name]
    example = entry.examples[0]
    arguments = st.fixed_dictionaries({k: st.sampled_from(v) for k, v in entry.ranges(example).items()})

    def made(drawn: tuple[dict, int], dtype: Any = np.float64) -> tuple[Module, tuple]:
        chosen, seed = drawn
        tg.manual_seed(seed)
        case = entry.case(example, **chosen)
        generator = np.random.default_rng(seed)
        for parameter in case.function.parameters():  # a bias of 0 and a scale of 1 would hide their gradients' terms
            parameter.array[...] = generator.uniform(0.5, 1.5, parameter.shape)
        return case.function, case.drawn(generator)

    return st.tuples(arguments, st.integers(0, 2**31)).map(made)


def default_case(name: str) -> tuple[Module, tuple]:
    """A layer and inputs of it, of sizes that are all different where they can be."""
    sizes: dict[str, Any] = {"n": 4, "m": 3, "i": 3, "o": 2, "c": 2, "h": 3, "size": 5}
    entry = announced[name]
    chosen = {k: sizes[k] for k in entry.ranges(entry.examples[0]) if k in sizes}
    case = entry.case(**chosen)
    return case.function, case.drawn(np.random.default_rng(0))


def cotangent(y: Any, dtype: Any = np.float64) -> np.ndarray:
    """Weights for the elements of a result: different, of both signs, and none near 0."""
    n = int(np.prod(y.shape))
    return (np.linspace(0.5, 1.5, n) * (-1) ** np.arange(n)).reshape(tuple(y.shape)).astype(dtype)


def arrays(module: Module) -> dict[str, np.ndarray]:
    return {name: buffer.array.copy() for name, buffer in module.named_buffers()}


def gradients(module: Module) -> dict[str, np.ndarray | None]:
    return {name: None if p.grad is None else p.grad.array for name, p in module.named_parameters()}


def by_hand(layer: Module, inputs: tuple, dy: np.ndarray | None = None) -> Outcome:
    """``layer(array)`` and ``layer.backward(dy)``, on a copy."""
    layer = copy.deepcopy(layer)
    tg.manual_seed(0)
    y, back = layer.pair(*inputs)
    dxs = back(cotangent(y, y.dtype) if dy is None else dy)
    dxs = list(dxs) if isinstance(dxs, tuple) else [dxs]
    return Outcome(np.asarray(y), dxs, gradients(layer), arrays(layer))


def fused(layer: Module, inputs: tuple, dy: np.ndarray | None = None) -> Outcome:
    """``layer(Tensor)``: the pair as one node of the graph, on a copy."""
    layer = copy.deepcopy(layer)
    tg.manual_seed(0)
    leaves = [leaf(x) for x in inputs]
    y = layer(*leaves)
    y.backward(cotangent(y, y.dtype) if dy is None else dy)
    dxs = [None if x.grad is None else x.grad.array for x in leaves]
    return Outcome(y.array, dxs, gradients(layer), arrays(layer))


def definition(layer: Module, inputs: tuple, dy: np.ndarray | None = None) -> Outcome:
    """``layer(Tensor)`` within ``expanded()``."""
    with nn.expanded():
        return fused(layer, inputs, dy)


WAYS: dict[str, Callable[..., Outcome]] = {"by hand": by_hand, "fused": fused, "definition": definition}


def leaf(x: np.ndarray) -> Tensor:
    return tg.tensor(x, requires_grad=x.dtype.kind == "f")


def in_torch(torch: Any, layer: Module, inputs: tuple) -> Outcome:
    """The twin in PyTorch."""
    twin = layer.to_torch()
    leaves = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    y = twin(*leaves)
    y.backward(torch.tensor(cotangent(y)))
    return Outcome(
        y.detach().numpy(),
        [None if x.grad is None else x.grad.numpy() for x in leaves],
        {name: None if p.grad is None else p.grad.numpy() for name, p in twin.named_parameters()},
        {name: b.numpy() for name, b in twin.named_buffers()},
    )


def assert_agree(a: Outcome, b: Outcome, **tolerance: float) -> None:
    a_named, b_named = a.named(), b.named()
    assert a_named.keys() == b_named.keys()
    for what, x in a_named.items():
        y = b_named[what]
        assert (x is None) == (y is None), f"{what}: {x} and {y}"
        if x is not None:
            assert np.shape(x) == np.shape(y), f"{what}: shapes {np.shape(x)} and {np.shape(y)}"
            np.testing.assert_allclose(x, y, **(tolerance or CLOSE), err_msg=what)


def derivatives(call: Callable, leaves: list, grad: Callable, weights: Callable, orders: int) -> list[list]:
    """Gradients of a curved function of the result, gradients of a weighted sum of those, and so on."""
    y = call()
    total = (y * y * weights(y)).sum()
    found = []
    for order in range(orders):
        level = grad(total, leaves, order + 1 < orders)
        found.append(level)
        terms = [(g * weights(g)).sum() for g in level if g is not None and g.requires_grad]
        if not terms:
            break
        total = sum(terms[1:], terms[0])
    return found


def own_derivatives(layer: Module, inputs: tuple, orders: int, whole: bool = False) -> list[list]:
    """The derivatives of a layer here, on a copy."""
    layer = copy.deepcopy(layer)
    tg.manual_seed(0)
    leaves = [leaf(x) for x in inputs]
    leaves = [x for x in (*leaves, *layer.parameters()) if x.requires_grad]
    operands = iter(leaves)
    arguments = [next(operands) if x.dtype.kind == "f" else tg.tensor(x) for x in inputs]

    def grad(total: Tensor, wanted: list[Tensor], create_graph: bool) -> list:
        for x in wanted:
            x.grad = None
        total.backward(create_graph=create_graph)
        return [x.grad for x in wanted]

    with nn.expanded() if whole else contextlib.nullcontext():
        return derivatives(
            lambda: layer(*arguments), leaves, grad, lambda y: tg.tensor(cotangent(y)).astype(y.dtype), orders
        )


def torch_derivatives(torch: Any, layer: Module, inputs: tuple, orders: int, twin: Any = None) -> list[list]:
    """The derivatives of the twin in PyTorch."""
    twin = layer.to_torch() if twin is None else twin
    arguments = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    leaves = [x for x in arguments if x.requires_grad] + list(twin.parameters())

    def grad(total: Any, wanted: list, create_graph: bool) -> list:
        return list(torch.autograd.grad(total, wanted, create_graph=create_graph, allow_unused=True))

    return derivatives(lambda: twin(*arguments), leaves, grad, lambda y: torch.tensor(cotangent(y)), orders)


def assert_same_derivatives(mine: list[list], theirs: list[list], rtol: float) -> None:
    """The same at every order; what was not reached is 0 on the other side."""
    for order in range(max(len(mine), len(theirs))):
        ours = mine[order] if order < len(mine) else [None] * len(mine[0])
        others = theirs[order] if order < len(theirs) else [None] * len(theirs[0])
        found = [g.detach().numpy() for g in (*ours, *others) if g is not None]
        # The terms that cancel in a derivative are about as large as the largest one of its order.
        scale = max((float(np.abs(g).max(initial=0)) for g in found), default=0.0)
        for i, (a, b) in enumerate(zip(ours, others, strict=True)):
            x, y = (0.0 if g is None else g.detach().numpy() for g in (a, b))
            np.testing.assert_allclose(x, y, rtol, rtol * scale, err_msg=f"derivative {order + 1} of leaf {i}")
