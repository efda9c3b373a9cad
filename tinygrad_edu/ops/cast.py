"""Other element types, copies, and the one device."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.device import device
from tinygrad_edu.ops.operation import example, methods, operation
from tinygrad_edu.tensor import Tensor

__all__ = ["astype", "clone", "contiguous"]


@operation(complex=True, method=False, x=lambda g: g)  # the sweep gives every cotangent its operand's dtype
def astype(x: Any, dtype: Any) -> Tensor:
    """The same values in another element type.

    Parameters
    ----------
    x : Tensor
    dtype : numpy.dtype
        The gradient passes between floats and complex numbers; integers and bools have none. As methods there are also
        ``float()``, ``double()``, ``half()``, ``cfloat()``, ``cdouble()``, ``long()``, ``int()``, ``short()`` and
        ``bool()``. Of complex numbers as floats the real part is left, with a warning.

    Returns
    -------
    Tensor
        A copy; as a method the tensor itself if it has that type.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([1.5, -1.5]).astype(tg.int64)
    tensor([ 1, -1])
    """
    return x.astype(dtype)


@example(astype)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), np.dtype("float64"))


@operation(complex=True, x=lambda g: g)
def clone(x: Any) -> Tensor:
    """A copy in memory of its own, through which gradients pass.

    Parameters
    ----------
    x : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.ones(2)
    >>> x.clone().fill_(5)
    tensor([5., 5.])
    >>> x
    tensor([1., 1.])
    """
    return x.copy(order="K")


@example(clone)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))


@operation(complex=True, view=True, method=False, x=lambda g: g)
def contiguous(x: Any) -> Tensor:
    """The same values in row-major memory.

    Parameters
    ----------
    x : Tensor

    Returns
    -------
    Tensor
        As a method the tensor itself where its memory is row-major already.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.ones(2, 3).T
    >>> x.is_contiguous(), x.contiguous().is_contiguous()
    (False, True)
    """
    return x if x.flags.c_contiguous else x.copy()


@example(contiguous)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))


def _contiguous(self: Tensor) -> Tensor:
    """The same values in row-major memory: the tensor itself, or a copy."""
    return self if self.array.flags.c_contiguous else contiguous(self)


def _astype(self: Tensor, dtype: Any, *, copy: bool = False) -> Tensor:
    """The same values in another element type; the tensor itself where it has that type and `copy` is False."""
    dtype = np.dtype(dtype)
    if self.array.dtype == dtype:
        return clone(self) if copy else self
    return astype(self, dtype)


def _to(
    self: Tensor, *targets: Any, dtype: Any = None, non_blocking: bool = False, copy: bool = False, **on: Any
) -> Tensor:
    """The same values in another element type; the only device is the CPU.

    Parameters
    ----------
    *targets
        A dtype, a device, both, or another tensor whose dtype is taken.
    dtype : numpy.dtype, optional
    non_blocking : bool
        Accepted for PyTorch programs.
    copy : bool, default False
        Whether to copy even where nothing changes.
    **on
        ``device=``.

    Returns
    -------
    Tensor
        The tensor itself where nothing changes and `copy` is False.
    """
    if set(on) - {"device"}:
        raise TypeError(f"to: unexpected argument {sorted(set(on) - {'device'})[0]!r}")
    for target in (*targets, *on.values()):
        if isinstance(target, Tensor):
            dtype = target.dtype
        elif isinstance(target, device) or (isinstance(target, str) and target.partition(":")[0] in _DEVICES):
            device(target)
        elif isinstance(target, bool):
            pass  # non_blocking and copy by position
        elif target is not None:
            dtype = target
    return _astype(self, self.dtype if dtype is None else dtype, copy=copy)


_DEVICES = ("cpu", "cuda", "mps", "xpu")


def _type(self: Tensor, dtype: Any = None) -> Any:
    """The name of the element type, or the same values in another one."""
    return self.dtype.name if dtype is None else _astype(self, dtype)


def _type_as(self: Tensor, other: Tensor) -> Tensor:
    """The same values in another tensor's element type."""
    return _astype(self, other.dtype)


def _cpu(self: Tensor) -> Tensor:
    """The tensor itself: it lies in main memory."""
    return self


def _cuda(self: Tensor, *_: Any, **__: Any) -> Tensor:
    """Refused: there is no GPU; programs ask ``cuda.is_available()`` first."""
    device("cuda")
    return self


def _converter(dtype: np.dtype) -> Any:
    def method(self: Tensor) -> Tensor:
        return _astype(self, dtype)

    method.__doc__ = f"The same values as {dtype}."
    return method


methods(astype=_astype, contiguous=_contiguous, to=_to, type=_type, type_as=_type_as, cpu=_cpu, cuda=_cuda)
for _name in ("float", "double", "half", "cfloat", "cdouble", "long", "int", "short", "bool"):
    setattr(Tensor, _name, _converter(getattr(dtypes, _name)))
