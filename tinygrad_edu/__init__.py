"""A small PyTorch in NumPy, in which every derivative can be read and checked.

The namespace is PyTorch's: tensors, operations, creation, element types, grad modes. ``import tinygrad_edu`` loads
NumPy alone; the rooms above it (``nn``, ``optim``, ``models``, ``testing`` and so on) load when they are first named.
"""

from __future__ import annotations

import builtins
import importlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes as _dtypes
from tinygrad_edu import errors as _errors
from tinygrad_edu import grad_mode as _grad_mode
from tinygrad_edu import ops
from tinygrad_edu import random as random
from tinygrad_edu.device import cuda, device
from tinygrad_edu.dtypes import *
from tinygrad_edu.errors import *
from tinygrad_edu.grad_mode import *
from tinygrad_edu.io import load, save
from tinygrad_edu.ops import *
from tinygrad_edu.random import *
from tinygrad_edu.tensor import Tensor, as_tensor, from_numpy, tensor

if TYPE_CHECKING:
    from tinygrad_edu import (
        autograd,
        data,
        fft,
        func,
        io,
        layers,
        linalg,
        models,
        nn,
        optim,
        special,
        testing,
        train,
        utils,
    )
    from tinygrad_edu.autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
    from tinygrad_edu.func import vmap

    __version__: str

dtype, finfo, iinfo = np.dtype, np.finfo, np.iinfo
Size = tuple
pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

__all__ = [
    "Size",
    "Tensor",
    "__version__",
    "as_tensor",
    "autograd",
    "cuda",
    "data",
    "device",
    "dtype",
    "e",
    "fft",
    "finfo",
    "from_numpy",
    "func",
    "iinfo",
    "inf",
    "io",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_complex",
    "is_floating_point",
    "is_tensor",
    "layers",
    "linalg",
    "load",
    "models",
    "nan",
    "nn",
    "numel",
    "ops",
    "optim",
    "pi",
    "save",
    "special",
    "tensor",
    "testing",
    "train",
    "utils",
    "vmap",
]
__all__ += _dtypes.__all__
__all__ += _errors.__all__
__all__ += _grad_mode.__all__
__all__ += ops.__all__
__all__ += random.__all__

_ROOMS = (
    "autograd",
    "cli",
    "data",
    "fft",
    "func",
    "io",
    "layers",
    "linalg",
    "models",
    "nn",
    "optim",
    "special",
    "study",
    "testing",
    "train",
    "utils",
)
_FROM_ROOMS = {
    "is_anomaly_check_nan_enabled": "autograd.anomaly",
    "is_anomaly_enabled": "autograd.anomaly",
    "vmap": "func",
}


def is_tensor(x: Any) -> builtins.bool:
    """Whether something is a Tensor.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.is_tensor(tg.ones(2)), tg.is_tensor(2.0)
    (True, False)
    """
    return isinstance(x, Tensor)


def is_floating_point(input: Tensor) -> builtins.bool:
    """Whether the elements are real floats; a gradient exists for these and for complex numbers.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.is_floating_point(tg.arange(3))
    False
    """
    return input.is_floating_point()


def is_complex(input: Tensor) -> builtins.bool:
    """Whether the elements are complex numbers.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.is_complex(tg.tensor([1j]))
    True
    """
    return input.is_complex()


def numel(input: Tensor) -> builtins.int:
    """Number of elements.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.numel(tg.ones(2, 3))
    6
    """
    return input.numel()


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FROM_ROOMS:
        return getattr(importlib.import_module(f"{__name__}.{_FROM_ROOMS[name]}"), name)
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("tinygrad_edu")
        except PackageNotFoundError:
            return "0+unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
