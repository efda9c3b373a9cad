"""Exponentials, logarithms, roots, trigonometry, and special functions."""

import math

from tests.conformance.families import HALVES, NOT_A_TENSOR, SPECIAL, bounded, of_one, of_two
from tests.conformance.inputs import f, f32, i, pos, unit, v, zeros
from tests.conformance.sample import differs, edge, refused, sample

TRIGAMMA = 1e-8  # PyTorch's series for the trigamma function gives nine digits
REAL, POSITIVE, PROPER, ABOVE_1 = bounded(-2, 2), bounded(0.5, 3), bounded(-1, 1), bounded(1, 3)

FLOATS = dict(numbers=False, integers=False, booleans=False)
EVERYWHERE = ["exp", "exp2", "expm1", "sigmoid", "sin", "cos", "sinh", "cosh", "tanh", "asinh", "atan", "tan"]
WITH_A_DOMAIN = {
    **dict.fromkeys(["log", "log2", "log10", "sqrt", "rsqrt"], POSITIVE),
    **dict.fromkeys(["asin", "acos", "atanh", "erfinv"], PROPER),
    "log1p": bounded(-0.5, 2),
    "acosh": ABOVE_1,
}
ERRORS = {**dict.fromkeys(["erf", "erfc", "sinc"], REAL), "special.entr": POSITIVE}
BESSEL = ["i0", "special.i1"]
EVERY = [*EVERYWHERE, *WITH_A_DOMAIN, *ERRORS]

