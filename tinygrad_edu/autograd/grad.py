"""Gradients of chosen outputs with respect to chosen inputs, with no ``grad`` attribute touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.graph import sweep
from tinygrad_edu.tensor import Tensor, _revived, _wrap

__all__ = ["backward", "grad"]


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    *,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    r"""The gradients :math:`\sum_k g_k^\top \partial y_k / \partial x_i` of outputs :math:`y_k` for inputs :math:`x_i`.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        The :math:`y_k`.
    inputs : Tensor or sequence of Tensor
        The :math:`x_i`: leaves, or results on the way to the outputs.
    grad_outputs : Tensor or sequence of Tensor or None, optional
        The :math:`g_k`, of the outputs' shapes; 1 where omitted, which only a single element allows.
    retain_graph : bool, optional
        Whether the graph can be swept again; `create_graph` if omitted.
    create_graph : bool, default False
        Whether the gradients are themselves recorded.
    allow_unused : bool, optional
        Whether an input that no output depends on gets None instead of an error; `materialize_grads` if omitted.
    materialize_grads : bool, default False
        Zeros instead of None for such an input.

    Returns
    -------
    tuple of Tensor
        One for each input, of its shape and dtype.

    Raises
    ------
    RuntimeError
        If an output or input has no history, an input is not reached, or a value that is needed was freed or
        overwritten.
    ValueError
        If there are no inputs, or `materialize_grads` and ``allow_unused=False`` contradict each other.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> (first,) = tg.autograd.grad(x**3, x, create_graph=True)
    >>> (second,) = tg.autograd.grad(first, x)
    >>> first.item(), second.item()
    (12.0, 12.0)
    """
    outputs, inputs = _listed("outputs", outputs), _listed("inputs", inputs)
    if allow_unused is False and materialize_grads:
        raise ValueError("grad: materialize_grads=True gives zeros for unused inputs, so allow_unused cannot be False")
    for i, x in enumerate(inputs):
        if not x.requires_grad:
            raise RuntimeError(f"grad: input {i} of shape {x.shape} does not require grad, so nothing depends on it")
    roots = _roots("grad", outputs, grad_outputs, create_graph)
    targets = [x.node or x for x in inputs]
    retain = create_graph if retain_graph is None else retain_graph
    totals = sweep(roots, retain, _revived if create_graph else None, frozenset(targets))
    unused = [i for i, target in enumerate(targets) if target not in totals]
    if unused and not (allow_unused or materialize_grads):
        shapes = ", ".join(f"{i} of shape {inputs[i].shape}" for i in unused)
        raise RuntimeError(
            f"grad: no output depends on input {shapes}. Pass allow_unused=True for None in its place, or "
            "materialize_grads=True for zeros; or was another tensor meant?"
        )
    given = {id(root.array if isinstance(root, Tensor) else root) for _, root in roots}
    found: list[Tensor | None] = []
    for x, target in zip(inputs, targets, strict=True):
        total = totals.get(target)
        if total is None:
            found.append(_wrap(np.zeros_like(x.array)) if materialize_grads else None)
        elif isinstance(total, Tensor):
            found.append(total)
        else:
            total = np.asarray(total)
            # As for a leaf's grad: memory of its own, neither the caller's nor another gradient's.
            if total.base is not None or id(total) in given or not total.flags.writeable:
                total = total.copy()
            given.add(id(total))
            found.append(_wrap(total))
    return tuple(found)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add to the leaves' ``grad`` the gradients of several tensors at once; see :meth:`Tensor.backward`.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
    grad_tensors : Tensor or sequence of Tensor or None, optional
        Their cotangents; 1 where omitted, which only a single element allows.
    retain_graph : bool, optional
        Whether the graph can be swept again; `create_graph` if omitted.
    create_graph : bool, default False
        Whether the gradients are themselves recorded.
    inputs : Tensor or sequence of Tensor, optional
        The leaves to add to; all if omitted.

    Raises
    ------
    RuntimeError
        As :meth:`Tensor.backward` does.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> tg.autograd.backward([x * x, 3 * x])
    >>> x.grad
    tensor(7.)
    """
    roots = _roots("backward", _listed("tensors", tensors), grad_tensors, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    targets = frozenset() if inputs is None else frozenset(_listed("inputs", inputs))
    if any(not x.is_leaf for x in targets):
        raise RuntimeError("backward: inputs are leaves, whose grad is added to; for results use grad(...)")
    totals = sweep(roots, retain, _revived if create_graph else None, targets)
    taken = {id(root.array if isinstance(root, Tensor) else root) for _, root in roots}
    for leaf, total in totals.items():
        leaf._accumulate(total, taken)


def _listed(name: str, tensors: Any) -> list[Tensor]:
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not listed:
        raise ValueError(f"{name}: expected at least one Tensor, got none")
    for tensor in listed:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: expected Tensors, got {type(tensor).__name__}")
    return listed


def _roots(name: str, outputs: list[Tensor], cotangents: Any, create_graph: bool) -> list[tuple[Any, Any]]:
    given = [cotangents] if cotangents is None or isinstance(cotangents, Tensor) else list(cotangents)
    if cotangents is None:
        given = [None] * len(outputs)
    if len(given) != len(outputs):
        raise RuntimeError(f"{name}: got {len(given)} cotangents for {len(outputs)} outputs")
    roots = []
    for y, g in zip(outputs, given, strict=True):
        if not y.requires_grad:
            raise RuntimeError(f"{name}: an output of shape {y.shape} does not require grad and has no grad_fn")
        seed = y._cotangent(g)
        roots.append((y.node or y, seed if create_graph else seed.array))
    return roots
