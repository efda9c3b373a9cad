"""``nn.functional`` and the modules of ``nn``: activations, losses, linear maps, convolution, pooling, normalization."""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable
from typing import Any

from tests.conformance.families import bounded
from tests.conformance.inputs import Input, b, f, f32, i, v, zeros
from tests.conformance.sample import Row, differs, edge, refused, sample

unit = bounded(0, 1)
SURE = v([0.0, 1.0, 0.0, 1.0])
REDUCTIONS = ("mean", "sum", "none")
LOSSES = ["mse_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"]
MODULES = {
    "mse_loss": "MSELoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}
MODULES |= {"cross_entropy": "CrossEntropyLoss", "conv2d": "Conv2d", "linear": "Linear", "softmax": "Softmax"}
MODULES |= {"max_pool2d": "MaxPool2d", "avg_pool2d": "AvgPool2d"}


def library(x: Any) -> Any:
    """The library that a tensor is of."""
    return importlib.import_module("torch" if type(x).__module__.startswith("torch") else "tinygrad_edu")


def module(name: str, *arguments: Any, training: bool = True, **options: Any) -> Callable:
    """A module of ``nn`` as a function of its inputs, and of its parameters and buffers by keyword."""

    def call(*inputs: Any, **state: Any) -> Any:
        home = library(inputs[0])
        made = getattr(home.nn, name)(*arguments, **options).train(training)
        made = made.double() if "float64" in str(inputs[0].dtype) else made
        return home.func.functional_call(made, state, inputs) if state else made(*inputs)

    call.__name__ = name
    return call


def said(row: Row) -> Row:
    """A refusal that speaks of the layer behind the function."""
    name = row.label.removeprefix("F.")
    return row.by(MODULES[name]) if name in MODULES else row


def normalized(x: Any, mean: Any, var: Any, *rest: Any, **options: Any) -> tuple:
    """Batch normalization with what it makes of its statistics."""
    mean, var = mean.clone(), var.clone()
    y = importlib.import_module(f"{library(x).__name__}.nn.functional").batch_norm(x, mean, var, *rest, **options)
    return y, mean, var


def loss(name: str, x: Callable[..., Input] = f, y: Callable[..., Input] = f) -> list[Row]:
    """A loss of two tensors of one shape, as a function and as a module; `x` and `y` make predictions and targets."""
    return [
        *(sample(f"F.{name}", x(3, 4), y(3, 4), reduction=how) for how in REDUCTIONS),
        *(sample(module(MODULES[name], reduction=how), x(3, 4), y(3, 4)) for how in REDUCTIONS),
        *(sample(f"F.{name}", x(*shape), y(*shape)) for shape in ((5,), (2, 3, 4), (1, 1))),
        sample(f"F.{name}", input=x(3), target=y(3)),
        sample(f"F.{name}", x(3, 4, dtype="float32"), y(3, 4, dtype="float32")),
        *(edge(f"F.{name}", x(), y(), reduction=how) for how in REDUCTIONS),
        *(edge(f"F.{name}", x(0, 3), y(0, 3), reduction=how) for how in REDUCTIONS),
        edge(f"F.{name}", x(4, 3).t, y(3, 8).step),
        edge(f"F.{name}", x(1, 4).expand(3, 4), y(4, 4).tail),
        said(refused(f"F.{name}", x(3), y(3), reduction="average")),
        said(refused(f"F.{name}", x(3), y(3), reduction=None)),
        refused(f"F.{name}", x(3)),
        refused(f"F.{name}", x(3), y(3), nonsense=1),
    ]


ROWS = [
    # Activations
    *(sample(f"F.{name}", f(3, 4)) for name in ("relu", "sigmoid", "tanh")),
    *(sample(module(name), f(3, 4)) for name in ("ReLU", "Sigmoid", "Tanh")),
    *(
        edge(module(name), x)
        for name in ("ReLU", "Sigmoid", "Tanh")
        for x in (f(), f(0, 3), f32(3), f(4, 3).t, zeros(3))
    ),
    *(edge(module(name), v([-1000.0, 1000.0, math.inf, -math.inf, math.nan])) for name in ("ReLU", "Sigmoid", "Tanh")),
    *(sample(name, f(3, 4), dim=dim) for name in ("F.softmax", "F.log_softmax") for dim in (0, 1, -1)),
    *(sample(module("Softmax", dim=dim), f(2, 3, 4)) for dim in (0, 1, -1)),
    *(edge(module("Softmax", dim=0), x) for x in (f(1), f32(3), f(4, 3).t, f(2, 0))),
    *(edge(module("Softmax", dim=0), x) for x in (v([1000.0, -1000.0, 0.0]), v([-math.inf, 1.0]), v([math.nan, 1.0]))),
    *(edge(name, x, dim=0) for name in ("F.softmax", "F.log_softmax") for x in (f(), f(0), f(3, 0), f(0, 3))),
    *(said(refused("F.softmax", *x)) for x in ([f(3), 1], [i(3), 0], [f(3), "0"], [f(3), 0.5])),
    # Losses
    *loss("mse_loss"),
    # PyTorch's second derivative adds 1e-12 to x (1 - x).
    *(row.within(1e-9) for row in loss("binary_cross_entropy", unit, unit)),
    *loss("binary_cross_entropy_with_logits", f, unit),
    # PyTorch holds x (1 - x) at 1e-12 rounded to float32.
    edge("F.binary_cross_entropy", SURE, v([0.0, 1.0, 1.0, 0.0]).still).first().within(1e-8),
    differs(
        "F.binary_cross_entropy",
        *(SURE.still, v([0.0, 1.0, 1.0, 0.0])),
        because="the logarithms are held at -100 in the target's gradient too, where PyTorch's is infinite",
    ).first(),
    differs(
        "F.binary_cross_entropy",
        *(SURE, v([0.0, 1.0, 1.0, 0.0]).still),
        because="a gradient that is itself recorded is NaN where a logarithm is infinite",
    ),
    edge(
        "F.binary_cross_entropy_with_logits", v([0.0, 1000.0, -1000.0, 30.0]), v([0.0, 1.0, 0.0, 0.5]), reduction="none"
    ),
    said(refused("F.binary_cross_entropy", v([1.5, 0.5]), unit(2))),
    said(refused("F.binary_cross_entropy", v([-0.1, 0.5]), unit(2))),
    said(refused("F.binary_cross_entropy", unit(3), unit(4))),
    said(refused("F.binary_cross_entropy", unit(3, 1), unit(3))),
    said(refused("F.binary_cross_entropy_with_logits", f(3), unit(4))),
    said(refused("F.binary_cross_entropy_with_logits", f(3, 1), unit(3))),
    said(refused("F.mse_loss", f(3), f(4))),
    differs("F.mse_loss", f(3, 1), f(3), because="a target of another shape is refused; PyTorch warns and broadcasts"),
    # Class labels and probabilities
    *(sample("F.cross_entropy", f(3, 4), i(3, low=0, high=4), reduction=how) for how in REDUCTIONS),
    *(sample("F.cross_entropy", f(3, 4), unit(3, 4), reduction=how) for how in REDUCTIONS),
    *(sample("F.cross_entropy", f(2, 4, 3), i(2, 3, low=0, high=4), reduction=how) for how in REDUCTIONS),
    *(
        sample("F.cross_entropy", f(2, 4, 2, 2), y, reduction="mean")
        for y in (i(2, 2, 2, low=0, high=4), unit(2, 4, 2, 2))
    ),
    *(sample(module("CrossEntropyLoss", reduction=how), f(3, 4), i(3, low=0, high=4)) for how in REDUCTIONS),
    *(sample("F.nll_loss", f(3, 4), i(3, low=0, high=4), reduction=how) for how in REDUCTIONS),
    sample("F.cross_entropy", input=f(3, 4), target=i(3, low=0, high=4)),
    sample("F.cross_entropy", f32(3, 4), i(3, low=0, high=4)),
    sample("F.nll_loss", input=f(3, 4), target=i(3, low=0, high=4)),
    edge("F.cross_entropy", f(4, 3).t, i(6, low=0, high=4).step),
    edge("F.cross_entropy", f(1, 1), v([0])),
    edge("F.cross_entropy", v([[1000.0, -1000.0, 0.0]]), v([1]), reduction="none"),
    *(edge("F.cross_entropy", f(0, 4), i(0), reduction=how) for how in REDUCTIONS[1:]),
    *(edge("F.nll_loss", f(0, 4), i(0), reduction=how) for how in REDUCTIONS[1:]),
    edge("F.nll_loss", f(4, 3).t, i(3, low=0, high=4)),
    *(
        said(refused("F.cross_entropy", f(3, 4), y))
        for y in (v([0, 4, 1]), v([0, -1, 1]), i(2), i(3, 1, high=4), f(3), b(3))
    ),
    said(refused("F.cross_entropy", f(3, 4), i(3, high=4), reduction="average")),
    *(sample("F.nll_loss", f(2, 4, 3), i(2, 3, low=0, high=4), reduction=how) for how in REDUCTIONS),
    *(refused("F.nll_loss", f(3, 4), y) for y in (v([0, 4, 1]), v([0, -1, 1]), i(2), i(3, 1, high=4), f(3))),
    refused("F.nll_loss", f(3, 4), i(3, high=4), reduction="average"),
    refused("F.cross_entropy", f(3, 4)),
    *(
        differs(f"F.{name}", f(3, 4), v([0, -100, 1]), because="no label is ignored")
        for name in ("cross_entropy", "nll_loss")
    ),
    differs("F.cross_entropy", f(4), v(1), because="a batch is expected"),
    differs("F.cross_entropy", f(3, 4), i(3, high=4), weight=f(4), because="classes have no weights"),
    differs("F.cross_entropy", f(3, 4), i(3, high=4), label_smoothing=0.1, because="labels are not smoothed"),
    sample("F.one_hot", i(3, low=0, high=4), 4),
    sample("F.one_hot", i(2, 3, low=0, high=4)),
    sample("F.one_hot", v([0, 2]), num_classes=5),
    *(edge("F.one_hot", x, 3) for x in (v(1), i(0), i(0, 2))),
    *(refused("F.one_hot", x, 3) for x in (v([0, 3]), v([-1, 0]), f(2))),
    refused("F.one_hot", i(0)),
    refused("F.one_hot", v([0, 1]), 0.5),
    # Linear maps
    *(sample("F.linear", f(*shape), f(5, 4)) for shape in ((4,), (3, 4), (2, 3, 4))),
    *(sample("F.linear", f(*shape), f(5, 4), f(5)) for shape in ((4,), (3, 4), (2, 3, 4))),
    sample("F.linear", input=f(3, 4), weight=f(5, 4), bias=f(5)),
    sample("F.linear", f32(3, 4), f32(5, 4), f32(5)),
    *(sample(module("Linear", 4, 5), f(*shape), weight=f(5, 4), bias=f(5)) for shape in ((4,), (3, 4), (2, 3, 4))),
    sample(module("Linear", 4, 5, bias=False), f(3, 4), weight=f(5, 4)),
    edge("F.linear", f(0, 4), f(5, 4), f(5)),
    edge("F.linear", f(4, 3).t, f(4, 5).t, f(10).step),
    edge("F.linear", f(1, 4).expand(3, 4), f(6, 4).tail),
    edge("F.linear", f(3, 1), f(1, 1), f(1)),
    *(said(refused("F.linear", f(*shape), f(5, 4))) for shape in ((3,), (3, 5), (), (4, 3))),
    said(refused("F.linear", f(3, 4), f32(5, 4))),
    said(refused("F.linear", i(3, 4), f(5, 4))),
    said(refused("F.linear", f(3, 4), f(5, 4), f(4))),
    refused("F.linear", f(3, 4)),
    # Convolution
    *(
        sample("F.conv2d", f(2, 4, 5, 6), f(6, 4 // groups, 3, 2), *bias, stride, padding, dilation, groups)
        for groups, bias, (stride, padding, dilation) in itertools.product(
            (1, 2), ([f(6)], [None]), ((1, 0, 1), (2, 1, 1), (1, 1, 2), ((1, 2), (2, 0), (1, 1)))
        )
    ),
    sample("F.conv2d", input=f(1, 1, 3, 3), weight=f(1, 1, 2, 2), bias=f(1), stride=1, padding=0, dilation=1, groups=1),
    sample("F.conv2d", f(1, 3, 4, 4), f(3, 1, 3, 3), groups=3),
    sample("F.conv2d", f32(2, 3, 5, 5), f32(4, 3, 3, 3), f32(4), padding=1),
    *(
        sample(module("Conv2d", 3, 4, 3, **o), f(2, 3, 5, 5), weight=f(4, 3, 3, 3), bias=f(4))
        for o in ({}, {"padding": 1}, {"stride": 2})
    ),
    *(
        sample(module("Conv2d", 3, 4, 3, padding=p), f(2, 3, 5, 5), weight=f(4, 3, 3, 3), bias=f(4))
        for p in ("same", "valid")
    ),
    sample(module("Conv2d", 3, 4, (1, 2), bias=False), f(2, 3, 5, 5), weight=f(4, 3, 1, 2)),
    edge("F.conv2d", f(1, 2, 3, 3), f(2, 2, 3, 3)),
    edge("F.conv2d", f(1, 2, 3, 3), f(2, 2, 1, 1)),
    edge("F.conv2d", f(2, 3, 5, 4).t, f(4, 3, 2, 3).t, f(8).step),
    edge("F.conv2d", f(0, 3, 5, 5), f(4, 3, 3, 3)),
    *(
        said(refused("F.conv2d", f(*x), f(4, 3, 3, 3)))
        for x in ((2, 4, 5, 5), (2, 3, 2, 5), (5, 5), (2, 3, 5, 5, 5), (3,))
    ),
    said(refused("F.conv2d", f(2, 3, 5, 5), f32(4, 3, 3, 3))),
    said(refused("F.conv2d", i(2, 3, 5, 5), f(4, 3, 3, 3))),
    said(refused("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3, 3), f(3))),
    said(refused("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3))),
    said(refused("F.conv2d", f(2, 4, 5, 5), f(3, 2, 3, 3), groups=2)),
    said(refused("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3, 3), groups=0)),
    *(refused("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3, 3), stride=s) for s in ("1", 0.5, (1, 1, 1))),
    *(
        said(refused("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3, 3), None, *rest))
        for rest in ((0,), (-1,), (1, -1), (1, 0, 0), (1, 0, -1))
    ),
    *(refused("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3, 3), padding=p) for p in ("nonsense", 0.5)),
    refused("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3, 3), dilation="1"),
    differs("F.conv2d", f(3, 5, 5), f(4, 3, 3, 3), because="a batch is expected"),
    differs("F.conv2d", f(2, 3, 5, 5), f(4, 3, 3, 3), padding="same", because="the function takes padding as ints"),
    # Pooling
    *(
        sample(f"F.{name}", f(2, 3, 5, 6), *geometry)
        for name in ("max_pool2d", "avg_pool2d")
        for geometry in ((2,), (2, 1), (3, 2, 1), ((2, 3),), ((2, 3), (1, 2), (1, 0)), (1,), (5,), (3, 3, 1))
    ),
    *(sample(module(name, 2, stride=1, padding=1), f(2, 3, 5, 6)) for name in ("MaxPool2d", "AvgPool2d")),
    *(
        sample(f"F.{name}", f32(2, 3, 4, 4), kernel_size=2, stride=2, padding=0)
        for name in ("max_pool2d", "avg_pool2d")
    ),
    sample("F.max_pool2d", f(2, 3, 6, 6), 2, 1, 0, 2),
    sample("F.max_pool2d", f(2, 3, 6, 6), 2, dilation=(1, 3), stride=2),
    sample("F.avg_pool2d", f(2, 3, 5, 5), 3, 2, 1, count_include_pad=False),
    edge("F.max_pool2d", zeros(1, 1, 4, 4), 2),
    edge("F.max_pool2d", zeros(1, 1, 4, 4), 3, 1, 1),
    edge("F.max_pool2d", v([[[[math.nan, 1.0], [2.0, 3.0]]]]), 2),
    edge("F.max_pool2d", v([[[[-math.inf, -math.inf], [-math.inf, -math.inf]]]]), 2),
    *(edge(f"F.{name}", f(2, 3, 6, 4).t, 2) for name in ("max_pool2d", "avg_pool2d")),
    *(edge(f"F.{name}", f(2, 3, 4, 8).step, 2) for name in ("max_pool2d", "avg_pool2d")),
    *(edge(f"F.{name}", f(0, 3, 4, 4), 2) for name in ("max_pool2d", "avg_pool2d")),
    *(
        said(refused(f"F.{name}", f(2, 3, 4, 4), *geometry))
        for name in ("max_pool2d", "avg_pool2d")
        for geometry in ((5,), (0,), (-1,), (2, 0), (2, -1), (2, 2, 2), (2, 2, -1), ("2",), ((2, 2, 2),), (0.5,))
    ),
    *(said(refused(f"F.{name}", f(4, 4), 2)) for name in ("max_pool2d", "avg_pool2d")),
    *(refused(f"F.{name}", f(2, 3, 4, 4)) for name in ("max_pool2d", "avg_pool2d")),
    *(differs(f"F.{name}", f(3, 4, 4), 2, because="a batch is expected") for name in ("max_pool2d", "avg_pool2d")),
    *(
        differs(f"F.{name}", f(2, 3, 5, 5), 2, ceil_mode=True, because="it is not there")
        for name in ("max_pool2d", "avg_pool2d")
    ),
    # Normalization
    *(
        sample(normalized, x, f(3), unit(3), f(3), f(3), training=training)
        for x in (f(4, 3), f(2, 3, 5), f(2, 3, 2, 2))
        for training in (False, True)
    ),
    *(sample(normalized, f(4, 3), f(3), unit(3), training=training) for training in (False, True)),
    sample(normalized, f(4, 3), f(3), unit(3), f(3), f(3), True, 0.5, 0.1),
    sample(normalized, f32(4, 3), f32(3), f32(3, low=1, high=2), f32(3), f32(3), training=True),
    *(edge("F.batch_norm", x, None, None, training=True) for x in (f(3, 4).t, f(1, 3, 2), f32(4, 3))),
    sample("F.batch_norm", f(4, 3), None, None, f(3), f(3), True),
    sample("F.batch_norm", f(4, 3), None, None, training=True),
    sample("F.batch_norm", f(4, 3), f(3), unit(3), weight=f(3), bias=f(3), training=False, momentum=0.2, eps=1e-3),
    *(
        sample(module(f"BatchNorm{n}d", 3, training=training), x, weight=f(3), bias=f(3))
        for n, x in ((1, f(4, 3)), (1, f(2, 3, 5)), (2, f(2, 3, 2, 2)))
        for training in (False, True)
    ),
    sample(module("BatchNorm1d", 3, affine=False), f(4, 3)),
    sample(module("BatchNorm1d", 3, track_running_stats=False, training=False), f(4, 3), weight=f(3), bias=f(3)),
    edge(normalized, f(3, 4).t, f(3), unit(3), f(3), f(3), training=True),
    edge(normalized, f(1, 3, 2), f(3), unit(3), training=True),
    edge(normalized, f(1, 3), f(3), unit(3), training=False),
    edge(normalized, f(0, 3), f(3), unit(3), training=False),
    refused("F.batch_norm", f(1, 3), f(3), unit(3), training=True),
    refused("F.batch_norm", f(4, 3), None, None),
    *(refused(module("BatchNorm1d", 3), x) for x in (f(3), f(4, 2), f(2, 3, 2, 2), f(1, 3))),
    *(refused(module("BatchNorm2d", 3), x) for x in (f(4, 3), f(2, 2, 2, 2), f(1, 3, 1, 1))),
    *(refused("F.batch_norm", f(4, 3), x, y) for x, y in ((f(2), unit(3)), (f(3), unit(2)))),
    *(refused("F.batch_norm", f(4, 3), f(3), unit(3), *x) for x in ((f(2), f(3)), (f(3), f(2)))),
    *(differs("F.batch_norm", f(4, 3), f(3), unit(3), *x, because="both or neither") for x in ((f(3),), (None, f(3)))),
    # Dropout
    *(
        sample("F.dropout", f(3, 4), p, training)
        for p, training in ((0.0, True), (1.0, True), (0.5, False), (1.0, False))
    ),
    *(sample(module("Dropout", p), f(3, 4)) for p in (0.0, 1.0)),
    *(sample("F.dropout", x(3, 4), 0.5).shape() for x in (f, f32)),
    sample("F.dropout", input=f(3), p=0.0, training=True),
    *(edge("F.dropout", x, 1.0) for x in (f(), f(0, 3), f(4, 3).t)),
    *(refused("F.dropout", f(3), p) for p in (-0.1, 1.1, "0.5", None, math.nan)),
    # Shapes
    *(sample(module("Flatten", *ends), f(2, 3, 4)) for ends in ((), (0,), (1, 1), (0, 1), (-2, -1))),
    *(edge(module("Flatten"), x) for x in (f(2, 3), f(0, 3, 4), f(2, 0, 3))),
    refused(module("Flatten"), f(3)),
]

# A second derivative runs the definition of a layer, and the first derivative alone what is derived by hand.
TABLE = [*ROWS, *(row.first() for row in ROWS if row.twice and row.kind in ("ordinary", "edge"))]
