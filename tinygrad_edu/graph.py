"""The recorded graph and the backward sweep.

Every recorded operation leaves one :class:`Node` behind. It knows its parents, the derivative rules that carry a
cotangent from its result to each parent, and the values those rules need. A node never refers to its own result, so
references run one way, from results to what they were made of, and a graph that nobody holds any more is freed at
once by reference counting.

One clock orders everything: recording a node and writing to an array in place both take the next tick. Hence

- sorting by tick *is* a topological order, since a node is always younger than its parents;
- a kept value is stale exactly when its memory was written after the tick of the node that keeps it.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from tinygrad_edu.grad_mode import set_grad_enabled

__all__ = ["Memory", "Node", "Value", "clock", "sweep", "unbroadcast"]

clock = itertools.count(1)

# In place of the kept values of a node that has been swept, and in the place of a kept result.
FREED: Any = ("freed",)
RESULT: Any = "result"


class Memory:
    """When the memory behind one or several Tensors was last written; shared by a Tensor and its views.

    Attributes
    ----------
    written : int
        Tick of the last in-place write, 0 if there was none.
    rewired : int
        Tick of the last in-place write that was recorded, which gives every Tensor on this memory a new history.
    """

    __slots__ = ("rewired", "written")

    def __init__(self) -> None:
        self.written = 0
        self.rewired = 0


class Value:
    """What the graph knows of a Tensor: an array, the node that made it, and the memory it lies in.

    Attributes
    ----------
    array : numpy.ndarray
    node : Node or None
        The node of the operation that made this value; None for a leaf.
    memory : Memory or None
        None until the value is first viewed or written in place.
    """

    __slots__ = ("array", "memory", "node")
    array: np.ndarray
    memory: Memory | None
    node: Node | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the elements."""
        return self.array.dtype


class Hooks:
    """Functions that see, and may replace, a cotangent; in the order in which they were added.

    Attributes
    ----------
    functions : dict
        By the id of the handle that takes each away.
    retain : callable or None
        Gets the cotangent once all functions have seen it: this is ``retain_grad``.
    """

    __slots__ = ("functions", "retain")

    def __init__(self) -> None:
        self.functions: dict[int, Callable[[Any], Any]] = {}
        self.retain: Callable[[Any], None] | None = None

    def add(self, function: Callable[[Any], Any]) -> Handle:
        """Add a function from a cotangent to its replacement, or to None."""
        handle = Handle(self.functions)
        self.functions[handle.id] = function
        return handle

    def __call__(self, cotangent: Any) -> Any:
        for function in list(self.functions.values()):
            replaced = function(cotangent)
            if replaced is not None:
                cotangent = replaced
        if self.retain is not None:
            self.retain(cotangent)
        return cotangent


class Handle:
    """What adding a hook returns: ``remove()`` takes the hook away again; also a context at whose end it is taken away."""

    ids = itertools.count()

    def __init__(self, functions: dict[int, Any]) -> None:
        self.functions = functions
        self.id = next(Handle.ids)

    def remove(self) -> None:
        """Take the hook away; once is enough."""
        self.functions.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: Any) -> None:
        self.remove()


