"""Losses: layers that compare a prediction with a target.

On arrays a loss is used as a layer is: ``value = loss(prediction, target)``, then ``loss.backward()`` gives the gradient
of the prediction, ready for ``net.backward``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, applied, labels, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.layers.layer import Layer, require_float
from tinygrad_edu.layers.stable import log_softmax, others, sigmoid
from tinygrad_edu.ops import stack, zeros_like
from tinygrad_edu.tensor import Tensor

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "MSELoss"]

Reduction = Literal["mean", "sum", "none"]


class _Loss(Layer):
    kind: ClassVar[Any] = "loss"
    reduction: str

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"{self.name}: expected reduction 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction = reduction

    def backward(self, dy: Any = None, input_gradient: bool = True) -> Any:
        """The gradient of the prediction, by hand, for the latest call on arrays.

        Parameters
        ----------
        dy : numpy.ndarray, optional
            The cotangent of the loss; 1 if omitted, which ``reduction="none"`` does not allow.

        Returns
        -------
        numpy.ndarray
            Of the prediction's shape.
        """
        if dy is None:
            if self.reduction == "none":
                raise RuntimeError(
                    f"{self.name}.backward: with reduction='none' there is a loss for each element; pass dy"
                )
            dy = np.ones(())
        dx = super().backward(dy, input_gradient)
        return dx[0] if isinstance(dx, tuple) else dx

    def extra_repr(self) -> str:
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


def reduced(values: Any, reduction: str) -> Any:
    """Sum or mean of a loss for each element, or the losses themselves."""
    return values.mean() if reduction == "mean" else values.sum() if reduction == "sum" else values


def shared(dy: Any, count: int, reduction: str) -> Any:
    """What of a loss's cotangent each of its `count` elements gets: dy, or dy/count for a mean."""
    return dy / count if reduction == "mean" else dy


def check_same_shape(name: str, x: Any, target: Any) -> None:
    """Refuse a target of another shape, which broadcasting would silently repeat."""
    require_float(name, x)
    if x.shape != target.shape:
        raise ShapeError(f"{name}: expected a target of the prediction's shape {x.shape}, got {target.shape}")
    if target.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a float target as the prediction's, {x.dtype}, got {target.dtype}")


class MSELoss(_Loss):
    r"""Mean squared error, :math:`L = \frac{1}{m} \sum_i (x_i - t_i)^2` over all :math:`m` elements.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"

    Raises
    ------
    ShapeError
        If prediction and target differ in shape.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.MSELoss()(tg.tensor([1.0, 2.0]), tg.tensor([0.0, 0.0]))
    tensor(2.5)
    """

    @staticmethod
    def check(x, target, *, reduction):
        check_same_shape("MSELoss", x, target)

    @staticmethod
    def definition(x, target, *, reduction):
        return reduced((x - target) ** 2, reduction)

    @staticmethod
    def by_hand(x, target, *, reduction):
        difference = x - target
        loss = reduced(difference * difference, reduction)

        def backward(dy):
            # ∂(x − t)²/∂x = 2 (x − t), and the same with the other sign for t.
            dx = shared(dy, difference.size, reduction) * (2 * difference)
            return dx, lambda: -dx

        return loss, backward

    @staticmethod
    def example(n: Size = 64, m: Size = 10, reduction: Reduction = "mean") -> Case:
        return applied(MSELoss(reduction), real(n, m), real(n, m))


