"""Layers and losses as functions, under the names of ``torch.nn.functional``.

Each is the layer of the same name without an object: arrays give arrays, Tensors record one fused node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import layers, ops
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.layers.convolution import pair_of_ints
from tinygrad_edu.layers.dropout import draw_mask
from tinygrad_edu.ops import log_softmax, one_hot, relu, sigmoid, tanh
from tinygrad_edu.ops.operation import plain
from tinygrad_edu.tensor import Tensor

__all__ = [
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "cross_entropy",
    "dropout",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Affine map of the last axis, :math:`y = x W^\top + b`; see :class:`~tinygrad_edu.nn.Linear`.

    Parameters
    ----------
    input : Tensor
        (..., in_features).
    weight : Tensor
        (out_features, in_features).
    bias : Tensor, optional
        (out_features,).

    Returns
    -------
    Tensor
        (..., out_features).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.linear(tg.ones(2), tg.tensor([[1.0, 2.0]]), tg.tensor([0.5]))
    tensor([3.5])
    """
    return layers.Linear.functional(input, weight, bias)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Two-dimensional convolution; see :class:`~tinygrad_edu.nn.Conv2d`.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W).
    weight : Tensor
        (O, C / groups, kernel height, kernel width).
    bias : Tensor, optional
        (O,).
    stride, padding, dilation : int or (int, int), default 1, 0, 1
    groups : int, default 1

    Returns
    -------
    Tensor
        (N, O, H', W').

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.conv2d(tg.ones(1, 1, 3, 3), tg.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return layers.Conv2d.functional(
        input,
        weight,
        bias,
        stride=pair_of_ints(stride, "conv2d: stride"),
        padding=pair_of_ints(padding, "conv2d: padding"),
        dilation=pair_of_ints(dilation, "conv2d: dilation"),
        groups=groups,
    )


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Tensor:
    """The largest value of each window; see :class:`~tinygrad_edu.nn.MaxPool2d`.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W).
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        The kernel size if omitted.
    padding, dilation : int or (int, int), default 0, 1

    Returns
    -------
    Tensor
        (N, C, H', W').

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.max_pool2d(tg.arange(4.0).reshape(1, 1, 2, 2), 2)
    tensor([[[[3.]]]])
    """
    return layers.MaxPool2d(kernel_size, stride, padding, dilation)(input)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window; see :class:`~tinygrad_edu.nn.AvgPool2d`.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W).
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        The kernel size if omitted.
    padding : int or (int, int), default 0
    ceil_mode : bool, default False
        True is refused.
    count_include_pad : bool, default True

    Returns
    -------
    Tensor
        (N, C, H', W').

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.avg_pool2d(tg.arange(4.0).reshape(1, 1, 2, 2), 2)
    tensor([[[[1.5]]]])
    """
    return layers.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad)(input)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalization of (N, C, ...); see :class:`~tinygrad_edu.nn.BatchNorm2d`.

    Parameters
    ----------
    input : Tensor
        (N, C, ...).
    running_mean, running_var : Tensor or None
        (C,); overwritten in training.
    weight, bias : Tensor, optional
        (C,), both or neither.
    training : bool, default False
        Whether to use the batch's own statistics.
    momentum : float, default 0.1
    eps : float, default 1e-5

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If running statistics are missing in evaluation, or only one of weight and bias is given.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.batch_norm(tg.tensor([[1.0], [3.0]]), None, None, training=True).round()
    tensor([[-1.],
            [ 1.]])
    """
    if not training and (running_mean is None or running_var is None):
        raise ValueError("batch_norm: running_mean and running_var are needed where training=False")
    if (weight is None) != (bias is None):
        raise ValueError("batch_norm: expected both weight and bias, or neither")
    return layers.BatchNorm2d.functional(
        input,
        weight,
        bias,
        running_mean=running_mean,
        running_var=running_var,
        training=training,
        momentum=momentum,
        eps=eps,
    )


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set elements to 0 with probability `p` and scale up the others; see :class:`~tinygrad_edu.nn.Dropout`.

    Parameters
    ----------
    input : Tensor
    p : float, default 0.5
    training : bool, default True
        If False the input is returned as it is.
    inplace : bool, default False
        Accepted for PyTorch programs; the result is a new tensor in any case.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If `p` is no probability.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.dropout(tg.ones(2), p=1.0)
    tensor([0., 0.])
    """
    if not isinstance(p, int | float):
        raise TypeError(f"dropout: expected a number p, got {p!r}")
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: expected a probability p from 0 to 1, got {p}")
    if not training or p == 0:
        return input
    return layers.Dropout.functional(input, mask=draw_mask(input.shape, input.dtype, p))


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Exponentials along one axis, divided by their sum; see :class:`~tinygrad_edu.nn.Softmax`.

    Parameters
    ----------
    input : Tensor
    dim : int
        The axis over which the result sums to 1.
    dtype : numpy.dtype, optional
        Convert the input first.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    TypeError
        If `dim` is missing.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.softmax(tg.zeros(1, 4), dim=1)
    tensor([[0.25, 0.25, 0.25, 0.25]])
    """
    if dim is None:
        raise TypeError("softmax: give dim, the axis over which the result sums to 1; for (batch, classes) it is 1")
    return layers.Softmax.functional(input if dtype is None else input.astype(dtype), dim=dim)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Mean squared error; see :class:`~tinygrad_edu.nn.MSELoss`.

    Parameters
    ----------
    input, target : Tensor
        Of the same shape.
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.mse_loss(tg.tensor([1.0, 2.0]), tg.zeros(2))
    tensor(2.5)
    """
    return layers.MSELoss(reduction)(input, target)


def binary_cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy of probabilities; see :class:`~tinygrad_edu.nn.BCELoss`.

    Parameters
    ----------
    input, target : Tensor
        Of the same shape, from 0 to 1.
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.binary_cross_entropy(tg.tensor([0.5]), tg.tensor([1.0]))
    tensor(0.6931)
    """
    return layers.BCELoss(reduction)(input, target)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy of the sigmoid of logits; see :class:`~tinygrad_edu.nn.BCEWithLogitsLoss`.

    Parameters
    ----------
    input, target : Tensor
        Of the same shape.
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.binary_cross_entropy_with_logits(tg.tensor([0.0]), tg.tensor([1.0]))
    tensor(0.6931)
    """
    return layers.BCEWithLogitsLoss(reduction)(input, target)


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy of the softmax of logits; see :class:`~tinygrad_edu.nn.CrossEntropyLoss`.

    Parameters
    ----------
    input : Tensor
        Logits (N, C) or (N, C, d1, ...).
    target : Tensor
        Labels (N,) or (N, d1, ...), or probabilities of the logits' shape.
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.cross_entropy(tg.zeros(1, 10), tg.tensor([3]))
    tensor(2.3026)
    """
    return layers.CrossEntropyLoss(reduction)(input, target)