class Node:
    """One recorded operation.

    Attributes
    ----------
    operation : object
        What was recorded; it has a `name`, and `broadcasts` where a cotangent may be larger than its operand.
    rules : tuple of callables, or one callable
        ``rule(cotangent, values)`` gives a parent's cotangent, one rule for each of `parents`. A single callable gives
        those of all parents at once, with None where there is none.
    parents : tuple of Node and leaf Value
        Those operands that need a gradient.
    kept : tuple
        What the rules need: Values (operands), plain options, and ``RESULT`` in the place of the result.
    shape, dtype
        Of the result, and so of its cotangent.
    result, memory : numpy.ndarray and Memory, or None
        The result's values and their memory, if a rule needs them.
    hooks : Hooks or None
        What is done to the result's cotangent before it is carried on.
    tick : int
        When it was recorded.
    """

    __slots__ = ("dtype", "hooks", "kept", "memory", "operation", "parents", "result", "rules", "shape", "tick")

    def __init__(
        self,
        operation: Any,
        rules: tuple[Callable, ...] | Callable,
        parents: tuple[Node | Value, ...],
        kept: tuple,
        result: np.ndarray,
        memory: Memory | None = None,
    ) -> None:
        self.operation = operation
        self.rules = rules
        self.parents = parents
        self.kept = kept
        self.shape = result.shape
        self.dtype = result.dtype
        self.result = None if memory is None else result
        self.memory = memory
        self.hooks: Hooks | None = None
        self.tick = next(clock)

    def name(self) -> str:
        """Name of the recorded operation, such as ``'mul'``."""
        return self.operation.name

    @property
    def next_functions(self) -> tuple[tuple[Node | Value, int], ...]:
        """The parents that need a gradient, in PyTorch's form: pairs of a node (or leaf) and 0."""
        return tuple((parent, 0) for parent in self.parents)

    def __repr__(self) -> str:
        return f"<{self.operation.name} {self.shape} {self.dtype}>"

    def values(self, revive: Callable[[Any, Node], Value] | None) -> list:
        """The kept values, once it is certain that none was freed or overwritten.

        Parameters
        ----------
        revive : callable or None
            None gives arrays. A function of (array, node) that makes a Tensor of the kept result gives Tensors.

        Raises
        ------
        RuntimeError
            If an earlier backward freed them, or if one was overwritten in place after it was kept.
        """
        if self.kept is FREED:
            raise RuntimeError(
                f"backward: the graph was swept before and its kept values are freed (first met at {self.name()!r}, "
                f"result of shape {self.shape}). Call the first backward with retain_graph=True to sweep it twice."
            )
        values: list[Any] = []
        for kept in self.kept:
            if isinstance(kept, Value):
                if kept.memory is not None and kept.memory.written > self.tick:
                    raise RuntimeError(self._overwritten("an operand", kept.array.shape, kept.array.dtype))
                values.append(kept.array if revive is None else kept)
            elif kept is RESULT:
                if self.memory.written > self.tick:  # type: ignore[union-attr]
                    raise RuntimeError(self._overwritten("its result", self.shape, self.dtype))
                values.append(self.result if revive is None else revive(self.result, self))
            elif type(kept) is list:
                values.append([self._operand(item, revive) for item in kept])
            else:
                values.append(kept)
        return values

    def _operand(self, kept: Any, revive: Callable[[Any, Node], Value] | None) -> Any:
        if not isinstance(kept, Value):
            return kept
        if kept.memory is not None and kept.memory.written > self.tick:
            raise RuntimeError(self._overwritten("an operand", kept.array.shape, kept.array.dtype))
        return kept.array if revive is None else kept

    def free(self) -> None:
        """Let go of the kept values; a further sweep says so."""
        self.kept = FREED
        self.result = None

    def _overwritten(self, what: str, shape: tuple[int, ...], dtype: np.dtype) -> str:
        return (
            f"backward of {self.name()!r} needs {what} of shape {shape} {dtype}, but it was overwritten by an "
            f"in-place operation after {self.name()!r} had kept it. Replace the in-place operation (x += y, x.mul_(y), "
            "x[i] = y) by one that makes a new tensor, or write to a clone()."
        )


def unbroadcast(cotangent: Any, shape: tuple[int, ...]) -> Any:
    r"""Sum a cotangent over the axes along which its operand was broadcast.

    Broadcasting repeats :math:`x_i` as :math:`y_{ji} = x_i`, and so :math:`\partial L/\partial x_i = \sum_j \partial
    L/\partial y_{ji}`.

    Parameters
    ----------
    cotangent : array or Tensor
        Of the broadcast shape.
    shape : tuple of int
        The operand's shape.

    Returns
    -------
    array or Tensor
        Of shape `shape`; the cotangent itself if nothing was broadcast.
    """
    if cotangent.shape == shape:
        return cotangent
    new = len(cotangent.shape) - len(shape)
    stretched = [new + i for i, size in enumerate(shape) if size == 1 and cotangent.shape[new + i] != 1]
    return cotangent.sum((*range(new), *stretched)).reshape(shape)


