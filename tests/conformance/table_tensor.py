"""What a tensor tells of itself, and the modes."""

import math

import numpy as np

from tests.conformance.families import NOT_A_TENSOR
from tests.conformance.inputs import b, f, f16, f32, i, i32, u8, v
from tests.conformance.sample import differs, edge, refused, sample

FACTS = ["dim", "numel", "nelement", "element_size", "is_floating_point", "is_contiguous", "stride", "size"]

TABLE = [
    # Facts
    *(sample("Tensor." + name, x(2, 3)) for name in FACTS for x in (f, f32, f16, i, i32, u8, b)),
    *(edge("Tensor." + name, x) for name in FACTS for x in (f(), f(0), f(1), f(2, 0, 3), f(2, 3, 4))),
    *(edge("Tensor." + name, f(3, 4).t) for name in FACTS),
    *(edge("Tensor." + name, f(3, 4).step) for name in FACTS),
    *(edge("Tensor." + name, f(1, 4).expand(3, 4)) for name in FACTS),
    *(refused("Tensor." + name, f(3), 1, 2, 3) for name in FACTS),
    *(sample("Tensor.size", f(2, 3), d) for d in (0, 1)),
    *(edge("Tensor.size", f(2, 3), d) for d in (-1, -2)),
    *(differs("Tensor.size", f(2, 3), d, because="Python's tuple refuses it") for d in (2, -3, "0", 0.5)),
    *(differs("Tensor.stride", f(2, 3), d, because="stride gives that of all dimensions") for d in (0, -1)),
    sample("numel", f(2, 3)),
    edge("numel", f()),
    edge("numel", f(0, 3)),
    differs("numel", 2.0, because=NOT_A_TENSOR),
    refused("numel"),
    *(sample("is_floating_point", x(2)) for x in (f, f32, i, b)),
    edge("is_floating_point", f()),
    differs("is_floating_point", 2.0, because=NOT_A_TENSOR),
    refused("is_floating_point"),
    sample("is_tensor", f(2)),
    *(edge("is_tensor", x) for x in (2.0, None, [1.0], "text")),
    refused("is_tensor"),
    *(sample("Tensor.item", x(1)) for x in (f, f32, i, u8, b)),
    *(edge("Tensor.item", x) for x in (f(), i(), b(), f(1, 1, 1), v(math.inf), f(2).tail)),
    *(refused("Tensor.item", x) for x in (f(2), f(0), f(2, 1))),
    *(sample("Tensor.tolist", x(2, 3)) for x in (f, f32, i, u8, b)),
    *(edge("Tensor.tolist", x) for x in (f(), f(0), f(2, 0), f(3, 2).t, i())),
    refused("Tensor.tolist", f(2), 1),
    *(sample("Tensor.numpy", x(2, 3).still).then(np.ndarray.tolist) for x in (f, f32, i, u8, b)),
    *(edge("Tensor.numpy", x).then(np.ndarray.tolist) for x in (f().still, f(0).still, f(3, 2).t.still)),
    sample("Tensor.numpy", f(3), force=True).then(np.ndarray.tolist),
    refused("Tensor.numpy", f(3).viewed(lambda x: x.requires_grad_())),
    # Modes
    sample("is_grad_enabled"),
    edge("is_grad_enabled"),
    refused("is_grad_enabled", 1),
]
