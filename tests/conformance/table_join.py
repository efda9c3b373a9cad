"""Tensors put together, diagonals and triangles."""

import itertools

import numpy as np

from tests.conformance.families import of_kinds
from tests.conformance.inputs import b, f, f16, f32, i, i32, u8
from tests.conformance.sample import differs, edge, refused, sample

JOINED = ["cat", "concat", "concatenate", "stack"]
STACKED = ["hstack", "vstack", "dstack"]
KINDS = (f, f32, f16, i, i32, u8, b)
BAD_DIMS = (2, -3, "0", 0.5)
TRIANGLES = ["tril", "triu"]
BATCHES = (f(2, 3, 4), f(2, 2, 3, 3))

TABLE = [
    # Joined along a dimension
    *(sample(name, [f(2, 3), f(2, 3)], dim) for name in JOINED for dim in (0, 1, -1, -2)),
    *(sample(name, (f(3), f(3), f(3))) for name in JOINED),
    *(sample(name, tensors=[f(2, 3), f(2, 3)], dim=1) for name in JOINED),
    *(sample(name, [f(2, 1, 3), f(2, 2, 3), f(2, 3, 3)], 1) for name in JOINED[:3]),
    sample("stack", [f(2, 3), f(2, 3)], 2),
    *(edge(name, [x(2, 3), y(2, 3)]) for name in ("cat", "stack") for x, y in itertools.product(KINDS, KINDS)),
    *(edge(name, [f(2, 3)], 1) for name in JOINED),
    *(edge(name, [f(3, 2).t, f(2, 3)], 1) for name in JOINED),
    *(edge(name, [f(2, 6).step, f(1, 3).expand(2, 3)]) for name in JOINED),
    *(edge(name, [f(0, 3), f(0, 3)], dim) for name in JOINED for dim in (0, 1)),
    *(edge("cat", [f(2, 3), f(0)], dim) for dim in (0, 1)),
    *(edge("cat", tensors) for tensors in ([f(0), f(0)], [f(0), f(2, 3)], [f(0, 3), f(2, 3)], [f(2, 3), i(0)], [f(0)])),
    edge("stack", [f(), f()]),
    edge("stack", [f(), f()], -1),
    edge("stack", [f(), i()]),
    *(refused(name, [f(2, 3), f(2, 3)], dim) for name in JOINED for dim in (3, -4, "0", 0.5)),
    *(refused(name, []) for name in (*JOINED, *STACKED)),
    *(refused(name, f(2, 3)) for name in ("cat", "stack")),
    *(refused(name, [f(2, 3), "text"]) for name in JOINED),
    *(refused(name, [f(2, 3), None]) for name in JOINED),
    *(refused(name, [f(2, 3), f(2, 4)]) for name in JOINED),
    *(refused(name, [f(2, 3), f(3)]) for name in JOINED),
    *(refused(name, [f(2, 3), f(2, 3)], nonsense=1) for name in JOINED),
    refused("cat", [f(), f()]),
    refused("cat", [f(2, 3), f()]),
    refused("cat", [f(2, 3), f(1, 0)]),
    refused("cat", [f(2, 3), f(2, 3)], 2),
    refused("stack", [f(0), f(2)]),
    differs("hstack", [f(2), 1.0], because="a number is a tensor without dimensions"),
    *(sample(name, [f(2, 3), f(2, 3)]) for name in STACKED),
    *(sample(name, (f(3), f(3))) for name in STACKED),
    *(sample(name, [f(2, 3, 4), f(2, 3, 4)]) for name in STACKED),
    *(sample(name, [f32(3), i(3)]) for name in STACKED),
    *(edge(name, [f(), f()]) for name in STACKED),
    *(edge(name, [f()]) for name in STACKED),
    *(edge(name, [f(0), f(0)]) for name in STACKED),
    *(edge(name, [f(3, 2).t, f(2, 3)]) for name in STACKED),
    sample("hstack", [f(2, 1), f(2, 3)]),
    sample("hstack", [f(2), f(3)]),
    sample("vstack", [f(1, 3), f(2, 3), f(3)]),
    sample("dstack", [f(2, 3, 1), f(2, 3, 2), f(2, 3)]),
    edge("hstack", [f(), f(2)]),
    *(refused(name, [f(2, 3), f(3, 4)]) for name in STACKED),
    *(refused(name, [f(2, 3), f(2)]) for name in STACKED),
    # Grids, combinations, blocks
    *(sample("meshgrid", f(2), f(3), *rest, indexing=way) for rest in ((), (f(2),)) for way in ("ij", "xy")),
    sample("meshgrid", [f(2), f(3)], indexing="ij"),
    sample("meshgrid", f(3), indexing="xy"),
    sample("meshgrid", i(2), i(3), indexing="ij"),
    edge("meshgrid", f(), f(3), indexing="ij"),
    edge("meshgrid", f(), f(), indexing="xy"),
    edge("meshgrid", f(0), f(3), indexing="ij"),
    refused("meshgrid", f(2), f(3), indexing="yx"),
    refused("meshgrid", f(2, 2), f(3), indexing="ij"),
    refused("meshgrid", f(2), i(3), indexing="ij"),
    refused("meshgrid", indexing="ij"),
    refused("meshgrid", f(2), 1.0, indexing="ij"),
    *(sample("cartesian_prod", *x) for x in ((f(2), f(3)), (f(2), f(3), f(2)), (f(3),), (i(2), i(3)))),
    edge("cartesian_prod", f(0), f(3)),
    refused("cartesian_prod", f(2), f(3, 1)),
    refused("cartesian_prod", f(), f(3)),
    refused("cartesian_prod", f(2), i(3)),
    refused("cartesian_prod"),
    refused("cartesian_prod", f(2), 1.0),
    *(
        sample("block_diag", *x)
        for x in ((f(2, 3), f(1, 2)), (f(2, 2),), (f(2), f(2, 1), f()), (f32(2, 2), f(1, 1)), (i(2), f()))
    ),
    *(edge("block_diag", *x) for x in ((f(0, 2), f(2, 1)), (f(), f()), (f(3, 2).t, f(1, 2)), (b(2), i(2)), ())),
    differs("block_diag", f(0), f(2), because="PyTorch takes the gradient of the second from the row of the first"),
    refused("block_diag", f(2, 2, 2)),
    refused("block_diag", f(2, 2), "text"),
    # Diagonals
    *of_kinds("diagonal"),
    *(sample("diagonal", f(3, 4), k) for k in (-3, -1, 1, 3, 4, -9)),
    *(sample("diagonal", f(2, 3, 4), *rest) for rest in ((), (0, 1, 2), (1, -1, 0), (-1, 0, -1), (0, 2, 1))),
    sample("diagonal", f(2, 3, 4), offset=1, dim1=1, dim2=2),
    edge("diagonal", f(0, 3)),
    edge("diagonal", f(2, 0, 3), 0, 1, 2),
    *(refused("diagonal", f(3, 4), 0, *dims) for dims in ((0, 0), (0, 2), (-3, 0), (0, -2), ("0", 1), (0.5, 1))),
    refused("diagonal", f(3)),
    refused("diagonal", f()),
    refused("diagonal", f(3, 4), 0.5),
    refused("diagonal", f(3, 4), "0"),
    sample("diagonal_scatter", f(3, 4), f(3)),
    *(sample("diagonal_scatter", f(3, 4), f(n), k) for k, n in ((-2, 1), (-1, 2), (1, 3), (3, 1))),
    sample("diagonal_scatter", f(2, 3, 4), f(2, 3), 0, 1, 2),
    sample("diagonal_scatter", f(2, 3, 4), f(4, 2), offset=0, dim1=1, dim2=0),
    *(edge("diagonal_scatter", x(3, 3), x(3)) for x in KINDS),
    edge("diagonal_scatter", f32(3, 3), f(3)),
    edge("diagonal_scatter", f(3, 3), i(3)),
    edge("diagonal_scatter", f(4, 3).t, f(6).step),
    edge("diagonal_scatter", f(0, 3), f(0)),
    *(refused("diagonal_scatter", f(3, 4), x) for x in (f(4), f(1), f(3, 1), f())),
    *(refused("diagonal_scatter", f(3, 4), f(3), 0, *dims) for dims in ((0, 0), (0, 2), (-3, 0), ("0", 1))),
    *of_kinds("diag"),
    *(sample("diag", f(3), k) for k in (-2, 0, 1)),
    *(sample("diag", f(3, 4), k) for k in (-2, 1, 5)),
    sample("diag", f(3), diagonal=1),
    *(edge("diag", x(3)) for x in KINDS),
    edge("diag", f(0)),
    edge("diag", f(0), 2),
    edge("diag", f(0, 3)),
    edge("diag", f(6).step),
    *(refused("diag", x) for x in (f(), f(2, 3, 4))),
    refused("diag", f(3), 0.5),
    refused("diag", f(3), "1"),
    *of_kinds("diag_embed"),
    *(
        sample("diag_embed", f(2, 3), *rest)
        for rest in ((1,), (-2,), (0, 0, 1), (0, 0, 2), (1, 2, 0), (0, -1, 0), (0, 1, -3))
    ),
    sample("diag_embed", f(3), offset=1, dim1=0, dim2=1),
    *(edge("diag_embed", x) for x in (f(0), f(2, 0))),
    edge("diag_embed", f(0), 1),
    *(refused("diag_embed", f(2, 3), 0, *dims) for dims in ((0, 0), (0, 3), (-4, 0), (0, -3), ("0", 1), (0.5, 1))),
    refused("diag_embed", f()),
    refused("diag_embed", f(3), 0.5),
    # Triangles
    *(row for name in TRIANGLES for row in of_kinds(name)),
    *(sample(name, f(3, 4), k) for name in TRIANGLES for k in (-4, -1, 0, 1, 3, 9)),
    *(sample(name, x, 1) for name in TRIANGLES for x in BATCHES),
    *(sample(name, f(3, 4), diagonal=-1) for name in TRIANGLES),
    *(edge(name, x) for name in TRIANGLES for x in (f(0, 3), f(3, 0), f(0, 2, 2), f(1, 1), f(3, 1))),
    *(refused(name, x) for name in TRIANGLES for x in (f(3), f())),
    *(refused(name, f(3, 4), k) for name in TRIANGLES for k in (0.5, "1", None)),
    # Borders
    *(
        sample("F.pad", f(3, 4), widths)
        for widths in ((1, 2), (1, 0, 0, 2), [2, 1], (0, 0), (), (-1, 1), (-1, -1, 1, 0))
    ),
    *(
        sample("F.pad", f(2, 3, 4), widths)
        for widths in ((1, 2), (1, 0, 0, 2), (1, 0, 0, 2, 1, 1), (-1, 0, -1, 0, -1, 0))
    ),
    sample("F.pad", f(3), (1, 2), "constant", 1.5),
    sample("F.pad", f(3), pad=(1, 2), mode="constant", value=-2),
    sample("F.pad", input=f(3), pad=(1, 2)),
    *(edge("F.pad", x(2, 3), (1, 2), value=1) for x in KINDS),
    edge("F.pad", f(3, 2).t, (1, 0)),
    edge("F.pad", f(0, 3), (1, 0)),
    edge("F.pad", f(0, 3), (0, 0, 1, 1)),
    edge("F.pad", f(3), (-3, 0)),
    edge("F.pad", f(3), (-1, -2)),
    edge("F.pad", f(), ()),
    edge("F.pad", f(3), (1, 1), value=np.inf),
    *(
        refused("F.pad", f(3, 4), widths)
        for widths in ((1,), (1, 2, 3), (1,) * 6, (-5, 0), ("1", 2), (0.5, 1), "11", None)
    ),
    refused("F.pad", f(3, 4), (1, 1), mode="nonsense"),
    refused("F.pad", f(), (1, 1)),
    refused("F.pad", f(3), (1, 1), value="1"),
]
