"""Random tensors: shapes, dtypes, what is certain, and what is refused."""

from tests.conformance.families import NOT_A_TENSOR
from tests.conformance.inputs import b, f, f16, f32, i, i32, pos, unit, v, zeros
from tests.conformance.sample import differs, edge, refused, sample
from tinygrad_edu.dtypes import bool as boolean
from tinygrad_edu.dtypes import float16, float32, float64, int32, int64

DRAWN = ["rand", "randn"]
LIKE = ["rand_like", "randn_like"]
FLOATS = (float16, float32, float64)
UNNAMED = "it is refused by Python or NumPy, whose message does not name the operation"
SIZES = ((3,), (2, 3), ((2, 3),), ([2, 3],))

TABLE = [
    *(sample(name, *size).shape() for name in DRAWN for size in SIZES),
    *(sample(name, 2, 3, dtype=dtype).shape() for name in DRAWN for dtype in FLOATS),
    *(sample(name, 2, requires_grad=True).shape() for name in DRAWN),
    *(edge(name, *size).shape() for name in DRAWN for size in ((0,), (0, 3), ((),), ([],))),
    *(differs(name, because="no size is that of a single number, as in NumPy") for name in DRAWN),
    *(refused(name, *size) for name in DRAWN for size in ((-1,), ("3",), (2.5,), (2, None), (2, -3))),
    *(refused(name, 2, dtype=dtype) for name in DRAWN for dtype in (int64, boolean)),
    *(refused(name, 2, nonsense=1) for name in DRAWN),
    *(refused(name, 2, generator=1) for name in DRAWN),
    *(sample(name, x(2, 3)).shape() for name in LIKE for x in (f, f32, f16)),
    *(sample(name, i(2, 3), dtype=dtype).shape() for name in LIKE for dtype in FLOATS),
    *(edge(name, x).shape() for name in LIKE for x in (f(), f(0, 3), f(3, 2).t, f(1, 3).expand(2, 3))),
    *(refused(name, i(2)) for name in LIKE),
    *(refused(name, f(2), dtype=int64) for name in LIKE),
    *(refused(name, f(2), nonsense=1) for name in LIKE),
    *(refused(name) for name in (*LIKE, "randint_like")),
    *(differs(name, "text", because=NOT_A_TENSOR) for name in LIKE),
    *(sample("randint", *bounds, (2, 3)).shape() for bounds in ((5,), (2, 5), (-3, 3))),
    *(sample("randint", 5, (2,), dtype=dtype).shape() for dtype in (int32, int64, float32)),
    sample("randint", low=0, high=3, size=(2,)).shape(),
    sample("randint", 3, [2, 3]).shape(),
    *(edge("randint", *bounds, size).shape() for bounds in ((1,), (2, 3)) for size in ((0,), (), (0, 3))),
    edge("randint", 1, (3,)),
    edge("randint", 7, 8, (3,)),
    *(refused("randint", *bounds, (2,)) for bounds in ((0,), (-1,), (3, 3), (5, 2))),
    *(differs("randint", *bounds, (2,), because=UNNAMED) for bounds in (("3",), ("1", 3))),
    *(refused("randint", 3, size) for size in ((-1,), ("2",), (2.5,))),
    refused("randint", 3),
    refused("randint", 3, (2,), generator=1),
    *(sample("randint_like", x(2, 3), *bounds).shape() for x in (f, f32, i, i32) for bounds in ((5,), (2, 5))),
    sample("randint_like", f(2), 5, dtype=int64).shape(),
    edge("randint_like", f(), 5).shape(),
    edge("randint_like", i(3), 4, 5),
    *(refused("randint_like", i(2), *bounds) for bounds in ((0,), (3, 3), (5, 2))),
    differs("randint_like", i(2), "3", because=UNNAMED),
    *(sample("randperm", n).shape() for n in (1, 5)),
    *(sample("randperm", 5, dtype=dtype).shape() for dtype in (int32, int64, float32)),
    sample("randperm", 6).then(lambda y: y.sort().values),
    edge("randperm", 0),
    edge("randperm", 1),
    *(refused("randperm", n) for n in (-1, "3", 2.5, None)),
    refused("randperm", 3, generator=1),
    *(sample("normal", *x).shape() for x in ((f(3), pos(3)), (f(3), 2.0), (1.0, pos(3)), (f(3),), (f(2, 1), pos(3)))),
    differs("normal", f32(3), pos(3), because="types are promoted").shape(),
    sample("normal", 1.0, 2.0, (2, 3)).shape(),
    sample("normal", mean=1.0, std=2.0, size=(2, 3), dtype=float64).shape(),
    edge("normal", f(3), 0.0).then(lambda y: y.detach()),
    edge("normal", f(3), zeros(3)).then(lambda y: y.detach()),
    edge("normal", f(0), pos(0)).shape(),
    edge("normal", f(), pos()).shape(),
    *(refused("normal", *x) for x in ((f(3), -1.0), (f(3), v([-1.0, 1.0, 1.0])), (0.0, -1.0, (2,)), (f(3), pos(4)))),
    refused("normal", 0.0, 1.0, (2,), dtype=int64),
    refused("normal", 0.0, 1.0, (-1,)),
    differs("normal", 0.0, 1.0, because="no size is that of a single number, as in NumPy"),
    differs("normal", i(3), 1.0, because="the result is of floats"),
    *(sample("bernoulli", x).shape() for x in (unit(3), unit(2, 3), f32(3, low=0, high=1))),
    *(sample("bernoulli", x).then(lambda y: y.detach()) for x in (zeros(3), v([0.0, 1.0, 1.0]))),
    *(sample("bernoulli", x(3), p) for x in (f, f32, i) for p in (0.0, 1.0)),
    edge("bernoulli", unit(3), 0.5).shape(),
    edge("bernoulli", unit(0, 3)).shape(),
    edge("bernoulli", unit()).shape(),
    *(refused("bernoulli", x) for x in (v([0.5, 1.5]), v([-0.1, 0.5]), i(3), b(3))),
    *(refused("bernoulli", f(3), p) for p in (1.5, -0.5)),
    refused("bernoulli", unit(3), generator=1),
    *(
        sample("multinomial", x, n, replacement=True).shape()
        for x in (pos(4), pos(3, 4), f32(4, low=1))
        for n in (1, 6)
    ),
    *(sample("multinomial", x, n).shape() for x in (pos(4), pos(3, 4)) for n in (1, 4)),
    sample("multinomial", pos(3, 4), 4).then(lambda y: y.sort(-1).values),
    edge("multinomial", v([0.0, 2.0, 0.0]), 1),
    edge("multinomial", v([[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]), 3, True),
    *(refused("multinomial", x, 2) for x in (v([1.0, -1.0, 3.0]), v([0.0, 0.0]), pos(2, 2, 2), pos(), i(3))),
    refused("multinomial", pos(3), 4),
    refused("multinomial", pos(3), 0),
    refused("multinomial", pos(3), -1),
    differs("multinomial", v([0.0, 1.0, 0.0]), 2, because="an index of weight 0 is never drawn"),
    refused("multinomial", v([1.0, float("nan")]), 1),
    refused("multinomial", v([1.0, float("inf")]), 1),
    differs("multinomial", pos(3), "2", because=UNNAMED),
    refused("multinomial", pos(3), 1.5),
    sample("manual_seed", 0).then(lambda y: None),
    refused("manual_seed", "text"),
]
