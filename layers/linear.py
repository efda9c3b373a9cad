"""The affine layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinygrad_edu.announce import Case, Size, applied, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.layers.init import kaiming_normal_
from tinygrad_edu.layers.kernels import product
from tinygrad_edu.layers.layer import Layer, require_float
from tinygrad_edu.layers.module import Parameter
from tinygrad_edu.ops import empty, zeros

__all__ = ["Dense", "Linear"]


class Linear(Layer):
    r"""Affine map of the last axis, :math:`y = x W^\top + b`.

    Parameters
    ----------
    in_features : int
        Length :math:`I` of the last axis of the input.
    out_features : int
        Length :math:`O` of the last axis of the result.
    bias : bool, default True
        Whether :math:`b` is there.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    dtype : numpy.dtype, optional
        Type of the parameters; the default float type if omitted.
    init : callable, default :func:`~tinygrad_edu.nn.init.kaiming_normal_`
        Fills the weight, in place: He's initialisation [1]_, of standard deviation :math:`\sqrt{2/I}`, or any other of
        ``nn.init``.

    Attributes
    ----------
    weight : Parameter
        :math:`W`, of shape (out_features, in_features).
    bias : Parameter or None
        :math:`b`, of shape (out_features,), initially 0.

    Notes
    -----
    Input (..., in_features), result (..., out_features).

    References
    ----------
    .. [1] K. He et al., "Delving deep into rectifiers", ICCV 2015, eq. 10.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> layer = nn.Linear(3, 2)
    >>> layer(tg.ones(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        init: Callable = kaiming_normal_,
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(init(empty(out_features, in_features, dtype=dtype, device=device)))
        self.bias = Parameter(zeros(out_features, dtype=dtype)) if bias else None

    @staticmethod
    def check(x, weight, bias):
        require_float("Linear", x)
        if weight.ndim != 2 or (bias is not None and bias.shape != weight.shape[:1]):
            raise ShapeError(
                f"Linear: expected a weight of shape (out_features, in_features) and a bias of shape (out_features,), got "
                f"{weight.shape} and {None if bias is None else bias.shape}"
            )
        if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
            raise ShapeError(f"Linear: expected an input of shape (..., {weight.shape[1]}), got {x.shape}")

    @staticmethod
    def definition(x, weight, bias):
        y = x @ weight.mT
        return y if bias is None else y + bias

    @staticmethod
    def by_hand(x, weight, bias):
        # y_no = Σ_i x_ni W_oi + b_o, where n runs over all axes but the last. Hence, with dy_no = ∂L/∂y_no,
        #   dx_ni = Σ_o dy_no ∂y_no/∂x_ni = Σ_o dy_no W_oi
        #   dW_oi = Σ_n dy_no ∂y_no/∂W_oi = Σ_n dy_no x_ni
        #   db_o  = Σ_n dy_no
        y = product(x, weight.T)
        if bias is not None:
            y += bias

        def backward(dy):
            n = math.prod(dy.shape[:-1])
            rows = dy.reshape(n, dy.shape[-1])  # (N, O)
            dx = lambda: product(dy, weight)
            dweight = lambda: product(rows.T, x.reshape(n, x.shape[-1]))
            dbias = lambda: rows.sum(0)
            return dx, dweight, dbias

        return y, backward

    @staticmethod
    def example(n: Size = 64, i: Size = 784, o: Size = 256, bias: bool = True) -> Case:
        return applied(Linear(i, o, bias), real(n, i))

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


Dense = Linear
