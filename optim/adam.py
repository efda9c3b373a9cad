"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, plus

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    r"""Steps of a size that hardly depends on the gradient's, from running means of it and of its square.

    .. math::
        g_t &= \nabla L(w_{t-1}) + \lambda w_{t-1} \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2 \\
        w_t &= w_{t-1} - \eta\, \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See :class:`Optimizer`.
    lr : float, default 1e-3
        :math:`\eta`.
    betas : (float, float), default (0.9, 0.999)
        :math:`\beta_1`, :math:`\beta_2`.
    eps : float, default 1e-8
        :math:`\epsilon`.
    weight_decay : float, default 0
        :math:`\lambda`.
    amsgrad : bool, default False
        Divide by the largest :math:`v` so far [2]_.
    maximize : bool, default False
        Climb instead.

    Raises
    ------
    ValueError
        If an option is out of range.

    References
    ----------
    .. [1] D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
    .. [2] S. Reddi et al., "On the convergence of Adam and beyond", ICLR 2018, algorithm 2.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> optimizer = tg.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
            },
        )

    def check(self, group: dict[str, Any]) -> None:
        """Refuse options that are out of range."""
        super().check(group)
        if not all(0 <= beta < 1 for beta in group["betas"]):
            raise ValueError(f"{type(self).__name__}: expected betas of at least 0 and below 1, got {group['betas']}")

    def decayed(self, w: np.ndarray, g: np.ndarray, group: dict[str, Any]) -> np.ndarray:
        """The gradient with the weight decay's own, λ w, added."""
        return plus(g, group["weight_decay"], w)

    def update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step for one parameter."""
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(w), exp_avg_sq=np.zeros_like(w))
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = np.zeros_like(w)
        if group["weight_decay"]:
            g = self.decayed(w, g, group)
        state["step"] = t = state["step"] + 1
        beta1, beta2 = group["betas"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        # One array for all that is temporary.
        scratch = np.multiply(g, 1 - beta1, out=np.empty_like(w))  # (1 − β₁) g
        m *= beta1
        m += scratch
        scratch *= g
        scratch *= (1 - beta2) / (1 - beta1)  # (1 − β₂) g²
        v *= beta2
        v += scratch
        if group["amsgrad"]:
            v = np.maximum(v, state["max_exp_avg_sq"], out=state["max_exp_avg_sq"])
        # With c₁ = 1 − β₁^t and c₂ = 1 − β₂^t the step is η (m/c₁) / (√(v/c₂) + ε) = η (√c₂/c₁) m / (√v + ε √c₂), which
        # spares two passes over the arrays (the order that the paper's section 2 recommends).
        c1, root_c2 = 1 - beta1**t, (1 - beta2**t) ** 0.5
        np.sqrt(v, out=scratch)
        scratch += group["eps"] * root_c2
        np.divide(m, scratch, out=scratch)
        scratch *= group["lr"] * root_c2 / c1
        w -= scratch


class AdamW(Adam):
    r"""Adam whose weight decay shrinks the weights directly, :math:`w \leftarrow (1 - \eta\lambda)\,w`, before a step.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See :class:`Optimizer`.
    lr : float, default 1e-3
        :math:`\eta`.
    betas : (float, float), default (0.9, 0.999)
    eps : float, default 1e-8
    weight_decay : float, default 1e-2
        :math:`\lambda`.
    amsgrad : bool, default False
    maximize : bool, default False

    See Also
    --------
    Adam : for the step itself.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> optimizer = tg.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (0 * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.95], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def decayed(self, w: np.ndarray, g: np.ndarray, group: dict[str, Any]) -> np.ndarray:
        """The gradient as it is: the weights themselves are shrunk, in place."""
        w *= 1 - group["lr"] * group["weight_decay"]
        return g