class BCELoss(_Loss):
    r"""Binary cross-entropy of probabilities, :math:`\ell_i = -t_i \log x_i - (1 - t_i) \log(1 - x_i)`.

    The logarithms are held at -100 at least, as in PyTorch, so that 0 and 1 give finite losses; where they are held the
    derivative divides by :math:`10^{-12}` at least. For values before the sigmoid use :class:`BCEWithLogitsLoss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"

    Raises
    ------
    ShapeError
        If prediction and target differ in shape.
    ValueError
        If a prediction is no probability.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.BCELoss()(tg.tensor([0.5, 1.0]), tg.tensor([1.0, 1.0]))
    tensor(0.3466)
    """

    @staticmethod
    def check(x, target, *, reduction):
        check_same_shape("BCELoss", x, target)
        if x.dtype.kind == "f" and not ((x >= 0) & (x <= 1)).all():
            raise ValueError(
                "BCELoss: expected probabilities from 0 to 1; for values before the sigmoid use BCEWithLogitsLoss"
            )

    @staticmethod
    def definition(x, target, *, reduction):
        losses = -target * x.log().clamp(min=-100) - (1 - target) * (1 - x).log().clamp(min=-100)
        return reduced(losses, reduction)

    @staticmethod
    def by_hand(x, target, *, reduction):
        with np.errstate(divide="ignore"):  # log 0 = −∞, which the maximum holds at −100
            log_x, log_rest = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)
        losses = -target * log_x - (1 - target) * log_rest
        loss = reduced(losses, reduction)

        def backward(dy):
            # ∂ℓ/∂x = −t/x + (1 − t)/(1 − x) = (x − t) / (x (1 − x)), and ∂ℓ/∂t = log(1 − x) − log x.
            each = shared(dy, losses.size, reduction)
            dx = each * ((x - target) / np.maximum(x * (1 - x), 1e-12))
            return dx, lambda: each * (log_rest - log_x)

        return loss, backward

    @staticmethod
    def example(n: Size = 64, m: Size = 10, reduction: Reduction = "mean") -> Case:
        return applied(BCELoss(reduction), real(n, m, low=0.05, high=0.95), real(n, m, low=0.0, high=1.0))


class BCEWithLogitsLoss(_Loss):
    r"""Binary cross-entropy of :math:`\sigma(x)`, computed from the logits :math:`x` themselves.

    With :math:`p = \sigma(x)`, :math:`\log p = -\log(1 + e^{-x})` and :math:`\log(1 - p) = -x - \log(1 + e^{-x})`, so

    .. math:: \ell = -t \log p - (1 - t) \log(1 - p) = (1 - t)\, x + \log(1 + e^{-x})
        = (1 - t) \max(x, 0) + t \max(-x, 0) + \log(1 + e^{-|x|})

    whose last form overflows nowhere, and adds numbers none of which is negative.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"

    Raises
    ------
    ShapeError
        If prediction and target differ in shape.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.BCEWithLogitsLoss(reduction="none")(tg.tensor([0.0, -1e4]), tg.tensor([1.0, 1.0]))
    tensor([6.9315e-01, 1.0000e+04])
    """

    @staticmethod
    def check(x, target, *, reduction):
        check_same_shape("BCEWithLogitsLoss", x, target)

    @staticmethod
    def definition(x, target, *, reduction):
        # log(1 + e^x) = log(e^x + e^0). The form with |x| has no derivative at 0, where logits like to be.
        losses = stack([x, zeros_like(x)]).logsumexp(0) - target * x
        return reduced(losses, reduction)

    @staticmethod
    def by_hand(x, target, *, reduction):
        zero = np.zeros_like(x)
        losses = (1 - target) * np.maximum(x, zero) + target * np.maximum(-x, zero) + np.log1p(np.exp(-abs(x)))
        loss = reduced(losses, reduction)

        def backward(dy):
            # (log(1 + e^x))′ = e^x/(1 + e^x) = σ(x), hence ∂ℓ/∂x = σ(x) − t, and ∂ℓ/∂t = −x. For t = 1 no digit is left
            # of σ(x) − t where σ(x) is nearly 1; as σ(x) + σ(−x) = 1, it is σ(x) − t (σ(x) + σ(−x)).
            each = shared(dy, x.size, reduction)
            return lambda: each * ((1 - target) * sigmoid(x) - target * sigmoid(-x)), lambda: -each * x

        return loss, backward

    @staticmethod
    def example(n: Size = 64, m: Size = 10, reduction: Reduction = "mean") -> Case:
        return applied(BCEWithLogitsLoss(reduction), real(n, m), real(n, m, low=0.0, high=1.0))