TABLE = [
    *(row for name in EVERYWHERE for row in of_one(name)),
    *(row for name, domain in WITH_A_DOMAIN.items() for row in of_one(name, domain)),
    *(row.within(TRIGAMMA) for name in ("lgamma", "digamma") for row in of_one(name, POSITIVE)),
    *(row for name, domain in ERRORS.items() for row in of_one(name, domain)),
    *(row for name in BESSEL for row in of_one(name)),
    *(edge(name, SPECIAL) for name in EVERY),
    *(edge(name, HALVES) for name in EVERY),
    *(edge(name, v([800.0, -800.0, 90.0, -90.0])) for name in EVERYWHERE),
    *(refused(name, "text") for name in ("exp", "exp2", "expm1", "sin", "cos", "sinh", "cosh", "tanh", "tan")),
    *(differs(name, "text", because=NOT_A_TENSOR) for name in ("sigmoid", "asinh", "atan")),
    *(edge(name, HALVES) for name in BESSEL),
    *(edge(name, v([0.0, -0.0, math.inf])).first() for name in BESSEL),  # I1 / x at infinity is inf / inf
    *(edge(name, v([-0.5, -1.5, -2.25, 30.0, 1e6])).within(TRIGAMMA) for name in ("lgamma", "digamma")),
    # At the poles PyTorch's trigamma is 1e33 in place of infinity.
    edge("lgamma", v([0.0, -1.0, 1.0, 2.0, math.inf, math.nan])).then(lambda y: y.detach()),
    edge("digamma", v([0.0, -0.0, -1.0, math.inf, math.nan])).then(lambda y: y.detach()),
    *(edge(name, v([1e-300, 1e-30, 1e30, 1e100])) for name in ("log", "log1p", "sqrt", "asinh", "sinh", "erf", "erfc")),
    # Of two operands
    *of_two("atan2", numbers=False),
    *(row for name in ("hypot", "logaddexp", "logaddexp2") for row in of_two(name, **FLOATS)),
    *of_two("xlogy", POSITIVE),
    *of_two("special.xlog1py", POSITIVE),
    *of_two("copysign"),
    *of_two("heaviside", mixed=False, booleans=False, numbers=False),
    sample("atan2", v([1.0, -1.0, 1.0, -1.0]), v([2.0, 2.0, -2.0, -2.0])),
    edge("atan2", v([0.0, 0.0, 1.0, -0.0]), v([1.0, -1.0, 0.0, -1.0])),
    edge("atan2", zeros(2), zeros(2)),
    edge("hypot", v([0.0, 3.0, 1e200]), v([4.0, 0.0, 1e200])),
    edge("hypot", zeros(2), zeros(2)),
    edge("logaddexp", v([800.0, -800.0, 0.0]), v([1.0, 0.0, 0.0])),
    edge("logaddexp", v([-math.inf, math.inf, -math.inf]), v([0.0, 0.0, -math.inf])),
    edge("logaddexp2", v([-math.inf, math.inf, -math.inf]), v([0.0, 0.0, -math.inf])),
    edge("xlogy", v([0.0, 0.0, 1.0, 0.0, 2.0]), v([0.0, 1.0, 0.0, math.nan, -1.0])),
    edge("xlogy", 0.0, v([0.0, 1.0])).only("xlogy"),
    sample("xlogy", 2, pos(3)).only("xlogy"),
    edge("special.xlog1py", v([0.0, 0.0, 1.0, 0.0, 2.0]), v([-1.0, 1.0, -1.0, math.nan, -2.0])),
    edge("copysign", v([0.0, -0.0, 1.0, -1.0]), v([-1.0, 1.0, -0.0, 0.0])),
    edge("heaviside", v([-1.0, 0.0, 2.0, -0.0, math.nan]), v([0.5, 0.5, 0.5, 0.25, 0.5])),
    differs("heaviside", f(3), i(3), because="types are promoted, as in every operation of two operands"),
    differs("hypot", f(3), 2.0, because="a number is an operand, as in every operation of two"),
    # With options
    sample("logit", unit(3, 4)),
    sample("logit", f32(3, low=0, high=1)),
    sample("logit", unit(3, 4), 0.2),
    sample("logit", f(3, 4), eps=0.2),
    edge("logit", unit()),
    edge("logit", unit(0, 3)),
    edge("logit", unit(3, 4).t),
    edge("logit", v([0.0, 1.0, 0.5])),
    edge("logit", v([0.0, 1.0, 0.5]), eps=0.0),
    edge("logit", v([-1.0, 2.0, math.nan])),
    edge("logit", v([0.2, 0.8, -1.0, 2.0]), eps=0.2),
    edge("logit", i(3, low=0, high=2)),
    differs("logit", unit(3), "text", because=NOT_A_TENSOR),
    refused("logit", unit(3), 0.1, 0.2),
    *(sample("polygamma", n, pos(3, 4)).within(TRIGAMMA) for n in range(4)),
    sample("polygamma", 1, f32(3, low=1, high=3)),
    *(sample("Tensor.polygamma", pos(3), n).within(TRIGAMMA) for n in range(3)),
    edge("polygamma", 1, pos()).within(TRIGAMMA),
    edge("polygamma", 1, pos(0, 3)).within(TRIGAMMA),
    edge("polygamma", 1, pos(3, 4).t).within(TRIGAMMA),
    edge("polygamma", 1, i(3)).within(TRIGAMMA),
    edge("polygamma", 2, v([-0.5, -1.5, 0.0])),
    edge("Tensor.polygamma", pos(), 1).within(TRIGAMMA),
    edge("Tensor.polygamma", pos(0), 1),
    refused("polygamma", -1, pos(3)),
    refused("polygamma", 1.5, pos(3)),
    refused("Tensor.polygamma", pos(3), -1),
    sample("nan_to_num", f(3, 4)),
    sample("nan_to_num", v([1.0, math.nan, math.inf, -math.inf]), 5.0).then(lambda y: y / 2),
    sample("nan_to_num", v([1.0, math.nan, math.inf, -math.inf]), nan=5.0, posinf=6.0, neginf=-6.0),
    edge("nan_to_num", v([1.0, math.nan, math.inf, -math.inf])).then(lambda y: y / 2),
    edge("nan_to_num", v([1.0, math.nan, math.inf, -math.inf], "float32")),
    edge("nan_to_num", f()),
    edge("nan_to_num", f(0)),
    edge("nan_to_num", f(3, 4).t, 1.0),
    edge("nan_to_num", i(3), 1.0),
    differs("nan_to_num", f(3), "text", because=NOT_A_TENSOR),
    refused("nan_to_num", f(3), 1, 2, 3, 4),
    edge("sinc", v([0.0, 1.0, -2.0, 0.5])),
    edge("special.entr", v([0.0, -1.0, 1.0])),
    edge("special.i1", v([0.0, 0.25, -30.0])),
    edge("erfinv", v([-1.0, 1.0, 0.0, 2.0, -2.0])),
]
