"""Activation checkpointing: compute a part of a model again in the backward instead of keeping what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.autograd.joint import JointNode, Parts, alias
from tinygrad_edu.func.tree import flattened
from tinygrad_edu.grad_mode import mode, set_grad_enabled
from tinygrad_edu.graph import Node, Step, Value, clock, sweep
from tinygrad_edu.random import get_rng_state, set_rng_state
from tinygrad_edu.tensor import Tensor, _revived

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """The function computed something else when it was called again."""


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    determinism_check: str = "default",
    **kwargs: Any,
) -> Any:
    r"""Call a function without keeping its graph; the backward calls it again.

    Memory for time: of the function's activations only its arguments are kept, for one more forward. A net of
    :math:`n` layers, checkpointed in :math:`\sqrt n` segments, keeps the activations of about :math:`2 \sqrt n` layers
    instead of :math:`n`.

    Parameters
    ----------
    function : callable
        It may use Tensors beside its arguments, such as parameters. It must compute the same when called again, and
        must not write to its arguments.
    *args
        Its arguments.
    use_reentrant : bool, optional
        Accepted for PyTorch programs; both variants are this one, which does what PyTorch recommends and calls
        ``use_reentrant=False``.
    preserve_rng_state : bool, default True
        Whether the second call draws the same random numbers as the first, for example in dropout.
    determinism_check : {"default", "none"}
        Whether the results of both calls are compared by shape and dtype.
    **kwargs
        Its keyword arguments.

    Returns
    -------
    Tensor or tuple
        What the function returns.

    Raises
    ------
    RuntimeError
        If the function wrote to an argument in place.
    CheckpointError
        In the backward, if the results of the second call have other shapes or dtypes.

    Notes
    -----
    What the function does beside computing its result it does twice: batch norm moves its running statistics at each
    call, as it does in PyTorch.

    References
    ----------
    T. Chen, B. Xu, C. Zhang, C. Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = tg.utils.checkpoint.checkpoint(lambda x: (x * x).exp().sum(), x)
    >>> y
    tensor(57.3164, grad_fn=<checkpoint>)
    >>> y.backward()
    >>> x.grad
    tensor([  5.4366, 218.3926])
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(f"checkpoint: determinism_check is 'default' or 'none', got {determinism_check!r}")
    if not mode.enabled:
        return function(*args, **kwargs)
    call = _Call(function, args, kwargs, preserve_rng_state, determinism_check == "default")
    start = next(clock)
    returned = function(*args, **kwargs)
    tensors = [x for x in flattened((args, kwargs))[0] if isinstance(x, Tensor)]
    for x in tensors:
        if x.memory is not None and x.memory.written > start:
            raise RuntimeError(
                f"checkpoint: the function wrote in place to an argument of shape {x.shape}, and would do so again in "
                "the backward. Let it work on a clone()."
            )
    listed = list(returned) if isinstance(returned, tuple | list) else [returned]
    call.places = [i for i, y in enumerate(listed) if isinstance(y, Tensor) and y.requires_grad and _within(y, start)]
    if not call.places:
        return returned
    call.outside = _outside([listed[i].node for i in call.places], start)
    results = [alias(listed[i], tensors, "a checkpointed function") for i in call.places]
    call.forms = [(y.shape, y.dtype) for y in results]
    JointNode.record(_CHECKPOINT, _pull, tuple(call.outside), results, tensors, call)
    for i, y in zip(call.places, results, strict=True):
        listed[i] = y
    return type(returned)(listed) if isinstance(returned, tuple | list) else listed[0]


_CHECKPOINT = Step("checkpoint", keeps=True)


class _Call:
    """What the second call needs."""

    places: list[int]  # of the results with a history, among all results
    outside: list[Node | Value]  # what they depend on, and was there before
    forms: list[tuple[tuple[int, ...], np.dtype]]

    def __init__(self, function: Any, args: Any, kwargs: Any, preserve_rng_state: bool, compare: bool) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.random = get_rng_state() if preserve_rng_state else None
        self.compare = compare

    def again(self) -> list[Tensor]:
        """The results with a history, by calling the function once more."""
        now = None if self.random is None else get_rng_state()
        try:
            if self.random is not None:
                set_rng_state(self.random)
            with set_grad_enabled(True):
                returned = self.function(*self.args, **self.kwargs)
        finally:
            if now is not None:
                set_rng_state(now)
        listed = list(returned) if isinstance(returned, tuple | list) else [returned]
        forms = [(listed[i].shape, listed[i].dtype) for i in self.places if i < len(listed)]
        if self.compare and forms != self.forms:
            raise CheckpointError(
                f"checkpoint: called again in the backward, the function gave results of {_described(forms)}, and "
                f"{_described(self.forms)} before. It must compute the same each time it is called."
            )
        return [listed[i] for i in self.places]


def _pull(total: Any, values: list[Any]) -> list[Any]:
    call: _Call = values[0].context
    given = total.items if isinstance(total, Parts) else [total]
    roots: list[Any] = [(y.node, g) for y, g in zip(call.again(), given, strict=True) if g is not None]
    totals = sweep(
        roots,
        retain_graph=mode.enabled,
        revive=_revived if mode.enabled else None,
        targets=frozenset(call.outside),
        within=True,
    )
    return [totals.get(x) for x in call.outside]


def _within(y: Tensor, start: int) -> bool:
    return y.node is not None and y.node.tick > start


def _outside(nodes: Iterable[Any], start: int) -> list[Node | Value]:
    """The leaves, and the nodes recorded before, that these nodes lead to."""
    seen: set[Any] = set()
    outside: list[Node | Value] = []
    waiting = list(nodes)
    while waiting:
        x = waiting.pop()
        if x in seen:
            continue
        seen.add(x)
        if isinstance(x, Node) and x.tick > start:
            waiting += reversed(x.parents)
        else:
            outside.append(x)
    return outside


def _described(forms: Sequence[tuple[tuple[int, ...], np.dtype]]) -> str:
    return ", ".join(f"shape {shape} {dtype}" for shape, dtype in forms) or "no history"


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Run functions one after the other, in segments of which each is checkpointed but the last.

    Parameters
    ----------
    functions : Sequential or sequence of callables
        Each takes the result of the one before.
    segments : int
        How many.
    input : Tensor
        The argument of the first.
    use_reentrant, preserve_rng_state
        As in :func:`checkpoint`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are not between 1 and ``len(functions)`` segments.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> net = tg.nn.Sequential(*[tg.nn.Linear(4, 4) for _ in range(6)])
    >>> y = tg.utils.checkpoint.checkpoint_sequential(net, 3, tg.ones(2, 4))
    >>> tuple(y.shape)
    (2, 4)
    """
    functions = list(functions)
    if not 1 <= segments <= len(functions):
        raise ValueError(
            f"checkpoint_sequential: expected 1 to {len(functions)} segments for {len(functions)} functions, "
            f"got {segments}"
        )
    size = len(functions) // segments

    def run(part: list[Callable[..., Any]]) -> Callable[..., Any]:
        def segment(x: Any) -> Any:
            for function in part:
                x = function(x)
            return x

        return segment

    for start in range(0, size * (segments - 1), size):
        input = checkpoint(run(functions[start : start + size]), input, preserve_rng_state=preserve_rng_state)
    return run(functions[size * (segments - 1) :])(input)