class CrossEntropyLoss(_Loss):
    r"""Cross-entropy of the softmax of logits against class labels, or against class probabilities.

    For logits :math:`z` (N, C) and labels :math:`t` (N,),

    .. math:: \ell_n = -\log \mathrm{softmax}(z_n)_{t_n} = \log \sum_k e^{z_{nk}} - z_{n t_n}

    and for target probabilities :math:`y` (N, C), :math:`\ell_n = -\sum_k y_{nk} \log \mathrm{softmax}(z_n)_k`. The mean is
    over the samples.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"

    Raises
    ------
    ShapeError
        If the target is neither (N,) nor of the logits' shape.
    DtypeError
        If labels are no integers.
    IndexError
        If a label is negative, or not below the number of classes.

    Notes
    -----
    Classes stand on axis 1: (N, C) with labels (N,), or (N, C, d1, ...) with labels (N, d1, ...).

    The derivative is the reason why softmax and logarithm stand in one loss. With :math:`p = \mathrm{softmax}(z)` and the
    one-hot :math:`y` of a label :math:`t`,

    .. math:: \frac{\partial \ell}{\partial z_i} = \frac{\partial}{\partial z_i} \Big(\log \sum_k e^{z_k} - z_t\Big)
        = \frac{e^{z_i}}{\sum_k e^{z_k}} - \delta_{it} = p_i - y_i

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.CrossEntropyLoss()(tg.zeros(2, 10), tg.tensor([3, 7]))
    tensor(2.3026)
    """

    @staticmethod
    def check(x, target, *, reduction):
        require_float("CrossEntropyLoss", x)
        if x.ndim < 2:
            raise ShapeError(f"CrossEntropyLoss: expected logits of shape (batch, classes), got {x.shape}")
        if target.shape == x.shape and target.dtype.kind == "f":
            return
        expected = (x.shape[0], *x.shape[2:])
        if target.dtype.kind not in "iu":
            raise DtypeError(
                f"CrossEntropyLoss: expected integer labels of shape {expected}, or probabilities of the logits' shape "
                f"{x.shape}; got shape {target.shape} {target.dtype}"
            )
        if target.shape != expected:
            raise ShapeError(
                f"CrossEntropyLoss: expected labels of shape {expected} for logits of shape {x.shape}, got {target.shape}"
            )
        if target.size and not 0 <= target.min() <= target.max() < x.shape[1]:
            raise IndexError(
                f"CrossEntropyLoss: expected labels from 0 to {x.shape[1] - 1}, got {target.min()} to {target.max()}"
            )

    @staticmethod
    def definition(x, target, *, reduction):
        x = x - x.amax(1, keepdim=True).detach()  # so that the largest does not round the others away
        log_p = x - x.logsumexp(1, keepdim=True)
        if target.dtype.kind in "fO":  # objects are exact numbers
            losses = -(target * log_p).sum(1)
        else:
            losses = -log_p.gather(1, target.reshape((target.shape[0], 1, *target.shape[1:]))).squeeze(1)
        return reduced(losses, "sum") / count(losses) if reduction == "mean" else reduced(losses, reduction)

    @staticmethod
    def by_hand(x, target, *, reduction):
        log_p = log_softmax(x, 1)  # z − log Σ_k e^z_k
        if target.dtype.kind in "fO":  # objects are exact numbers
            losses = -(target * log_p).sum(1)
        else:
            losses = -np.take_along_axis(log_p, target[:, None], 1)[:, 0]
        loss = reduced(losses, reduction)

        def backward(dy):
            # p − y for a label; for probabilities the same sum weighted by y_k gives p Σ_k y_k − y, and
            # ∂ℓ/∂y_k = −log p_k. Where p_i is nearly 1, no digit is left of p_i − 1. As Σ_k p_k = 1, it is −Σ_{k≠i} p_k:
            #   p_i Σ_k y_k − y_i = p_i Σ_{k≠i} y_k − y_i (1 − p_i) = p_i Σ_{k≠i} y_k − y_i Σ_{k≠i} p_k
            each = shared(dy, losses.size, reduction) * np.ones_like(losses)
            each = each[:, None]
            dx = np.exp(log_p)
            if target.dtype.kind in "fO":  # objects are exact numbers
                dx = dx * others(target, 1) - target * others(dx, 1)
                return dx * each, lambda: -log_p * each
            at = target[:, None]
            np.put_along_axis(dx, at, 0, 1)
            np.put_along_axis(dx, at, -dx.sum(1, keepdims=True), 1)
            return dx * each, None

        return loss, backward

    @staticmethod
    def example(n: Size = 64, c: Size = 10, probabilities: bool = False, reduction: Reduction = "mean") -> Case:
        target = real(n, c, low=0.0, high=1.0) if probabilities else labels(n, classes=c)
        return applied(CrossEntropyLoss(reduction), real(n, c), target)


def count(losses: Tensor) -> float:
    """Number of elements, as a Python float."""
    return float(np.prod(losses.shape))
