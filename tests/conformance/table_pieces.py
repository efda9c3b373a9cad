"""Columns, rows and layers, put together and taken apart; places; new tensors of a tensor's type."""

from tests.conformance.inputs import b, f, f32, i, ties
from tests.conformance.sample import edge, refused, sample
from tinygrad_edu.dtypes import float64, int32

WIDENED = ("atleast_1d", "atleast_2d", "atleast_3d")
PARTS = {"hsplit": f(4, 6, 2), "vsplit": f(4, 2), "dsplit": f(2, 3, 6)}
STACKED = {"row_stack": "vstack", "column_stack": "hstack"}
TRIANGLES = ("tril_indices", "triu_indices")
CONSTANT = ("Tensor.new_zeros", "Tensor.new_ones")

TABLE = [
    *(sample(name, x) for name in WIDENED for x in (f(3), f(2, 3), i(3), f32(2, 3, 4))),
    *(sample(name, f(3), f(2, 3)) for name in WIDENED),
    *(edge(name, x) for name in WIDENED for x in (f(), b(), f(0), f(3, 2).t)),
    *(edge(name, [f(), f(3)]) for name in WIDENED),
    *(refused(name, "text") for name in WIDENED),
    sample("broadcast_tensors", f(3, 1), f(4)),
    sample("broadcast_tensors", f(3), i(3), f()),
    edge("broadcast_tensors", f(0, 3), f(1, 1)),
    edge("broadcast_tensors", f(3)),
    refused("broadcast_tensors", f(3), f(4)),
    *(sample(name, [f(3), f(3)]) for name in ("column_stack", "row_stack")),
    sample("column_stack", [f(3), f(3, 2)]),
    sample("row_stack", [f(3), f(2, 3)]),
    *(edge(name, [f(), f()]) for name in ("column_stack", "row_stack")),
    *(edge(name, [f32(3), f(3)]) for name in ("column_stack", "row_stack")),
    *(refused(name, x).by(own) for name, own in STACKED.items() for x in ([f(3), f(2)], [])),
    *(sample(name, x, 2) for name, x in PARTS.items()),
    *(sample(name, x, (1, 2)) for name, x in PARTS.items()),
    sample("hsplit", f(4), 2),
    *(edge(name, x, ()) for name, x in PARTS.items()),
    *(edge(name, x, (1, 9)) for name, x in PARTS.items()),
    *(refused(name, x, 5) for name, x in PARTS.items()),
    *(refused(name, x, 0) for name, x in PARTS.items()),
    *(refused(name, f(), 2) for name in PARTS),
    *(sample("argwhere", x) for x in (ties(3, 4), b(3), i(2, 2))),
    edge("argwhere", ties()),
    edge("argwhere", f(0, 3)),
    refused("argwhere", ties(3), 1),
    refused("argwhere"),
    *(sample("combinations", f(4), r, with_replacement=again) for r in (1, 2, 3) for again in (False, True)),
    sample("combinations", i(3)),
    edge("combinations", f(2), 3),
    edge("combinations", f(3), 0),
    edge("combinations", f(0)),
    refused("combinations", f(2, 2)),
    refused("combinations", f(3), -1),
    *(sample(name, 3, 4, offset) for name in TRIANGLES for offset in (-1, 0, 1)),
    *(sample(name, 2, 2, dtype=int32) for name in TRIANGLES),
    *(edge(name, 0, 3) for name in TRIANGLES),
    *(edge(name, 2, 3, offset) for name in TRIANGLES for offset in (-9, 9)),
    *(refused(name, -1, 3) for name in TRIANGLES),
    *(refused(name, 3) for name in TRIANGLES),
    # Of a tensor's own type
    *(sample(name, x, 2, 3) for name in CONSTANT for x in (f32(2), i(2), b(2))),
    *(sample(name, f32(2), (2, 3), dtype=float64) for name in CONSTANT),
    *(edge(name, f32(2), ()) for name in CONSTANT),
    *(edge(name, f32(2), 0) for name in CONSTANT),
    *(refused(name, f32(2), -1) for name in CONSTANT),
    *(refused(name, f32(2), "2") for name in CONSTANT),
    sample("Tensor.new_empty", f32(2), 2, 3).shape(),
    edge("Tensor.new_empty", i(2), (0,), dtype=float64),
    refused("Tensor.new_empty", f32(2), -1),
    *(sample("Tensor.new_full", x, (2, 3), 2) for x in (f32(2), i(2))),
    edge("Tensor.new_full", f32(2), (), 1.5, dtype=float64),
    refused("Tensor.new_full", f32(2), (2,), "1"),
    *(sample("Tensor.new_tensor", x, [[1, 2], [3, 4]]) for x in (f32(2), i(2))),
    edge("Tensor.new_tensor", f32(2), 1.5, dtype=float64),
    edge("Tensor.new_tensor", f32(2), []),
    refused("Tensor.new_tensor", f32(2), "text"),
]
