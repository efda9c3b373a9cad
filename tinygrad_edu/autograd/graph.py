"""What a graph keeps for its backward, under the name of ``torch.autograd.graph``."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import graph
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import set_grad_enabled
from tinygrad_edu.graph import Node, Result, Step, Value, record
from tinygrad_edu.tensor import Tensor, _wrap

__all__ = ["Node", "saved_tensors_hooks"]


class saved_tensors_hooks:
    """Within it, what is kept for a backward is replaced by what `pack_hook` makes of it, until the backward needs it.

    For keeping activations elsewhere, or compressed. Layers are recorded as the operations of their definition there,
    since what a fused node keeps lies within its closure.

    Parameters
    ----------
    pack_hook : callable
        From a Tensor to anything; called when an operation is recorded, with nothing recorded.
    unpack_hook : callable
        From what `pack_hook` returned to a Tensor of the same values, or nearly; called in each backward.

    Raises
    ------
    TypeError
        In the backward, if `unpack_hook` does not give a Tensor.
    ShapeError
        In the backward, if it gives one of another shape or dtype.

    Notes
    -----
    As in PyTorch, the innermost hooks alone apply, the mode is the thread's own, and writing in place to a value that
    was packed is not noticed: whether that matters, only the hooks know.

    Examples
    --------
    Keep activations in half precision:

    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> with tg.autograd.graph.saved_tensors_hooks(lambda t: t.half(), lambda t: t.float()):
    ...     y = (x**3).sum()
    >>> y.backward()
    >>> x.grad
    tensor([ 3., 12.])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _active.hooks.append(self)
        _count(1)

    def __exit__(self, *error: Any) -> None:
        _active.hooks.pop()
        _count(-1)


class _Active(threading.local):
    def __init__(self) -> None:
        self.hooks: list[saved_tensors_hooks] = []


_active = _Active()
_counting = threading.Lock()
_entered = 0


def _count(change: int) -> None:
    """The graph asks for hooks only while some thread has any."""
    global _entered
    with _counting:
        _entered += change
        graph.pack = _pack if _entered else None


def _pack(kept: tuple) -> tuple:
    if not _active.hooks:
        return kept
    hooks = _active.hooks[-1]

    def packed(value: Any) -> Any:
        if type(value) is list:
            return [packed(item) for item in value]
        return Packed(value, hooks) if isinstance(value, Value) else value

    return tuple([packed(value) for value in kept])


class Packed(Value):
    """A kept value as a pack hook left it."""

    __slots__ = ("form", "original", "packed", "unpack")

    def __init__(self, value: Value, hooks: saved_tensors_hooks) -> None:
        self.node = None
        self.memory = None  # writes to the original are not ours to notice
        self.form = value.shape, value.dtype
        self.unpack = hooks.unpack_hook
        with set_grad_enabled(False):
            self.packed = hooks.pack_hook(value.detach() if isinstance(value, Tensor) else _wrap(value.array))
        # Of a result what is left without its values; of an operand its history, or a leaf itself.
        self.original: Any = None
        if isinstance(value, Result):
            self.original = copy.copy(value)
            self.original.array = None
        elif isinstance(value, Tensor) and value.tracked:
            self.original = value.node or value

    @property
    def array(self) -> np.ndarray:  # type: ignore[override]
        """The values, by the unpack hook."""
        tensor = self.unpack(self.packed)
        if not isinstance(tensor, Tensor):
            raise TypeError(f"saved_tensors_hooks: unpack_hook gave {type(tensor).__name__}, expected a Tensor")
        if (tensor.shape, tensor.dtype) != self.form:
            raise ShapeError(
                f"saved_tensors_hooks: unpack_hook gave a Tensor of shape {tensor.shape} {tensor.dtype}, the one that "
                f"was packed had shape {self.form[0]} {self.form[1]}"
            )
        return tensor.array

    def revived(self, node: Node, revive: Callable[[Any, Node], Value]) -> Value:
        """A Tensor of the unpacked values with the history of the one that was packed."""
        array = self.array
        if isinstance(self.original, Result):
            result = copy.copy(self.original)
            result.array = array
            return result.revived(node, revive)
        if self.original is None:
            return _wrap(array)
        return revive(array, record(_UNPACKED, lambda g, values: (g,), (self.original,), (), array))


_UNPACKED = Step("unpacked")
