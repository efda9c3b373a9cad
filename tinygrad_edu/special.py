"""Special functions under the names of ``torch.special``; most stand in :mod:`tinygrad_edu.ops.special`."""

from tinygrad_edu.ops.arithmetic import round
from tinygrad_edu.ops.exponential import exp2, expm1, log1p, sigmoid
from tinygrad_edu.ops.softmax import log_softmax, logsumexp, softmax
from tinygrad_edu.ops.special import (
    digamma,
    entr,
    erf,
    erfc,
    erfinv,
    i0,
    i1,
    lgamma,
    logit,
    polygamma,
    sinc,
    xlog1py,
    xlogy,
)

expit = sigmoid
gammaln = lgamma
psi = digamma

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "i0",
    "i1",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]
