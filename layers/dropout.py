"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, applied, real
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.random import default_generator

__all__ = ["Dropout"]


class Dropout(Layer):
    r"""In training, set each element to 0 with probability :math:`p` and scale the others up; in evaluation, do nothing.

    .. math:: y = x \odot m, \qquad m_i = \begin{cases} 0 & \text{with probability } p \\ 1/(1-p) & \text{otherwise}
        \end{cases}

    so that the expectation of :math:`y` is :math:`x`. The mask is drawn anew for each call, from the library's generator.

    Parameters
    ----------
    p : float, default 0.5
        Probability of 0, from 0 to 1.
    inplace : bool, default False
        Accepted for PyTorch programs; the result is a new tensor in any case.

    Raises
    ------
    ValueError
        If `p` is no probability.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014,
       section 10 (scaling at training time).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> _ = tg.manual_seed(0)
    >>> sorted(set(nn.Dropout(0.5)(tg.ones(100)).tolist()))
    [0.0, 2.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: expected a probability p from 0 to 1, got {p}")
        self.p, self.inplace = p, inplace

    def prepare(self, x: Any) -> dict[str, Any]:
        return {"mask": draw_mask(x.shape, x.dtype, self.p) if self.training and self.p > 0 else None}

    @staticmethod
    def definition(x, *, mask):
        return x * 1.0 if mask is None else x * mask

    @staticmethod
    def by_hand(x, *, mask):
        y = x.copy() if mask is None else x * mask

        def backward(dy):
            # ∂y_i/∂x_i = m_i, with the mask of this very call.
            return dy if mask is None else dy * mask

        return y, backward

    @staticmethod
    def example(n: Size = 64, m: Size = 256, training: bool = True) -> Case:
        return applied(Dropout(0.5).train(training), real(n, m))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def draw_mask(shape: tuple[int, ...], dtype: np.dtype, p: float) -> np.ndarray:
    """A mask of zeros, with probability `p`, and 1/(1 − p)."""
    kept = default_generator.numpy.random(shape, np.float32) >= p
    return np.multiply(kept, 1 / (1 - p) if p < 1 else 0, dtype=dtype)
