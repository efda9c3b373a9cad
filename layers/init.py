"""Initialisation of parameters, under the names of ``torch.nn.init``; each fills its tensor in place and returns it."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import no_grad
from tinygrad_edu.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill a tensor with one value.

    Parameters
    ----------
    tensor : Tensor
    val : float

    Returns
    -------
    Tensor
        The tensor itself.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.init.constant_(tg.empty(2), 3.0)
    tensor([3., 3.])
    """
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill a tensor with 0; see :func:`constant_`."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill a tensor with 1; see :func:`constant_`."""
    return constant_(tensor, 1.0)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    r"""Fill a tensor from the normal distribution :math:`\mathcal N(\mu, \sigma^2)`.

    Parameters
    ----------
    tensor : Tensor
    mean, std : float, default 0, 1
    generator : Generator, optional
        The library's own if omitted.

    Returns
    -------
    Tensor
        The tensor itself.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.init.normal_(tg.empty(2), mean=5.0, std=0.0)
    tensor([5., 5.])
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    r"""Fill a tensor from the uniform distribution on :math:`[a, b)`.

    Parameters
    ----------
    tensor : Tensor
    a, b : float, default 0, 1
    generator : Generator, optional
        The library's own if omitted.

    Returns
    -------
    Tensor
        The tensor itself.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.nn.init.uniform_(tg.empty(100), -1.0, 1.0)
    >>> bool((x.abs() <= 1).all())
    True
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    r"""The factor by which a nonlinearity shrinks the standard deviation of its input, inverted.

    1 for linear maps and sigmoid, 5/3 for tanh, :math:`\sqrt 2` for relu, :math:`\sqrt{2/(1 + a^2)}` for leaky relu of
    negative slope :math:`a`, 3/4 for selu.

    Parameters
    ----------
    nonlinearity : str
        Such as ``"relu"`` or ``"tanh"``.
    param : float, optional
        The negative slope of leaky relu, 0.01 if omitted.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the nonlinearity is unknown.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> round(nn.init.calculate_gain("relu"), 4)
    1.4142
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = dict(linear=1.0, conv1d=1.0, conv2d=1.0, conv3d=1.0, sigmoid=1.0, tanh=5 / 3, relu=math.sqrt(2), selu=0.75)
    if nonlinearity not in gains:
        raise ValueError(f"calculate_gain: expected one of {', '.join([*gains, 'leaky_relu'])}, got {nonlinearity!r}")
    return gains[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """Numbers of inputs of an output, and of outputs of an input: for a kernel (O, C, kh, kw), C·kh·kw and O·kh·kw."""
    if tensor.ndim < 2:
        raise ShapeError(f"init: fan in and fan out need at least two dimensions, got shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"kaiming: expected mode 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    r"""He's initialisation: :math:`\mathcal N(0, g^2/\mathrm{fan})`, which keeps the variance from layer to layer.

    Parameters
    ----------
    tensor : Tensor
        A weight of at least two dimensions.
    a : float, default 0
        Negative slope of the leaky relu that follows; 0 is relu, :math:`g = \sqrt 2`.
    mode : {"fan_in", "fan_out"}
        Whether the variance is kept forwards or backwards.
    nonlinearity : str, default "leaky_relu"
        See :func:`calculate_gain`.
    generator : Generator, optional
        The library's own if omitted.

    Returns
    -------
    Tensor
        The tensor itself.

    References
    ----------
    .. [1] K. He et al., "Delving deep into rectifiers", ICCV 2015, eq. 10.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> w = tg.nn.init.kaiming_normal_(tg.empty(1000, 50))
    >>> abs(w.std().item() - (2 / 50) ** 0.5) < 0.01
    True
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    r"""He's initialisation by a uniform distribution of the same variance; see :func:`kaiming_normal_`.

    Bounds are :math:`\pm g \sqrt{3/\mathrm{fan}}`. PyTorch's own layers start from it with :math:`a = \sqrt 5`.
    """
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    r"""Glorot's initialisation, :math:`\mathcal N(0, 2 g^2/(\mathrm{fan}_{in} + \mathrm{fan}_{out}))`.

    Parameters
    ----------
    tensor : Tensor
        A weight of at least two dimensions.
    gain : float, default 1
        :math:`g`, see :func:`calculate_gain`.
    generator : Generator, optional
        The library's own if omitted.

    Returns
    -------
    Tensor
        The tensor itself.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010, eq. 12.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> w = tg.nn.init.xavier_normal_(tg.empty(500, 300))
    >>> abs(w.std().item() - (2 / 800) ** 0.5) < 0.01
    True
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / max(sum(fans(tensor)), 1)), generator)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    r"""Glorot's initialisation by a uniform distribution of the same variance; see :func:`xavier_normal_`.

    Bounds are :math:`\pm g \sqrt{6/(\mathrm{fan}_{in} + \mathrm{fan}_{out})}` (eq. 16 there).
    """
    bound = gain * math.sqrt(6 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)
