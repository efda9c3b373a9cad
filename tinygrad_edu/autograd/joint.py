"""Nodes with several results, or whose values a user's function sees: what ``Function`` and checkpoints record."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.graph import Node, Result, Step, Value, record
from tinygrad_edu.tensor import Tensor, _wrap

__all__ = ["JointNode", "Parts", "SavedResult", "alias", "kept_value"]


class Parts:
    """The cotangents of a node with several results: one for each, None where there is none."""

    __slots__ = ("items",)
    # What the sweep compares with the node's; each item's was checked at its own part node.
    shape: ClassVar[tuple[int, ...]] = ()
    dtype: ClassVar[None] = None

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __add__(self, other: Parts) -> Parts:
        pairs = zip(self.items, other.items, strict=True)
        return Parts([b if a is None else a if b is None else a + b for a, b in pairs])


_PART = Step("part")


class _PartNode(Node):
    """The node of one of several results; its parent is the node of them all."""

    __slots__ = ("__weakref__",)


class JointNode(Node):
    """A node with one or several results; it keeps values as Tensors, among which its results may be.

    Attributes
    ----------
    context : object
        What `pull` gets beside the saved values.
    parts : list of weak references to Node
        For several results the node of each, for as long as somebody holds it.
    """

    __slots__ = ("__weakref__", "context", "count", "parts")
    context: Any
    count: int
    parts: list[Any]

    @classmethod
    def record(
        cls,
        operation: Any,
        pull: Callable,
        parents: tuple[Node | Value, ...],
        outputs: Sequence[Tensor],
        saved: Sequence[Any],
        context: Any,
    ) -> JointNode:
        """Make a node, and make it the history of the outputs."""
        node = record(operation, pull, parents, (context, *saved), outputs[0].array, cls)
        node.context = context
        node.count = len(outputs)
        node.parts = []
        if len(outputs) > 1:
            node.shape, node.dtype = Parts.shape, Parts.dtype
        for i, output in enumerate(outputs):
            output.tracked = True
            output.node = node.part(i, output.array) if len(outputs) > 1 else node
            node.parts.append(None if len(outputs) == 1 else weakref.ref(output.node))
        return node

    def part(self, i: int, array: np.ndarray) -> Node:
        """A node for one of several results."""
        count = self.count

        def pull(g: Any, values: Any) -> tuple[Parts]:
            items: list[Any] = [None] * count
            items[i] = g
            return (Parts(items),)

        return record(_PART, pull, (self,), (), array, _PartNode)

    def values(self, revive: Callable[[Any, Node], Value] | None) -> list:
        """The node itself and its saved Tensors, with their history if `revive` is given."""
        saved = super().values(revive)[1:]
        return [self, [_wrap(value) if isinstance(value, np.ndarray) else value for value in saved]]


class SavedResult(Result):
    """A saved result, and which of several it is."""

    __slots__ = ("place",)

    def __init__(self, output: Tensor, place: int) -> None:
        super().__init__(output.array, output.shared_memory())
        self.place = place

    def revived(self, node: Any, revive: Callable[[Any, Node], Value]) -> Value:
        """A Tensor with its own part of the node as its history."""
        if node.count > 1:
            node = node.parts[self.place]() or node.part(self.place, self.array)
        return revive(self.array, node)


def kept_value(value: Value | None, outputs: Sequence[Tensor]) -> Any:
    """A value to be saved: as a :class:`SavedResult`, if it is one of the outputs."""
    for i, output in enumerate(outputs):
        if value is not None and value.array is output.array:
            return SavedResult(output, i)
    return value


def alias(item: Tensor, operands: list[Tensor], name: str) -> Tensor:
    """A result as a Tensor of its own, which is a view of an operand where they share memory.

    Parameters
    ----------
    item : Tensor
    operands : list of Tensor
    name : str
        Whose result it is, for messages.

    Returns
    -------
    Tensor
    """
    result = _wrap(item.array)
    result.memory = memory = item.shared_memory()
    for operand in operands:
        if operand.memory is memory or np.may_share_memory(operand.array, item.array):
            # Writing through it cannot be recorded, as for a view taken under no_grad, and says whose result it is.
            memory = result.memory = operand.shared_memory()
            result.origin = (operand, None, (name,), {}, memory.rewired)
    return result
