"""Activation functions as layers."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from tinygrad_edu.announce import Case, Size, applied, real
from tinygrad_edu.layers.layer import Layer, require_float
from tinygrad_edu.layers.stable import sigmoid, sigmoid_slope
from tinygrad_edu.ops import relu
from tinygrad_edu.ops.shape import axis_of

__all__ = ["ReLU", "Sigmoid", "Softmax", "Tanh"]


class ReLU(Layer):
    r"""Rectified linear unit, :math:`y = \max(x, 0)`, with derivative 1 where :math:`x > 0` and 0 elsewhere, 0 included.

    Parameters
    ----------
    inplace : bool, default False
        Accepted for PyTorch programs; the result is a new tensor in any case.

    References
    ----------
    .. [1] V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.ReLU()(tg.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """

    # One operation, which keeps its result alone: the next layer keeps the very same array.
    operation = staticmethod(relu)

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    @staticmethod
    def example(n: Size = 64, m: Size = 256) -> Case:
        return applied(ReLU(), real(n, m))


class Tanh(Layer):
    r"""Hyperbolic tangent, :math:`y = \tanh x = \dfrac{e^x - e^{-x}}{e^x + e^{-x}}`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.Tanh()(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.    ,  0.7616])
    """

    @staticmethod
    def check(x):
        require_float("Tanh", x)

    @staticmethod
    def definition(x):
        return x.tanh()

    @staticmethod
    def by_hand(x):
        def backward(dy):
            # With s = sinh x and c = cosh x: (s/c)′ = (c·c − s·s)/c² = 1/c². That is 1 − y², too, but where y is nearly
            # ±1 no digit is left of it. With e = e^−2|x|: c² = (e^|x| + e^−|x|)²/4 = (1 + e)²/4e, and so 1/c² = 4 σ′(2x).
            return dy * (4 * sigmoid_slope(2 * x))

        return np.tanh(x), backward

    @staticmethod
    def example(n: Size = 64, m: Size = 256) -> Case:
        return applied(Tanh(), real(n, m))


class Sigmoid(Layer):
    r"""Logistic function, :math:`y = \sigma(x) = \dfrac{1}{1 + e^{-x}}`, without overflow for any :math:`x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.Sigmoid()(tg.tensor([-1e4, 0.0, 1e4]))
    tensor([0. , 0.5, 1. ])
    """

    @staticmethod
    def check(x):
        require_float("Sigmoid", x)

    @staticmethod
    def definition(x):
        # 1/(1 + e^−x) = (1 + tanh(x/2))/2, which has no exponential to overflow.
        return 0.5 * (1 + (0.5 * x).tanh())

    @staticmethod
    def by_hand(x):
        def backward(dy):
            # y = 1/u with u = 1 + e^−x: y′ = e^−x/u². That is y (1 − y), too, but where y is nearly 1 no digit is left of
            # 1 − y. It is the same for −x: times e^2x/e^2x it is e^x/(e^x + 1)². So |x| may stand for x, which overflows
            # nowhere.
            return dy * sigmoid_slope(x)

        return sigmoid(x), backward

    @staticmethod
    def example(n: Size = 64, m: Size = 256) -> Case:
        return applied(Sigmoid(), real(n, m))


class Softmax(Layer):
    r"""Exponentials along one axis, divided by their sum: :math:`y_i = e^{x_i} / \sum_k e^{x_k}`.

    The largest :math:`x_k` is subtracted first, which leaves :math:`y` the same and keeps every exponential at most 1.

    Parameters
    ----------
    dim : int, default -1
        The axis over which the result sums to 1.

    Notes
    -----
    Every :math:`y_j` depends on every :math:`x_i`: the Jacobian is :math:`\mathrm{diag}(y) - y y^\top`, not the diagonal
    alone.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.Softmax(dim=1)(tg.tensor([[0.0, 0.0], [0.0, 1e4]]))
    tensor([[0.5, 0.5],
            [0. , 1. ]])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    @staticmethod
    def check(x, *, dim):
        require_float("Softmax", x)
        axis_of("Softmax", dim, x.ndim)

    @staticmethod
    def definition(x, *, dim):
        e = (x - x.amax(dim, keepdim=True).detach() if x.numel() else x).exp()  # of nothing there is no largest
        return e / e.sum(dim, keepdim=True)

    @staticmethod
    def by_hand(x, *, dim):
        y = np.exp(x - x.max(dim, keepdims=True, initial=-np.inf))
        y /= y.sum(dim, keepdims=True)

        def backward(dy):
            # ∂y_j/∂x_i = y_j (δ_ij − y_i), since log y_j = x_j − log Σ_k e^x_k has derivative δ_ij − y_i. Hence
            #   dx_i = Σ_j dy_j y_j (δ_ij − y_i) = y_i (dy_i − Σ_j dy_j y_j)
            # As Σ_j y_j = 1, it stays the same if a number is subtracted from all dy_j. With that of the largest y_m, no
            # term of the sum is larger than dx itself: otherwise dy_m − dy_m y_m has no digit left where y_m is nearly 1.
            if dy.ndim and dy.shape[dim]:
                dy = dy - np.take_along_axis(dy, y.argmax(dim, keepdims=True), dim)
            return y * (dy - (dy * y).sum(dim, keepdims=True))

        return y, backward

    @staticmethod
    def example(n: Size = 64, m: Size = 10, dim: Annotated[int, (-2, -1, 0, 1)] = 1) -> Case:
        return applied(Softmax(dim), real(n, m))

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
