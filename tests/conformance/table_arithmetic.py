"""Sums, products, quotients, powers, roundings, signs."""

import math
import operator
from collections.abc import Callable

from tests.conformance.families import HALVES, NOT_A_TENSOR, SPECIAL, of_one, of_two
from tests.conformance.inputs import b, f, f32, i, i32, pos, ties, u8, v, zeros
from tests.conformance.sample import Row, differs, edge, refused, sample
from tinygrad_edu.dtypes import float32

ONES = [
    "neg",
    "abs",
    "square",
    "sign",
    "relu",
    "floor",
    "ceil",
    "trunc",
    "round",
    "frac",
    "deg2rad",
    "reciprocal",
    "rad2deg",
]


IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv]


def on_a_clone(call: Callable) -> Callable:
    """An operator in place, so that what it overwrites is no leaf."""
    found = lambda x, *rest: call(x.clone(), *rest)
    found.__name__ = call.__name__
    return found


def operators(*names: str) -> list[Row]:
    """Python's operators with a tensor on either side or on both."""
    found = []
    for name in names:
        call = getattr(operator, name)
        found += [
            sample(call, f(3, 4, low=1, high=3), f(4, low=1, high=3)),
            sample(call, i(3), i(3)),
            sample(call, f(3, low=1, high=3), 2),
            sample(call, 2.0, f(3, low=1, high=3)),
            sample(call, 2, i(3)),
            edge(call, f32(3, low=1, high=3), 2.5),
            edge(call, 2.5, f32(3, low=1, high=3)),
            edge(call, i(3), 1.5),
            edge(call, 1.5, i32(3)),
            edge(call, f(0), 2),
            edge(call, 2, f(low=1, high=3)),
            refused(call, f(3), f(2)),
            refused(call, f(3), "text"),
        ]
    return found


