"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, plus

__all__ = ["SGD"]


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum :math:`\mu`, dampening :math:`\tau` and weight decay :math:`\lambda`.

    .. math::
        g_t &= \nabla L(w_{t-1}) + \lambda w_{t-1} \\
        b_t &= \mu\, b_{t-1} + (1 - \tau)\, g_t, \qquad b_1 = g_1 \\
        w_t &= w_{t-1} - \eta\, b_t \qquad\text{or, with Nesterov,}\qquad w_t = w_{t-1} - \eta\,(g_t + \mu\, b_t)

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See :class:`Optimizer`.
    lr : float, default 1e-3
        :math:`\eta`.
    momentum, dampening, weight_decay : float, default 0
        :math:`\mu`, :math:`\tau`, :math:`\lambda`.
    nesterov : bool, default False
    maximize : bool, default False
        Climb instead.

    Raises
    ------
    ValueError
        If an option is negative, or Nesterov goes without momentum or with dampening.

    References
    ----------
    .. [1] I. Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> optimizer = tg.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, group: dict[str, Any]) -> None:
        """Refuse options that are out of range or do not go together."""
        super().check(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                f"SGD: Nesterov momentum needs momentum above 0 and no dampening, got momentum={group['momentum']}, "
                f"dampening={group['dampening']}"
            )

    def update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step for one parameter."""
        if group["weight_decay"]:
            g = plus(g, group["weight_decay"], w)
        mu = group["momentum"]
        if mu:
            b = state.get("momentum_buffer")
            if b is None:
                b = state["momentum_buffer"] = np.array(g)
            else:
                b *= mu
                b += (1 - group["dampening"]) * g if group["dampening"] else g
            g = plus(g, mu, b) if group["nesterov"] else b
        w -= group["lr"] * g