def sweep(
    roots: Iterable[tuple[Node | Value, Any]],
    retain_graph: bool,
    revive: Callable[[Any, Node], Value] | None = None,
    targets: Collection[Node | Value] | None = None,
) -> dict[Any, Any]:
    """Carry cotangents from `roots` back to the leaves: reverse-mode differentiation.

    The youngest node waiting is always complete: whatever reads a result is recorded after it, hence was taken
    before it. So each node is visited once, with the sum of the cotangents of all its readers.

    Parameters
    ----------
    roots : iterable of (Node or leaf Value, cotangent)
        A cotangent has the root's shape and dtype; it is an array, or a Tensor if `revive` is given.
    retain_graph : bool
        Whether kept values stay for another sweep.
    revive : callable, optional
        How to make a Tensor of a kept result. If given, the rules run on Tensors, and thereby record a graph of their
        own: this is ``create_graph=True``.
    targets : collection of Node and leaf Value, optional
        Find the cotangents of these alone, and visit only what leads to them; of all leaves if omitted.

    Returns
    -------
    dict
        The total cotangent of each leaf, or target, that was reached. No leaf is touched, so that an error half way
        changes nothing.
    """
    totals: dict[Any, Any] = {}
    found: dict[Any, Any] = {}
    owned: set[Node | Value] = set()  # whose total is a buffer made here, into which we may add in place
    waiting: list[tuple[int, Node]] = []

    roots = list(roots)
    for root, cotangent in roots:
        if root in totals:
            totals[root] = totals[root] + cotangent
        else:
            totals[root] = cotangent
            if isinstance(root, Node):
                heapq.heappush(waiting, (-root.tick, root))
    leading = None if targets is None else _leading_to(targets, [root for root, _ in roots])
    with set_grad_enabled(revive is not None):
        while waiting:
            node = heapq.heappop(waiting)[1]
            total = totals.pop(node)
            if node.hooks is not None:
                total = node.hooks(total)
            if leading is not None:
                if node in targets:  # type: ignore[operator]
                    found[node] = total
                if node not in leading:
                    continue
            values = node.values(revive)
            rules = node.rules
            if isinstance(rules, tuple):
                contributions = [rule(total, values) for rule in rules]
            else:
                contributions = rules(total, values)
            if not retain_graph and node.operation.keeps:
                node.free()
            for parent, contribution in zip(node.parents, contributions, strict=True):
                if leading is not None and parent not in leading and parent not in targets:  # type: ignore[operator]
                    continue
                if contribution is None:
                    continue
                # A leaf's shape and dtype are its array's, which is quicker to ask.
                expected = parent if isinstance(parent, Node) else parent.array
                if contribution.shape != expected.shape:
                    contribution = _fitted(node, contribution, expected.shape)
                if contribution.dtype is not expected.dtype and contribution.dtype != expected.dtype:
                    contribution = _converted(contribution, expected.dtype)
                if parent not in totals:
                    totals[parent] = contribution
                    if isinstance(parent, Node):
                        heapq.heappush(waiting, (-parent.tick, parent))
                elif parent in owned:
                    totals[parent] += contribution
                else:
                    totals[parent] = totals[parent] + contribution
                    if revive is None:
                        owned.add(parent)
        for leaf in totals:
            hooks = getattr(leaf, "hooks", None)
            if hooks is not None:
                totals[leaf] = hooks(totals[leaf])
    return totals | found


def _converted(cotangent: Any, dtype: np.dtype) -> Any:
    # A complex cotangent g stands for dL = Re(conj(g) dx), of which a real operand, with real dx, sees Re g alone.
    if cotangent.dtype.kind == "c" and dtype.kind != "c":
        cotangent = cotangent.real
    return cotangent.astype(dtype)


def _leading_to(targets: Collection[Node | Value], roots: Iterable[Node | Value]) -> set[Node]:
    """The nodes on a way from a root to a target, without the targets at which all ways end."""
    seen: set[Node] = set()
    stack = [root for root in roots if isinstance(root, Node)]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += [parent for parent in node.parents if isinstance(parent, Node)]
    leading: set[Node] = set()
    # Parents are older, so each is decided before its readers.
    for node in sorted(seen, key=lambda node: node.tick):
        if any(parent in targets or parent in leading for parent in node.parents):
            leading.add(node)
    return leading


def _fitted(node: Node, cotangent: Any, shape: tuple[int, ...]) -> Any:
    # Only an operation that broadcasts may give more than was asked; anywhere else a wrong shape is a wrong rule, and
    # summing it away would hide that.
    if not node.operation.broadcasts:
        raise RuntimeError(
            f"backward of {node.name()!r} gave a cotangent of shape {cotangent.shape} for an operand of shape {shape}"
        )
    return unbroadcast(cotangent, shape)