TABLE = [
    # Of two operands
    *(row for name in ("add", "mul") for row in of_two(name)),
    *of_two("sub", booleans=False),
    *(row for name in ("div", "floor_divide", "remainder", "fmod") for row in of_two(name, booleans=False)),
    sample("add", f(3, 4), f(4), alpha=2),
    sample("add", f(3), 1.5, alpha=2),
    sample("sub", f(3, 4), f(4), alpha=0.5),
    sample("add", i(3), i(3), alpha=2),
    edge("add", f(3), f(3), alpha=0),
    edge("add", b(3), b(3)),
    edge("add", b(3), 1),
    edge("mul", b(3), b(3)),
    edge("div", b(3), b(3)),
    edge("add", SPECIAL, 1),
    edge("mul", SPECIAL, 0.0),
    refused("add", i(3), i(3), alpha=0.5),
    refused("sub", b(3), b(3)),
    refused("sub", b(3), True),
    sample("div", f(3, 4), f(4), rounding_mode="floor"),
    sample("div", f(3, 4), f(4), rounding_mode="trunc"),
    sample("div", i(3, low=-9, high=9), i(3), rounding_mode="floor"),
    sample("div", i(3, low=-9, high=9), i(3), rounding_mode="trunc"),
    edge("div", f(3), 0.0),
    edge("div", f(3), zeros(3)),
    edge("div", zeros(3), zeros(3)),
    edge("div", i(3), 0),
    edge("div", f(3), f(3), rounding_mode=None),
    refused("div", f(3), f(3), rounding_mode="nearest"),
    refused("div", i(3), 0, rounding_mode="floor"),
    sample("floor_divide", i(4, low=-9, high=9), v([2, -2, 3, -3])),
    sample("remainder", i(4, low=-9, high=9), v([2, -2, 3, -3])),
    sample("fmod", i(4, low=-9, high=9), v([2, -2, 3, -3])),
    edge("floor_divide", v([-7.0, 7.0, -6.0, 6.0]), v([2.0, -2.0, 3.0, -3.0])),
    edge("remainder", v([-7.0, 7.0, -6.0, 6.0]), v([2.0, -2.0, 3.0, -3.0])),
    edge("fmod", v([-7.0, 7.0, -6.0, 6.0]), v([2.0, -2.0, 3.0, -3.0])),
    edge("remainder", f(3), 0.0),
    edge("fmod", f(3), 0.0),
    edge("floor_divide", f(3), 0.0),
    edge("remainder", v([1.0, math.inf, math.nan]), v([math.inf, 2.0, 2.0])),
    # The rule's quotient a / b is not finite here, and so its derivative, PyTorch's 0, is NaN.
    edge("fmod", v([1.0, math.inf, math.nan]), v([math.inf, 2.0, 2.0])).first(),
    sample("remainder", 7, f(3)).only("remainder"),
    refused("floor_divide", i(3), 0),
    refused("floor_divide", i(3), v([1, 0, 2])),
    refused("remainder", i(3), 0),
    refused("fmod", i(3), v([1, 0, 2])),
    # Powers
    *(row for row in of_two("pow") if row.kind == "refused"),
    sample("pow", pos(3, 4), f(4)),
    sample("pow", f(3, 4), 2),
    sample("pow", f(3, 4), 3.0),
    sample("pow", pos(3), 0.5),
    sample("pow", pos(3), -1.5),
    sample("pow", 2, f(3)).only("pow"),
    sample("pow", 2.5, f32(3)).only("pow"),
    sample("pow", i(3), i(3)),
    sample("pow", i(3), 2),
    edge("pow", f(3), 0),
    edge("pow", f(3), 1),
    edge("pow", f(3), zeros(3)),
    edge("pow", zeros(3), 0),
    edge("pow", zeros(3), 1),
    edge("pow", zeros(3), 2),
    edge("pow", zeros(3), 3),
    edge("pow", zeros(3), 0.5),
    edge("pow", zeros(3), -1),
    edge("pow", zeros(4), v([0.0, 1.0, 2.0, -1.0])),
    edge("pow", f(3, low=-2, high=-1), 0.5).first(),  # NaN
    edge("pow", f(3, low=-2, high=-1), v([2.0, 3.0, 0.5])),
    edge("pow", 0, v([0.0, 1.0, 2.0])).only("pow"),
    edge("pow", i(3), 0.5),
    edge("pow", i(3), f(3)).within(1e-7),  # PyTorch takes the logarithm of the integers in float32
    edge("pow", i32(3), 2),
    edge("pow", u8(3), 3),
    edge("pow", i(3, low=-3), 3),
    edge("pow", i(3), 0),
    edge("pow", pos(0, 3), f(3)),
    edge("pow", pos(), f()),
    edge("pow", pos(), 2),
    edge("pow", pos(3, 4).t, f(4, 6).step),
    edge("pow", f32(3, low=1), f(low=1)),
    edge("pow", SPECIAL, 2),
    edge("pow", v([0.0, 1.0, math.inf, math.nan, -1.0]), 0.5),
    edge("pow", SPECIAL, -1),
    edge("pow", b(3), 2),
    refused("pow", i(3), -1),
    # Of one operand
    *(row for name in ("neg", "abs", "relu") for row in of_one(name, booleans=False)),
    *(row for name in ("square", "sign") for row in of_one(name)),
    *(row for name in ("floor", "ceil", "trunc", "round") for row in of_one(name, booleans=False)),
    *(refused(name, b(3)) for name in ("floor", "ceil", "trunc", "round")),
    differs("abs", b(3), because="NumPy's absolute value of a boolean is itself"),
    *of_one("frac", integers=False, booleans=False),
    *(edge(name, values) for name in ONES for values in (SPECIAL, HALVES)),
    *(differs(name, "text", because=NOT_A_TENSOR) for name in ONES[2:-2]),
    *(row for name in ("reciprocal", "deg2rad", "rad2deg") for row in of_one(name)),
    edge("abs", zeros(3)),
    edge("sign", zeros(3)),
    edge("sign", b(3)),
    edge("square", b(3)),
    edge("reciprocal", b(3)),
    edge("reciprocal", zeros(2)),
    edge("abs", ties(2, 5)),
    edge("relu", ties(2, 5)),
    edge("relu", ties(2, 5, dtype=float32)),
    refused("neg", b(3)),
    refused("relu", b(3)),
    sample("round", f(3, 4), decimals=1),
    sample("round", f(3, low=100, high=900), decimals=-2),
    edge("round", f(3), decimals=0),
    edge("round", v([0.15, 0.25, 0.35, -0.25, 2.5]), decimals=1),
    refused("round", i(3), decimals=1),
    refused("round", f(3), decimals="one"),
    # Operators
    *operators("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"),
    sample(operator.neg, f(3)),
    sample(operator.abs, f(3)),
    sample(operator.pos, f(3)),
    edge(operator.neg, f()),
    edge(operator.abs, zeros(2)),
    edge(operator.pos, i()),
    refused(operator.neg, b(2)),
    refused(operator.pos, b(2)),
    *(sample(on_a_clone(call), f(3, 4), f(4)) for call in IN_PLACE),
    *(edge(on_a_clone(call), f(3), 2) for call in IN_PLACE),
    *(refused(on_a_clone(call), f(4), f(3, 4)) for call in IN_PLACE),
    *(refused(on_a_clone(call), i(4), 0.5) for call in IN_PLACE),
]
