"""Methods that overwrite a tensor's values.

The in-place twins of operations (``add_``, ``exp_``) stand with them. Here are those that are no twin, such as
``x[i] = y`` and ``fill_``, and the twins of what `index` composes. All are recorded: what was overwritten has no
influence any more, and so its cotangent is 0. What is refused, and where PyTorch refuses more or less, stands row by
row in ``tests/ops/table_inplace.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import mode
from tinygrad_edu.ops.cast import astype
from tinygrad_edu.ops.index import (
    getitem,
    index_add,
    index_copy,
    index_fill,
    index_put,
    normal,
    put,
    scatter,
    scatter_add,
    taken,
)
from tinygrad_edu.ops.operation import (
    Operation,
    methods,
    needs_gradient,
    overwriting,
    plain,
    require_recorded,
    require_writable,
    rewire,
)
from tinygrad_edu.tensor import Tensor, _wrap

__all__: list[str] = []

_INDEX_PUT: Operation = index_put.operation  # type: ignore[attr-defined]


def write(x: Tensor, index: Any, value: Any, name: str) -> Tensor:
    """Overwrite the elements at an index, in place, and record that.

    Parameters
    ----------
    x : Tensor
    index
        In NumPy's terms.
    value : Tensor, array or number
        Broadcasts to the indexed part; converted to the dtype of `x`.
    name : str
        Of the method, for messages.

    Returns
    -------
    Tensor
        `x` itself.

    Raises
    ------
    RuntimeError
        If `x` is a leaf that requires grad, or a view of one.
    ShapeError
        If `value` does not broadcast.
    """
    require_writable(x, name)
    if not isinstance(value, Tensor):
        value = np.asarray(value)
    elif value.dtype != x.dtype and not (value.is_complex() and x.is_floating_point()):
        # Rounded to integers, values have no gradient.
        value = astype(value, x.dtype) if x.is_floating_point() or x.is_complex() else value.detach()
    new = value.ndim - taken(x.array, index).ndim
    if new > 0 and value.shape[:new] == (1,) * new:
        value = value.reshape(value.shape[new:])
    array = plain(value)
    if not mode.enabled or not (needs_gradient(x) or isinstance(value, Tensor) and needs_gradient(value)):
        put(x.array, index, array, False, name)
        x.written()
        return x
    require_recorded(x, name)
    result = _wrap(x.array)
    arguments = {"x": x, "indices": index, "values": value, "accumulate": False}
    _INDEX_PUT.record(arguments, x.array, result)
    put(x.array, index, array, False, name)
    x.written()
    if result.node is not None:
        rewire(x, result.node)
    return x


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    """Overwrite the elements at an index; gradients pass to `value`, and to what was not overwritten."""
    first, second = normal(index, self.array.ndim)
    if second is None:
        write(self, first, value, "setitem")
    else:
        write(getitem(self, first), second, value, "setitem")


def _fill(self: Tensor, value: Any) -> Tensor:
    """Overwrite every element with one value."""
    if np.ndim(plain(value)):
        raise ShapeError(f"fill_: expected a single value, got shape {np.shape(plain(value))}")
    return write(self, (Ellipsis,), value, "fill_")


def _zero(self: Tensor) -> Tensor:
    """Overwrite every element with 0."""
    return write(self, (Ellipsis,), 0, "zero_")


def _copy(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Overwrite the values with those of another tensor, which broadcasts and is converted to this one's dtype."""
    return write(self, (Ellipsis,), src, "copy_")


methods(__setitem__=_setitem, fill_=_fill, zero_=_zero, copy_=_copy)
for _call in (index_add, index_copy, index_fill, index_put, scatter, scatter_add):
    setattr(Tensor, f"{_call.__name__}_", overwriting(_call))
