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

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

import numpy as np

from tinygrad_edu.grad_mode import set_grad_enabled

__all__ = ["Memory", "Node", "Result", "Step", "Value", "clock", "record", "sweep", "unbroadcast"]

clock: Iterator[int] = itertools.count(1)

# Functions that are set only while somebody wants them, so that otherwise they cost nothing. The first replaces what a
# new node keeps (saved-tensor hooks); the second sees each step of a sweep: the node, its cotangent, its parents' (or
# the error in their place), and raises where something is wrong (anomaly detection).
pack: Callable[[tuple], tuple] | None = None
observe: Callable[[Any, Any, Any], None] | None = None

# In place of the kept values of a node that has been swept.
FREED: Any = ("freed",)


class Memory:
    """When the memory behind one or several Tensors was last written; shared by a Tensor and its views.

    Attributes
    ----------
    written : int
        Tick of the last in-place write, 0 if there was none.
    rewired : int
        Tick of the last in-place write that was recorded, which gives every Tensor on this memory a new history.
    latest : int
        Tick of the last write to any memory at all: what was kept later needs no closer look.
    """

    __slots__ = ("rewired", "written")
    latest = 0
    # Else a slower thread could set `latest` back. A finaliser may write as well, in a thread that is writing.
    _writing = threading.RLock()

    def __init__(self) -> None:
        self.written = 0
        self.rewired = 0

    def write(self) -> None:
        """Note that the values were overwritten just now."""
        with Memory._writing:
            self.written = Memory.latest = next(clock)


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

    def revived(self, node: Node, revive: Callable[[Any, Node], Value]) -> Value:
        """The Tensor that stands for this value in a recorded sweep: itself, unless a subclass says otherwise.

        Parameters
        ----------
        node : Node
            Which kept this value.
        revive : callable
            ``revive(array, node)`` makes a Tensor with a history.

        Returns
        -------
        Value
        """
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the elements."""
        return self.array.dtype


class Result(Value):
    """A result as its own node keeps it: the Tensor itself refers to the node, and would close a cycle."""

    __slots__ = ()

    def __init__(self, array: np.ndarray, memory: Memory | None = None) -> None:
        self.array = array
        self.node = None
        self.memory = memory

    def revived(self, node: Node, revive: Callable[[Any, Node], Value]) -> Value:
        """A Tensor with the node that kept it as its history."""
        return revive(self.array, node)


class Step:
    """What a node asks of its operation, for a node that stands for no operation of the library.

    Attributes
    ----------
    name : str
    keeps : bool
        Whether the node keeps anything that a sweep frees.
    broadcasts : bool
        False: a cotangent has its operand's shape.
    """

    __slots__ = ("keeps", "name")
    broadcasts = False

    def __init__(self, name: str, keeps: bool = False) -> None:
        self.name = name
        self.keeps = keeps


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
        What was recorded; it has a `name`; `broadcasts`, where a cotangent may be larger than its operand; and `keeps`,
        where an operand or the result is kept, so that a second sweep is refused.
    pull : callable
        ``pull(cotangent, values)`` gives the cotangents of all `parents` in their order, None where there is none.
    parents : tuple of Node and leaf Value
        Those operands that need a gradient.
    kept : tuple
        What `pull` needs: Values (operands, and the result as a :class:`Result`), lists of them, and plain options.
    shape, dtype
        Of the result, and so of its cotangent.
    hooks : Hooks or None
        What is done to the result's cotangent before it is carried on.
    tick : int
        When it was recorded.
    """

    __slots__ = ("dtype", "hooks", "kept", "operation", "parents", "pull", "shape", "tick")
    dtype: Any
    hooks: Hooks | None
    kept: tuple
    operation: Any
    parents: tuple[Any, ...]
    pull: Callable[[Any, Any], Iterable[Any]]
    shape: tuple[int, ...]
    tick: int

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
        if revive is None and self.tick > Memory.latest:
            for kept in self.kept:
                if isinstance(kept, Value):
                    values.append(kept.array)
                else:
                    values.append([self._value(item, None) for item in kept] if type(kept) is list else kept)
        else:
            for kept in self.kept:
                several = type(kept) is list
                values.append([self._value(k, revive) for k in kept] if several else self._value(kept, revive))
        return values

    def _value(self, kept: Any, revive: Callable[[Any, Node], Value] | None) -> Any:
        if not isinstance(kept, Value):
            return kept
        if kept.memory is not None and kept.memory.written > self.tick:
            what = "its result" if isinstance(kept, Result) else "an operand"
            raise RuntimeError(
                f"backward of {self.name()!r} needs {what} of shape {kept.shape} {kept.dtype}, but it was overwritten by "
                f"an in-place operation after {self.name()!r} had kept it. Replace the in-place operation (x += y, "
                "x.mul_(y), x[i] = y) by one that makes a new tensor, or write to a clone()."
            )
        return kept.array if revive is None else kept.revived(self, revive)


