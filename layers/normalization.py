"""Batch normalization."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, applied, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import no_grad
from tinygrad_edu.layers.kernels import channel_affine, channel_combination, channel_dot, channel_moments, channel_sum
from tinygrad_edu.layers.layer import Layer, require_float
from tinygrad_edu.layers.module import Parameter
from tinygrad_edu.ops import ones, zeros
from tinygrad_edu.tensor import tensor

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class _BatchNorm(Layer):
    ranks: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(ones(num_features, dtype=dtype, device=device)) if affine else None
        self.bias = Parameter(zeros(num_features, dtype=dtype)) if affine else None
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def check_rank(self, x: Any) -> None:
        """Refuse an input of the wrong number of dimensions or channels."""
        if x.ndim not in self.ranks or x.shape[1] != self.num_features:
            rest = {2: "", 3: ", length", 4: ", height, width"}
            wanted = " or ".join(f"(batch, {self.num_features}{rest[rank]})" for rank in self.ranks)
            raise ShapeError(f"{self.name}: expected an input of shape {wanted}, got {x.shape}")

    def prepare(self, x: Any) -> dict[str, Any]:
        self.check_rank(x)
        require_float(self.name, x)
        if self.training:
            check_batch(self.name, x)
        from_batch = self.training or self.running_mean is None
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked += 1
            if momentum is None:  # a plain average over all batches so far
                momentum = 1 / self.num_batches_tracked.item()
        return {"training": from_batch, "momentum": momentum}

    @staticmethod
    def check(x, weight, bias, *, running_mean, running_var, training, momentum, eps):
        for v in (weight, bias, running_mean, running_var):
            if v is not None and v.shape != x.shape[1:2]:
                raise ShapeError(
                    f"batch_norm: expected weight, bias and statistics of shape {x.shape[1:2]} for an input of shape "
                    f"{x.shape}, got {v.shape}"
                )
        if training:
            check_batch("batch_norm", x)

    @staticmethod
    def definition(x, weight, bias, *, running_mean, running_var, training, momentum, eps):
        axes = (0, *range(2, x.ndim))
        if training:
            mean = x.mean(axes, keepdim=True)
            var = ((x - mean) ** 2).mean(axes, keepdim=True)
            with no_grad():
                update(running_mean, running_var, mean.reshape(-1), var.reshape(-1), x, momentum)
        else:
            mean, var = column(running_mean, x), column(running_var, x)
        x_hat = (x - mean) / (var + eps).sqrt()
        return x_hat if weight is None else x_hat * column(weight, x) + column(bias, x)

    @staticmethod
    def by_hand(x, weight, bias, *, running_mean, running_var, training, momentum, eps):
        # y = γ x̂ + β with x̂ = (x − μ) r and r = 1/√(σ² + ε), for each channel over its m = N·H·W values.
        if training:
            mean, var = channel_moments(x)
            update(running_mean, running_var, mean, var, x, momentum)
        else:
            mean, var = running_mean.copy(), running_var
        r = 1 / np.sqrt(var + eps)
        scale = r if weight is None else weight * r
        y = channel_affine(x, scale, -mean * scale if bias is None else bias - mean * scale)

        def backward(dy):
            # dβ = Σ_j dy_j and dγ = Σ_j dy_j x̂_j = r (Σ_j dy_j x_j − μ Σ_j dy_j), since y_j = γ x̂_j + β.
            dbias = channel_sum(dy)
            dweight = r * (channel_dot(dy, x) - mean * dbias)
            if not training:
                # μ and σ² are constants: ∂y_i/∂x_i = γ r.
                dx = lambda: channel_affine(dy, scale, np.zeros_like(scale))
            else:
                # x_i reaches y_j three ways: directly, through μ and through σ². With ∂μ/∂x_i = 1/m and
                # ∂σ²/∂x_i = 2 (x_i − μ)/m, and so ∂r/∂x_i = −r³ (x_i − μ)/m = −r² x̂_i/m:
                #   ∂x̂_j/∂x_i = r (δ_ij − 1/m − x̂_i x̂_j/m)
                #   dx_i = γ r (dy_i − 1/m Σ_j dy_j − x̂_i/m Σ_j dy_j x̂_j) = γ r (dy_i − dβ/m − x̂_i dγ/m)
                # and, as x̂_i = (x_i − μ) r, this is a combination a dy_i + b x_i + c for each channel.
                m = max(1, x.size // x.shape[1])
                b = -scale * r * dweight / m
                dx = lambda: channel_combination(scale, dy, b, x, -scale * dbias / m - b * mean)
            return (dx, dweight, dbias) if weight is not None else (dx, None, None)

        return y, backward

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


def check_batch(name: str, x: Any) -> None:
    """Refuse a single value for each channel, which has no variance."""
    if x.shape[0] * int(np.prod(x.shape[2:])) == 1:
        raise ShapeError(
            f"{name}: training needs more than one value for each channel to take a variance of, got {x.shape}; "
            "use a larger batch, or eval()"
        )


def column(v, x):
    """(C,) shaped to broadcast against (N, C, ...)."""
    return v.reshape((-1, *(1,) * (x.ndim - 2)))


def update(running_mean, running_var, mean, var, x, momentum):
    """Move the running statistics, in place, towards a batch's; the variance by its unbiased estimate σ² m/(m − 1)."""
    m = float(x.shape[0] * np.prod(x.shape[2:]))
    if running_mean is not None and m > 0:  # an empty batch says nothing
        running_mean += (mean - running_mean) * momentum
        running_var += (var * (m / max(m - 1, 1)) - running_var) * momentum


