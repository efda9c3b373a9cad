"""Methods that overwrite their tensor: value, gradients through what was overwritten, what the tensor cannot hold."""

import math

from tests.conformance.families import NOT_A_TENSOR, bounded
from tests.conformance.inputs import b, f, f16, f32, i, i32, pos, u8, v
from tests.conformance.sample import differs, edge, refused, sample

unit = bounded(0, 1)
EVERYWHERE = [
    *("abs", "asinh", "atan", "ceil", "cos", "cosh", "deg2rad", "erf", "erfc", "exp", "exp2", "expm1", "floor", "frac"),
    *(
        "i0",
        "neg",
        "rad2deg",
        "relu",
        "round",
        "sigmoid",
        "sign",
        "sin",
        "sinc",
        "sinh",
        "square",
        "tan",
        "tanh",
        "trunc",
    ),
]
WITHIN_1 = ["acos", "asin", "atanh", "erfinv"]
POSITIVE = ["log", "log10", "log1p", "log2", "reciprocal", "rsqrt", "sqrt"]
FLOATING = ["exp", "sin", "sigmoid", "sqrt", "erf", "tanh", "deg2rad", "i0", "lgamma"]
OF_TWO = ["add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "atan2", "copysign", "hypot", "xlogy"]
NUMBERS = ["add", "sub", "mul", "div", "floor_divide", "remainder", "fmod"]
WHOLE = ["add", "sub", "mul", "floor_divide", "remainder", "fmod"]


def on_leaf(x):
    """An in-place method on a leaf that requires a gradient."""
    x.detach().requires_grad_().mul_(2.0)


def on_view_of_leaf(x):
    """The same through a view."""
    x.detach().requires_grad_()[0].mul_(2.0)


def on_repeated(x):
    """The same on elements that share one place in memory."""
    x[:1].expand(3).mul_(2.0)


def stale_result(x):
    """A derivative that needs a result which was overwritten."""
    y = x.detach().requires_grad_().exp()
    y.mul_(2.0)
    y.sum().backward()


def stale_operand(x):
    """A derivative that needs an operand which was overwritten through a view."""
    y = x.clone()
    z = x.detach().requires_grad_() * y
    y[1] = 0.0
    z.sum().backward()


on_leaf.__name__ = on_view_of_leaf.__name__ = on_repeated.__name__ = "mul"


def through_view(x, y):
    """A write through a view reaches what it is a view of."""
    z = x.clone()
    z[1].mul_(y)
    z.view(-1)[:2].add_(y)
    return z.exp()


def again(x, y):
    """What was overwritten has its gradient from before, and what overwrote it from after."""
    z = x * x
    w = z.sin()
    z.mul_(y).add_(w)
    return z * w


def by_mask(x, y):
    """Assignment and in-place operations on what was assigned."""
    z = x.clone()
    z[z > 0] = 0.5
    z[:, 1] = y
    z.add_(z.clone())
    return z


def augmented(x, y):
    """Python's augmented operators."""
    z = x.clone()
    z += y
    z *= 2
    z -= x
    z /= y
    return z


TABLE = [
    # Of one operand
    *(sample(f"Tensor.{name}_", f(3, 4)) for name in EVERYWHERE),
    *(sample(f"Tensor.{name}_", f(3, 4, low=-1, high=1)) for name in WITHIN_1),
    *(sample(f"Tensor.{name}_", pos(3, 4)) for name in POSITIVE),
    # PyTorch's trigamma has nine digits.
    *(sample(f"Tensor.{name}_", pos(3, 4)).within(1e-8) for name in ("digamma", "lgamma")),
    *(
        edge(f"Tensor.{name}_", x).within(1e-6)
        for name in ("digamma", "lgamma")
        for x in (f32(3, low=1), pos(), pos(0, 3))
    ),
    *(refused(f"Tensor.{name}_", i(3)) for name in ("digamma", "log", "reciprocal")),
    sample("Tensor.acosh_", f(3, 4, low=1.5, high=3)),
    sample("Tensor.logit_", unit(3, 4)),
    sample("Tensor.logit_", unit(3, 4), 0.3),
    *(edge(f"Tensor.{name}_", unit(3, dtype="float32")) for name in (*EVERYWHERE, *WITHIN_1, *POSITIVE)),
    # The second derivative of sinc subtracts three numbers of size 1 from one another.
    *(
        edge(f"Tensor.{name}_", unit(3, dtype="float16")).within(2e-2 if name == "sinc" else 4e-3)
        for name in (*EVERYWHERE, *WITHIN_1, *POSITIVE)
    ),
    *(edge(f"Tensor.{name}_", unit()) for name in (*EVERYWHERE, *WITHIN_1, *POSITIVE)),
    *(edge(f"Tensor.{name}_", unit(0, 3)) for name in (*EVERYWHERE, *WITHIN_1, *POSITIVE)),
    *(
        edge(f"Tensor.{name}_", i(3))
        for name in ("abs", "neg", "square", "sign", "relu", "floor", "ceil", "trunc", "round")
    ),
    *(refused(f"Tensor.{name}_", x(3)) for name in FLOATING for x in (i, u8, b)),
    *(refused(f"Tensor.{name}_", f(3), nonsense=1) for name in (*EVERYWHERE, *WITHIN_1, *POSITIVE)),
    *(refused(f"Tensor.{name}_", f(3), 1, 2, 3) for name in (*EVERYWHERE, *WITHIN_1, *POSITIVE)),
    sample("Tensor.nan_to_num_", v([1.0, math.nan, math.inf, -math.inf]), nan=0.5, posinf=2.0, neginf=-2.0),
    sample("Tensor.round_", f(3, 4), decimals=1),
    # Of two
    *(sample(f"Tensor.{name}_", f(3, 4), pos(3, 4)) for name in OF_TWO),
    *(sample(f"Tensor.{name}_", f(3, 4), pos(4)) for name in OF_TWO),
    *(sample(f"Tensor.{name}_", f32(3), f32(3, low=1)) for name in OF_TWO),
    *(edge(f"Tensor.{name}_", f32(3), pos(3)) for name in OF_TWO),
    *(edge(f"Tensor.{name}_", f32(3), i(3)) for name in OF_TWO),
    *(edge(f"Tensor.{name}_", f16(3), pos()) for name in OF_TWO),
    *(edge(f"Tensor.{name}_", f(0, 3), pos(3)) for name in OF_TWO),
    *(edge(f"Tensor.{name}_", f(), pos()) for name in OF_TWO),
    *(sample(f"Tensor.{name}_", f(3), 1.5) for name in NUMBERS),
    *(edge(f"Tensor.{name}_", f32(3), 2) for name in NUMBERS),
    *(sample(f"Tensor.{name}_", i(3), 2) for name in WHOLE),
    *(edge(f"Tensor.{name}_", i32(3), i(3)) for name in WHOLE),
    *(edge(f"Tensor.{name}_", u8(3), i()) for name in WHOLE),
    *(refused(f"Tensor.{name}_", i(3), x) for name in NUMBERS for x in (1.5, f(3))),
    *(refused(f"Tensor.{name}_", b(3), i(3)) for name in WHOLE),
    *(refused(f"Tensor.{name}_", f(4), f(3, 4)) for name in OF_TWO),
    *(refused(f"Tensor.{name}_", f(1), f(3)) for name in OF_TWO),
    *(refused(f"Tensor.{name}_", f(), f(3)) for name in OF_TWO),
    *(refused(f"Tensor.{name}_", f(3), f(4)) for name in OF_TWO),
    *(refused(f"Tensor.{name}_", f(3), "text") for name in OF_TWO),
    *(refused(f"Tensor.{name}_", f(3)) for name in OF_TWO),
    sample("Tensor.add_", f(3), f(3), alpha=2),
    sample("Tensor.sub_", f(3), f(3), alpha=0.5),
    refused("Tensor.add_", i(3), i(3), alpha=0.5),
    *(sample("Tensor.pow_", pos(3), x) for x in (f(3), 2, 0.5, -1)),
    sample("Tensor.pow_", i(3), 2),
    refused("Tensor.pow_", i(3), 0.5),
    refused("Tensor.pow_", pos(3), f(2, 3)),
    *(
        sample(f"Tensor.{name}_", f(3, 4), low, high)
        for name in ("clamp", "clip")
        for low, high in ((-1.0, 1.0), (None, 0.2), (0.2, None))
    ),
    sample("Tensor.clamp_", f(3, 4), f(4), f(3, 1)),
    edge("Tensor.clamp_", i(3), 2, 4),
    *(refused(f"Tensor.{name}_", f(3)) for name in ("clamp", "clip")),
    *(sample("Tensor.lerp_", f(3, 4), f(4), weight) for weight in (0.3, f(3, 1))),
    refused("Tensor.lerp_", f(3), f(2, 3), 0.3),
    *(sample(f"Tensor.{name}_", f(3, 4), f(4), pos(3, 1), value=2) for name in ("addcmul", "addcdiv")),
    sample("Tensor.addmv_", f(2), f(2, 3), f(3), beta=0.5, alpha=2),
    sample("Tensor.addr_", f(2, 3), f(2), f(3), beta=0.5, alpha=2),
    sample("Tensor.addbmm_", f(3, 5), f(2, 3, 4), f(2, 4, 5), beta=0.5, alpha=2),
    *(refused(f"Tensor.{name}_", f(3), f(2, 3), f(3)) for name in ("addcmul", "addcdiv")),
    # By places
    *(sample(f"Tensor.{name}_", f(3, 4), k) for name in ("tril", "triu") for k in (-1, 0, 1)),
    *(sample("Tensor.masked_fill_", f(3, 4), b(4), x) for x in (2.5, f())),
    refused("Tensor.masked_fill_", f(4), b(3, 4), 1.0),
    sample("Tensor.scatter_", f(3, 4), 1, v([[1], [3], [0]]), f(3, 1)),
    sample("Tensor.scatter_", f(3, 4), 1, v([[1], [3], [0]]), 2.0),
    sample("Tensor.scatter_add_", f(3, 4), 1, v([[1, 1], [3, 3], [0, 2]]), f(3, 2)),
    sample("Tensor.index_add_", f(3, 4), 0, v([1, 1]), f(2, 4), alpha=2),
    sample("Tensor.index_copy_", f(3, 4), 0, v([1, 2]), f(2, 4)),
    sample("Tensor.index_fill_", f(3, 4), 1, v([1, 2]), 0.5),
    *(sample("Tensor.index_put_", f(3, 4), (v([0, 2]), v([1, 1])), f(2), accumulate=a) for a in (False, True)),
    # Values
    *(sample("Tensor.fill_", x(3, 4), 2) for x in (f, f32, i, u8, b)),
    *(sample("Tensor.fill_", f(3, 4), x) for x in (2.5, f(), True)),
    *(edge("Tensor.fill_", x, 1.5) for x in (f(), f(0, 3), i(3), f(4, 3).t)),
    *(refused("Tensor.fill_", f(3), x) for x in (f(3), f(1), "text", None)),
    *(sample("Tensor.zero_", x(3, 4)) for x in (f, f32, i, u8, b)),
    *(edge("Tensor.zero_", x) for x in (f(), f(0, 3), f(4, 3).t)),
    *(refused("Tensor.zero_", f(3), x) for x in (1, f(3))),
    *(sample("Tensor.copy_", f(3, 4), x) for x in (f(3, 4), f(4), f(3, 1), f(), f32(3, 4), i(4), b(3, 4))),
    *(edge("Tensor.copy_", x(3), f(3)) for x in (f32, f16, i, u8, b)),
    differs("Tensor.copy_", f(3), f(1, 3), because="leading dimensions of length 1 are dropped, as in assignment"),
    *(refused("Tensor.copy_", f(3), x) for x in (f(4), f(2, 3), "text", None)),
    # What they may not touch, and what they reach
    refused(on_leaf, f(3)),
    refused(on_view_of_leaf, f(3)),
    refused(on_repeated, f(3)),
    refused(stale_result, f(3)),
    refused(stale_operand, f(3)),
    sample(through_view, f(3, 4), pos()),
    sample(again, f(3, 4), f(4)),
    sample(by_mask, f(3, 4), f(3)),
    sample(augmented, f(3, 4), pos(4)),
    sample("Tensor.requires_grad_", f(3)).then(lambda y: y * 1.0),
    refused("Tensor.requires_grad_", i(3)),
    # Random values
    *(sample(f"Tensor.{name}_", x(3, 4)).shape() for name in ("uniform", "normal", "bernoulli") for x in (f, f32)),
    *(
        edge(f"Tensor.{name}_", x).shape()
        for name in ("uniform", "normal", "bernoulli")
        for x in (f(), f(0, 3), f16(3))
    ),
    sample("Tensor.uniform_", f(3), 2.0, 5.0).shape(),
    sample("Tensor.normal_", f(3), mean=1.0, std=2.0).shape(),
    sample("Tensor.bernoulli_", f(3), 0.0),
    sample("Tensor.bernoulli_", f(3), 1.0),
    edge("Tensor.normal_", f(3), 1.5, 0.0),
    edge("Tensor.bernoulli_", i(3), 1.0),
    refused("Tensor.uniform_", f(3), 5.0, 2.0),
    refused("Tensor.uniform_", i(3)),
    refused("Tensor.normal_", i(3)),
    refused("Tensor.normal_", f(3), 0.0, -1.0),
    *(refused("Tensor.bernoulli_", f(3), p) for p in (1.5, -0.5)),
    differs("Tensor.bernoulli_", f(3), "text", because=NOT_A_TENSOR),
]