def nll_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    r"""Negative log-likelihood of labels, :math:`-\log p_{n t_n}`, from log-probabilities.

    Parameters
    ----------
    input : Tensor
        Log-probabilities (N, C) or (N, C, d1, ...).
    target : Tensor
        Labels (N,) or (N, d1, ...), integers from 0 to C - 1.
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> F = tg.nn.functional
    >>> F.nll_loss(F.log_softmax(tg.zeros(1, 10), dim=1), tg.tensor([3]))
    tensor(2.3026)
    """
    if input.ndim < 2 or target.shape != (input.shape[0], *input.shape[2:]):
        raise ShapeError(
            f"nll_loss: expected (N, C, ...) and labels (N, ...), got shapes {input.shape} and {target.shape}"
        )
    if target.dtype.kind not in "iu":
        raise DtypeError(f"nll_loss: expected integer labels, got {target.dtype}")
    labels = plain(target)
    if labels.size and not 0 <= labels.min() <= labels.max() < input.shape[1]:
        raise IndexError(
            f"nll_loss: expected labels from 0 to {input.shape[1] - 1}, got {labels.min()} to {labels.max()}"
        )
    losses = -ops.gather(input, 1, ops.unsqueeze(target, 1)).squeeze(1)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"nll_loss: expected reduction 'mean', 'sum' or 'none', got {reduction!r}")
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Put values around a tensor.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        Pairs of widths, before and after, from the *last* axis backwards: ``(left, right, top, bottom)`` for images.
    mode : {"constant"}
        Other modes are refused.
    value : float, default 0

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the widths do not come in pairs, or are more than the axes.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.functional.pad(tg.ones(1, 2), (1, 0))
    tensor([[0., 1., 1.]])
    """
    if mode != "constant":
        raise ValueError(f"pad: expected mode 'constant', got {mode!r}")
    if not isinstance(pad, list | tuple):
        raise TypeError(f"pad: expected a list or tuple of widths, got {pad!r}")
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ValueError(
            f"pad: expected at most {input.ndim} pairs of widths for shape {input.shape}, got {tuple(pad)}"
        )
    if not isinstance(value, int | float | None):
        raise TypeError(f"pad: expected a number as value, got {value!r}")
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    return ops.pad(input, tuple(widths), value=0.0 if value is None else value)