class BatchNorm2d(_BatchNorm):
    r"""Batch normalization of images: each channel to mean 0 and variance 1, then scaled and shifted.

    .. math:: y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training :math:`\mu` and :math:`\sigma^2` (biased, over :math:`m = N H W` values) are the batch's own, and the
    running statistics move towards them: :math:`\hat\mu \leftarrow (1 - \alpha)\hat\mu + \alpha\mu`, likewise
    :math:`\hat\sigma^2` with the unbiased variance. In evaluation the running statistics take their place.

    Parameters
    ----------
    num_features : int
        Number of channels :math:`C`.
    eps : float, default 1e-5
        :math:`\epsilon`.
    momentum : float or None, default 0.1
        :math:`\alpha`; None averages over all batches so far.
    affine : bool, default True
        Whether :math:`\gamma` and :math:`\beta` are there.
    track_running_stats : bool, default True
        Whether running statistics are kept; without them evaluation uses the batch's own.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    dtype : numpy.dtype, optional
        Type of the parameters; the default float type if omitted.

    Attributes
    ----------
    weight, bias : Parameter or None
        :math:`\gamma` (initially 1) and :math:`\beta` (initially 0), of shape (C,).
    running_mean, running_var : Tensor or None
        Of shape (C,).

    Raises
    ------
    ShapeError
        If the input is not (N, C, H, W), or in training holds a single value for each channel.

    References
    ----------
    .. [1] S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015, algorithm 1.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> y = nn.BatchNorm2d(3)(tg.randn(8, 3, 4, 4))
    >>> bool((y.mean((0, 2, 3)).abs() < 1e-6).all())
    True
    """

    ranks = (4,)

    @staticmethod
    def example(n: Size = 64, c: Size = 16, h: Size = 28, affine: bool = True, training: bool = True) -> Case:
        return applied(BatchNorm2d(c, affine=affine).train(training), real(n + 1, c, h, h))


class BatchNorm1d(_BatchNorm):
    r"""Batch normalization of vectors (N, C) or sequences (N, C, L); see :class:`BatchNorm2d` for the mathematics.

    Parameters
    ----------
    num_features : int
        Number of channels :math:`C`.
    eps : float, default 1e-5
    momentum : float or None, default 0.1
    affine : bool, default True
    track_running_stats : bool, default True
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    dtype : numpy.dtype, optional

    Raises
    ------
    ShapeError
        If the input is neither (N, C) nor (N, C, L), or in training holds a single value for each channel.

    References
    ----------
    .. [1] S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015, algorithm 1.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.BatchNorm1d(2)(tg.tensor([[1.0, 4.0], [3.0, 4.0]])).round()
    tensor([[-1.,  0.],
            [ 1.,  0.]], grad_fn=<round>)
    """

    ranks = (2, 3)

    @staticmethod
    def example(
        n: Size = 64, c: Size = 128, rank: Literal[2, 3] = 2, affine: bool = True, training: bool = True
    ) -> Case:
        return applied(BatchNorm1d(c, affine=affine).train(training), real(n + 1, c, *(2,) * (rank - 2)))