def record(
    operation: Any,
    pull: Callable[[Any, Any], Iterable[Any]],
    parents: tuple[Node | Value, ...],
    kept: tuple,
    result: np.ndarray,
    kind: Any = Node,
) -> Any:
    """Make a node; see :class:`Node` for what it consists of. Calling the class would take 90 ns longer.

    Parameters
    ----------
    operation, pull, parents, kept
        Attributes of the node.
    result : numpy.ndarray
        Whose shape and dtype the node's are.
    kind : type, optional
        A subclass of Node.

    Returns
    -------
    Node
    """
    node = _new(kind)
    node.operation = operation
    node.pull = pull
    node.parents = parents
    node.kept = kept if pack is None else pack(kept)
    node.shape = result.shape
    node.dtype = result.dtype
    node.hooks = None
    node.tick = next(clock)
    return node


_new = object.__new__


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
    targets: Collection[Node | Value] = (),
    within: bool = False,
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
    within : bool, default False
        Whether this is a step of another sweep, to which the targets' hooks and all that lies beyond them are left.

    Returns
    -------
    dict
        The total cotangent of each leaf, or target, that was reached. No leaf is touched, so that an error half way
        changes nothing.
    """
    totals: dict[Any, Any] = {}
    found: dict[Any, Any] = {}
    owned: set[Node | Value] = set()  # whose total is a buffer made here, into which we may add in place
    waiting: list[tuple[int, Any]] = []

    roots = list(roots)
    for root, cotangent in roots:
        if root in totals:
            totals[root] = totals[root] + cotangent
        else:
            totals[root] = cotangent
            if isinstance(root, Node):
                heappush(waiting, (-root.tick, root))
    leading = _leading_to(targets, [root for root, _ in roots], within) if targets else None
    with set_grad_enabled(revive is not None):
        while waiting:
            node = heappop(waiting)[1]
            total = totals.pop(node)
            if node.hooks is not None and not (within and node in targets):
                total = node.hooks(total)
            if leading is not None:
                if node in targets:
                    found[node] = total
                if node not in leading:
                    continue
            watching = observe  # another thread may switch it off meanwhile
            if watching is None:
                contributions = node.pull(total, node.values(revive) if node.kept else ())
            else:
                contributions = _observed(node, total, revive, watching)
            if not retain_graph and node.operation.keeps:
                node.kept = FREED
            place = -1
            for contribution in contributions:
                place += 1  # by hand, since a zip takes 0.1 µs longer, 4 % of an addition
                if contribution is None:
                    continue
                parent = node.parents[place]
                if leading is not None and parent not in leading and parent not in targets:
                    continue
                inner = isinstance(parent, Node)
                # A leaf's shape and dtype are its array's, which is quicker to ask.
                expected = parent if inner else parent.array
                if contribution.shape != expected.shape:
                    contribution = _fitted(node, contribution, expected.shape)
                if contribution.dtype is not expected.dtype and contribution.dtype != expected.dtype:
                    contribution = _converted(contribution, expected.dtype)
                before = totals.get(parent)
                if before is None:
                    totals[parent] = contribution
                    if inner:
                        heappush(waiting, (-parent.tick, parent))
                elif parent in owned:
                    before += contribution
                    totals[parent] = before
                else:
                    totals[parent] = before + contribution
                    if revive is None:
                        owned.add(parent)
        for leaf in () if within else totals:
            hooks = getattr(leaf, "hooks", None)
            if hooks is not None:
                totals[leaf] = hooks(totals[leaf])
    return totals | found


def _converted(cotangent: Any, dtype: np.dtype) -> Any:
    # A complex cotangent g stands for dL = Re(conj(g) dx), of which a real operand, with real dx, sees Re g alone.
    if cotangent.dtype.kind == "c" and dtype.kind != "c":
        cotangent = cotangent.real
    return cotangent.astype(dtype)


def _observed(node: Node, cotangent: Any, revive: Callable[[Any, Node], Value] | None, watching: Callable) -> Any:
    """What a node hands to its parents, once anomaly detection has seen it, or the error in its place."""
    try:
        contributions = tuple(node.pull(cotangent, node.values(revive)))
    except Exception as error:
        watching(node, cotangent, error)
        raise
    watching(node, cotangent, contributions)
    return contributions


def _leading_to(targets: Collection[Node | Value], roots: Iterable[Node | Value], within: bool) -> set[Node]:
    """The nodes on a way from a root to a target, without the targets at which all ways end."""
    seen: set[Node] = set()
    stack = [root for root in roots if isinstance(root, Node)]
    while stack:
        node = stack.pop()
        if node not in seen and not (within and node in targets):
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
