"""Elements by their places: indexing and assignment, gathering and scattering, masks."""

import itertools
import operator

import numpy as np

from tests.conformance.families import of_kinds
from tests.conformance.inputs import b, f, f16, f32, i, i32, ties, u8, v, zeros
from tests.conformance.sample import differs, edge, refused, sample

S = np.s_


def setitem(x, index, value):
    """Assignment, as a function."""
    y = x.clone()
    y[index] = value
    return y


def setitem_in_place(x, index, value):
    """Assignment to the row's own tensor."""
    x[index] = value


setitem_in_place.__name__ = "setitem"


def index(x, at, *value):
    """A part, or assignment; errors of either begin with this name."""
    if value:
        x[at] = value[0]
    return x[at]


# Indices of a tensor of shape (4, 3, 5) that take views of it
BASIC = [
    *(0, -1, 3, -4, True, False, None, ..., (), slice(None)),
    *(S[1:3], S[-2:], S[::2], S[1::2], S[3:1], S[9:], S[-9:9], S[:, 1], S[1, 2], S[1, 2, 3], S[..., 0], S[1, ...]),
    *(S[:, None], S[None, 1], S[..., None], S[None, ..., None, 0], S[0, :, 1:3], S[..., 1:3, 0], S[:, :, ::3]),
    *(S[0:0], S[:, 0:0], S[1, None, 2], S[-1, -2, -3], S[:, -1:], S[None, None], S[0, ..., -1], (slice(None), ...)),
]
# Indices with arrays in them
ARRAYS = [
    *([0, 2], [], [-1, 0], [True, False, True, True], [0, 0, 0]),
    *(v([0, 2]), v([[0, 2], [1, 3]]), v([-1, -4]), v(1), v([], "int64"), v([1, 0], "int32")),
    *(
        b(4),
        b(4, 3),
        b(4, 3, 5),
        zeros(4, dtype="bool"),
        (slice(None), b(3)),
        (..., b(5)),
        (1, b(3)),
        (b(4), 1),
        (b(4), None),
    ),
    *(
        (slice(None), [0, 2]),
        (..., [0, 2]),
        ([0, 2], ...),
        ([0, 2], 1),
        (1, [0, 2]),
        ([0, 1], [1, 2]),
        ([0, 1], [1, 2], [3, 4]),
    ),
    *(
        (v([0, 1]), slice(None), v([3, 4])),
        (slice(None), v([0, 1]), v([3, 4])),
        (v([0, 1]), v([[1], [2]])),
        (v([3]), v([0, 1])),
    ),
    *(
        (v([[0], [1]]), v([[0, 1, 2]])),
        (None, v([0, 1])),
        (v([0, 1]), None),
        (v([0, 1]), None, v([1, 2])),
        (S[1:3], v([0, 1])),
    ),
    *((v([0, 1]), S[1:3], 2), (v([0, 1]), 0, v([1, 2])), (0, v([0, 1]), v([1, 2])), (0, slice(None), v([1, 2]))),
    *(
        (v([0, 1]), slice(None), 2),
        (v(1), v([0, 2])),
        (v(1), v(2)),
        (..., v([0, 1]), None),
        (b(4), [0]),
        (b(4, 3), [0]),
    ),
    *(
        ([[0, 1], [1, 2]],),
        (v([1, 1, 1]), v([2, 2, 0])),
        np.array([0, 2]),
        np.array([True, False, True, False]),
        np.int64(2),
    ),
]
TOO_FAR = [
    4,
    -5,
    S[0, 3],
    S[..., 5],
    S[0, 0, 0, 0],
    S[:, :, :, None, 0],
    [4],
    [-5],
    v([0, 4]),
    (slice(None), v([3])),
    ([0, 1], [0, 3]),
]
NO_INDEX = ["0", 1.5, (0, 1.5), v([0.5]), {"a": 1}, S["a":], S[1.5:], S[::0]]
OTHERWISE = {
    (..., ...): "with two ellipses it is open which dimensions they stand for; PyTorch ignores the second",
    (..., 0, ...): "with two ellipses it is open which dimensions they stand for; PyTorch ignores the second",
}
LISTS = "a list of lists is an array of indices, as in NumPy; PyTorch still takes it as a tuple of lists"
REVERSED = "a negative step reverses, as in NumPy; PyTorch has none"
AROUND = "an index out of range is an error; PyTorch goes round the end without a word"
MASKS = "a list, or one value, is an array of bools"
TAKEN = "a list, or one number, is an array of indices"
MISFITS = [(v([0, 1]), v([0, 1, 2])), b(3), b(4, 4), (slice(None), b(4)), ([True, False],), (b(4, 3), b(3))]

GATHERED = [
    (f(3, 4), 0, i(2, 4, low=0, high=3)),
    (f(3, 4), 1, i(3, 6, low=0, high=4)),
    (f(3, 4), -1, i(2, 1, low=0, high=4)),
]
SCATTERED = [  # every place once, so that the order of writing does not matter
    (f(3, 4), 0, v([[2, 0, 1, 1], [0, 1, 2, 0]])),
    (f(3, 4), 1, v([[1, 0], [3, 2], [0, 3]])),
    (f(3, 4), -1, v([[1, 0], [3, 2]])),
    (f(5), 0, v([4, 0, 2])),
]
TWICE = (f(3, 4), 1, v([[1, 1, 0], [3, 3, 3], [0, 0, 0]]))
BAD_DIMS = (2, -3, "0", 0.5)
ADDED = ["scatter_add", "index_add"]

TABLE = [
    # Views
    *(sample(operator.getitem, f(4, 3, 5), index) for index in BASIC),
    *(sample(operator.getitem, f(4, 3, 5), index) for index in ARRAYS),
    *(
        edge(operator.getitem, x(4, 3), index)
        for x in (f16, f32, i, i32, u8, b)
        for index in (1, S[:, 1], [0, 2], v([3, 0]))
    ),
    *(edge(operator.getitem, f(5, 4).t, index) for index in (1, S[:, ::2], [0, 2], b(4), (v([0, 1]), v([2, 3])))),
    *(edge(operator.getitem, f(4, 6).step, index) for index in (1, S[:, ::2], [0, 2], b(4), (v([0, 1]), v([1, 2])))),
    *(edge(operator.getitem, f(1, 4).expand(3, 4), index) for index in (1, S[:, 1], [0, 2], b(3), b(3, 4))),
    *(edge(operator.getitem, f(), index) for index in ((), ..., None, (None, ...), True, False, v(True), v(False))),
    *(
        edge(operator.getitem, f(0, 3), index)
        for index in (S[:, 1], S[0:0], S[..., None], [], v([], "int64"), b(0), b(0, 3))
    ),
    edge(operator.getitem, f(3), (None, None, [0, 1], None)),
    *(refused(index, f(4, 3, 5), at) for at in (*TOO_FAR, *NO_INDEX, *MISFITS)),
    *(differs(operator.getitem, f(4, 3, 5), at, because=REVERSED) for at in (S[::-1], S[:, ::-2])),
    *(refused(index, f(), at) for at in (0, slice(None), [0], (..., 0))),
    *(refused(index, f(0, 3), at) for at in (0, v([0]))),
    *(differs(operator.getitem, f(4, 3, 5), at, because=why) for at, why in OTHERWISE.items()),
    differs(operator.getitem, f(4, 3, 5), [[0, 2], [1, 1]], because=LISTS),
    differs(operator.getitem, f(4, 3, 5), [0.5], because="a float is no index; PyTorch cuts its fraction off"),
    # Assignment
    *(sample(setitem, f(4, 3, 5), index, 2.5) for index in (*BASIC, *ARRAYS)),
    *(
        sample(setitem, f(4, 3, 5), index, f())
        for index in (0, S[:, 1], S[0:0], [0, 2], b(4, 3), (v([0, 1]), slice(None), v([3, 4])))
    ),
    *(
        sample(setitem, f(4, 3, 5), index, f(5))
        for index in (0, S[:, 1], S[1:3], [0, 2], b(4), b(4, 3), (v([0, 1]), v([1, 2])))
    ),
    *(
        sample(setitem, f(4, 3), index, f(2, 3))
        for index in (S[1:3], S[::2], [0, 2], v([-1, 0]), [True, False, False, True])
    ),
    *(sample(setitem, f(4, 3), index, f(1, 3)) for index in (0, S[1:3], v([0, 1]), b(4))),
    sample(setitem, f(4, 3), (slice(None), v([0, 2])), f(4, 1)),
    sample(setitem, f(4, 3), b(4, 3), f(1)),
    sample(setitem, f(4, 3), v([[True, False, True]] + 3 * [[False, True, False]]), f(5)),
    *(sample(setitem, f(3), index, value) for index, value in ((0, True), (1, 2), (..., np.float64(1.5)))),
    *(edge(setitem, x(4, 3), 1, y(3)) for x, y in itertools.product((f, f32, f16, i, i32, u8, b), (f, f32, i, b))),
    *(edge(setitem, x(4, 3), 1, value) for x in (f32, i, u8, b) for value in (1, 1.5, True)),
    *(edge(setitem, f(4, 3), [0, 2], x(2, 3)) for x in (f,)),
    *(edge(setitem, f(), index, f()) for index in ((), ..., True)),
    *(edge(setitem, f(0, 3), index, 1.0) for index in (slice(None), S[:, 1], [], b(0))),
    *(edge(setitem, x, [0, 2], f(2, 3)) for x in (f(3, 4).t, f(4, 6).step, f(5, 3).tail)),
    *(edge(setitem, x, S[:, 1], f(4)) for x in (f(3, 4).t, f(4, 6).step, f(5, 3).tail)),
    edge(setitem, f(4, 3), 0, f(1, 1, 3)),
    *(refused(index, f(4, 3, 5), at, 1.0) for at in (*TOO_FAR, *NO_INDEX, *MISFITS)),
    *(differs(setitem, f(4, 3, 5), at, 1.0, because=why) for at, why in OTHERWISE.items()),
    differs(setitem, f(4, 3, 5), [[0, 2], [1, 1]], 1.0, because=LISTS),
    differs(
        setitem, f(4), v([1, 1]), f(2), because="the value that stays alone has a gradient; PyTorch gives it to both"
    ),
    *(refused(setitem, f(4, 3), index, f(2)) for index in (0, slice(None), [0, 2], b(4), b(4, 3))),
    *(refused(setitem, f(4, 3), index, f(3, 3)) for index in (0, slice(None), [0, 2])),
    *(refused(setitem, f(4, 3), 0, value) for value in ("text", None, {})),
    *(differs(setitem, f(4, 3), [0, 2], x(2, 3), because="the dtype is converted, as for slices") for x in (f32, i)),
    refused(setitem, f(4, 3), 0, f(2, 3)),
    refused(setitem_in_place, f(1, 4).expand(3, 4), S[:, 0], 1.0),
    # Slices by an index
    *of_kinds("index_select", 1, v([2, 0, 2])),
    *(sample("index_select", f(2, 3, 4), dim, v([1, 0])) for dim in (0, 1, 2, -1, -3)),
    sample("index_select", f(3, 4), dim=1, index=v([3])),
    sample("index_select", f(3, 4), 1, i32(5, low=0, high=4)),
    *(edge("index_select", f(3, 4), 0, index) for index in (v([], "int64"), v(1))),
    edge("index_select", f(), 0, v([0])),
    edge("index_select", f(0, 3), 1, v([1])),
    edge("index_select", f(3, 4), 0, v([1, 0, 2, 1]).step),
    *(refused("index_select", f(3, 4), dim, v([0])) for dim in BAD_DIMS),
    *(refused("index_select", f(3, 4), 0, index) for index in (v([3]), v([-1]), v([0.0]), v([[0]]), v([True]))),
    *(differs("index_select", f(3, 4), 0, index, because=TAKEN) for index in ([0], 0)),
    refused("index_select", f(), 0, v([0, 0])),
    *of_kinds("gather", 1, i(3, 2, low=0, high=4)),
    *(sample("gather", *row) for row in GATHERED),
    sample("gather", f(2, 3, 4), 2, i(2, 1, 5, low=0, high=4)),
    sample("gather", f(3, 4), dim=0, index=i(2, 4, low=0, high=3)),
    edge("gather", f(), 0, v(0)),
    edge("gather", f(3, 4), 0, i(0, 4)),
    edge("gather", f(0, 4), 0, i(0, 4)),
    edge("gather", f(3), 0, v([0, 0, 0, 0])),
    edge("gather", f(4, 3), 0, i(3, 4, low=0, high=4).t),
    *(refused("gather", f(3, 4), dim, i(3, 4, low=0, high=3)) for dim in BAD_DIMS),
    *(
        refused("gather", f(3, 4), 1, index)
        for index in (v([[4]]), v([[-1]]), v([[0.0]]), v([0]), i(4, 1), v([[True]]))
    ),
    differs("gather", f(3, 4), 1, [[0]], because=TAKEN),
    # Elements written or added at an index
    *(sample("scatter", *row, x) for row in SCATTERED for x in (f(3, 4) if row[0] is not SCATTERED[3][0] else f(5),)),
    *(
        sample("scatter_add", *row, x)
        for row in SCATTERED
        for x in (f(3, 4) if row[0] is not SCATTERED[3][0] else f(5),)
    ),
    *(sample("scatter", *row, 1.5) for row in SCATTERED),
    sample("scatter", f(3, 4), 1, v([[1], [3], [0]]), value=2.0),
    sample("scatter", f(3, 4), dim=1, index=v([[1], [3], [0]]), src=f(3, 1)),
    sample("scatter_add", f(3, 4), dim=1, index=v([[1], [3], [0]]), src=f(3, 1)),
    sample("scatter_add", *TWICE, f(3, 3)),
    edge("scatter", *TWICE, 1.5),
    *(
        edge(name, x(3, 4), 1, v([[1], [3], [0]]), x(3, 1))
        for name in ("scatter", "scatter_add")
        for x in (f32, f16, i, i32, u8)
    ),
    *(edge(name, f(), 0, v(0), f()) for name in ("scatter", "scatter_add")),
    *(edge(name, f(3, 4), 1, i(3, 0), f(3, 4)) for name in ("scatter", "scatter_add")),
    *(edge(name, f(4, 3).t, 1, v([[1], [3], [0]]), f(4, 3).t) for name in ("scatter", "scatter_add")),
    *(edge(name, f(3, 4), 1, v([[1], [3], [0]]), f(5, 6)) for name in ("scatter", "scatter_add")),
    *(
        refused(name, f(3, 4), dim, i(3, 4, low=0, high=3), f(3, 4))
        for name in ("scatter", "scatter_add")
        for dim in BAD_DIMS
    ),
    *(
        refused(name, f(3, 4), 1, index, f(3, 4))
        for name in ("scatter", "scatter_add")
        for index in (v([[4]]), v([[-1]]), v([[0.0]]), v([0]), i(4, 1), i(3, 5))
    ),
    *(differs(name, f(3, 4), 1, [[0]], f(1, 1), because=TAKEN) for name in ("scatter", "scatter_add")),
    *(
        refused(name, f(3, 4), 1, v([[0], [1]]), x)
        for name in ("scatter", "scatter_add")
        for x in (f(1, 1), f(2), f32(2, 1), i(2, 1))
    ),
    refused("scatter_add", f(3, 4), 1, v([[0], [1]]), 1.0),
    sample("index_add", f(3, 4), 1, v([2, 0, 2]), f(3, 3)),
    *(
        sample("index_add", f(2, 3, 4), dim, v([1, 0]), x)
        for dim, x in ((0, f(2, 3, 4)), (1, f(2, 2, 4)), (-1, f(2, 3, 2)))
    ),
    sample("index_add", f(3, 4), 0, v([1, 1]), f(2, 4), alpha=-2),
    sample("index_add", f(3, 4), dim=0, index=v([1, 1]), source=f(2, 4), alpha=0.5),
    sample("index_copy", f(3, 4), 1, v([2, 0]), f(3, 2)),
    sample("index_copy", f(3, 4), dim=0, index=v([2, 0]), source=f(2, 4)),
    sample("index_copy", f(2, 3, 4), -1, v([1, 3]), f(2, 3, 2)),
    *(edge("index_add", x(3, 4), 0, v([2, 0, 2]), x(3, 4)) for x in (f32, f16, i, i32, u8)),
    *(edge("index_copy", x(3, 4), 0, v([2, 0]), x(2, 4)) for x in (f32, f16, i, i32, u8, b)),
    *(edge(name, f(3, 4), 0, v([], "int64"), f(0, 4)) for name in ("index_add", "index_copy")),
    *(edge(name, f(4, 3).t, 0, v([1, 2]), f(4, 2).t) for name in ("index_add", "index_copy")),
    *(edge(name, f(), 0, v([0]), f()) for name in ("index_add", "index_copy")),
    *(edge(name, f(3), 0, v(1), f(1)) for name in ("index_add", "index_copy")),
    refused("index_add", f(3), 0, v(1), f()),
    edge("index_add", f(3, 4), 0, v([1]), f(1, 4), alpha=0),
    edge("index_add", f(3, 4), 0, v([1, 2], "int32"), f(2, 4)),
    edge("index_copy", f(3, 4), 1, v([1, 0, 3, 2]).step, f(3, 2)),
    *(
        refused(name, f(3, 4), *row)
        for name in ("index_add", "index_copy")
        for row in (
            *((dim, v([0]), f(1, 4)) for dim in BAD_DIMS),
            *((0, index, f(1, 4)) for index in (v([3]), v([-1]), v([0.0]), v([[0]]))),
            *((0, v([0, 1]), x) for x in (f(1, 4), f(3, 4), f(2, 3), f(2), f32(2, 4), i(2, 4), 1.0)),
        )
    ),
    *(sample("index_fill", f(3, 4), dim, v([1, 0]), value) for dim in (0, 1, -1) for value in (2.5, 1, f())),
    sample("index_fill", f(3, 4), dim=0, index=v([1]), value=0.5),
    *(edge("index_fill", x(3, 4), 0, v([2, 2]), 1) for x in (f32, f16, i, i32, u8, b)),
    edge("index_fill", f(3, 4), 0, v([], "int64"), 1.0),
    edge("index_fill", f(3, 4), 0, v(1), 1.0),
    edge("index_fill", f(), 0, v([0]), 1.0),
    edge("index_fill", f(4, 3).t, 0, v([1, -1]), 1.0),
    edge("index_fill", f(3), 0, v([1]), f32()),
    *(refused("index_fill", f(3, 4), dim, v([0]), 1.0) for dim in BAD_DIMS),
    *(refused("index_fill", f(3, 4), 0, index, 1.0) for index in (v([3]), v([-4]), v([0.0]), v([[0]]))),
    *(
        differs(name, f(3, 4), 0, index, *rest, because=TAKEN)
        for name, rest in (("index_add", [f(1, 4)]), ("index_copy", [f(1, 4)]), ("index_fill", [1.0]))
        for index in ([0], 0)
    ),
    *(refused("index_fill", f(3, 4), 0, v([0]), value) for value in (f(1), f(4), "1", None)),
    # Several indices at once
    *(sample("index_put", f(4, 3), (v([0, 2]),), x) for x in (f(2, 3), f(3), f(), f(1, 3))),
    *(
        sample("index_put", f(4, 3), (v([0, 2]), v([1, 0])), x, accumulate=a)
        for x in (f(2), f(), f(1))
        for a in (False, True)
    ),
    sample("index_put", f(4, 3), (v([0, 0, 2]), v([1, 1, 0])), f(3), True),
    sample("index_put", f(4, 3), (v([[True, False, True]] + 3 * [[False, True, False]]),), f(5)),
    sample("index_put", f(4, 3), (b(4),), f(3), accumulate=True),
    sample("index_put", f(4, 3), indices=(v([0, 2]),), values=f(2, 3)),
    sample("index_put", f(4, 3), [v([0, 2]), v([1, 0])], f(2)),
    sample("index_put", f(4, 3), (v([[0], [1]]), v([[0, 1]])), f(2, 2)),
    *(edge("index_put", x(4, 3), (v([0, 2]),), x(2, 3)) for x in (f32, f16, i, i32, u8, b)),
    edge("index_put", f(4, 3), (v([], "int64"),), f(0, 3)),
    edge("index_put", f(3, 4).t, (v([0, -1]),), f(2, 3)),
    *(refused("index_put", f(4, 3), (index,), f(3)) for index in (v([4]), v([-5]), v([0.5]))),
    *(refused("index_put", f(4, 3), (v([0, 2]),), x) for x in (f(2), f(3, 3), f32(3), i(3))),
    differs("index_put", f(4, 3), (v([0, 2]),), 1.0, because="one number for all"),
    refused("index_put", f(4, 3), (v([0]), v([0]), v([0])), f()),
    differs("index_put", f(4, 3), v([0]), f(3), because="whatever stands between the brackets of x[...] is an index"),
    # In row-major order
    *(sample("take", f(3, 4), index) for index in (v([0, 11, 5]), v([[1, 1], [2, 3]]), v(3), v([-1, -12]))),
    sample("take", f(3, 4), index=v([0, 3])),
    *(edge("take", x(3, 4), v([0, 11])) for x in (f32, f16, i, u8, b)),
    edge("take", f(4, 3).t, v([1, 5])),
    edge("take", f(), v([0, 0])),
    edge("take", f(0), v([], "int64")),
    *(refused("take", f(3, 4), index) for index in (v([12]), v([-13]), v([0.0]), v([True]))),
    *(differs("take", f(3, 4), index, because=TAKEN) for index in ([0], 0)),
    refused("take", f(0), v([0])),
    *(
        sample("take_along_dim", f(3, 4), index, dim)
        for index, dim in ((i(3, 2, low=0, high=4), 1), (i(2, 4, low=0, high=3), 0))
    ),
    *(
        sample("take_along_dim", f(3, 4), index, dim)
        for index, dim in ((v([[0, 3]]), 1), (v([[1]]), 0), (v([[2], [1]]), -2))
    ),
    sample("take_along_dim", f(3, 4), v([0, 11, 3])),
    sample("take_along_dim", f(3, 1), v([[0], [0]]), 0),
    sample("take_along_dim", f(3, 4), indices=v([[0, 3]]), dim=1),
    *(edge("take_along_dim", x(3, 4), v([[0, 3]]), 1) for x in (f32, f16, i, u8, b)),
    edge("take_along_dim", f(4, 3).t, v([[0, 3]]), 1),
    edge("take_along_dim", f(3, 4), i(3, 0), 1),
    edge("take_along_dim", f(), v(0)),
    *(refused("take_along_dim", f(3, 4), v([[0]]), dim) for dim in BAD_DIMS),
    *(refused("take_along_dim", f(3, 4), index, 1) for index in (v([[0.0]]), v([0]), i(2, 1, low=0))),
    *(differs("take_along_dim", f(3, 4), index, 1, because=AROUND) for index in (v([[4]]), v([[-5]]))),
    *(refused("take_along_dim", f(3, 4), index) for index in (v([12]), v([-1]), v([0.0]))),
    differs("take_along_dim", f(3, 4), [0], because=TAKEN),
    # By a mask
    *of_kinds("masked_fill", b(3, 4), 1),
    *(sample("masked_fill", f(3, 4), mask, 2.5) for mask in (b(3, 4), b(4), b(3, 1), b(), b(2, 3, 4), v([[True]]))),
    *(sample("masked_fill", f(3, 4), b(4), value) for value in (f(), 1, True, -np.inf, np.nan)),
    sample("masked_fill", f(3, 4), mask=b(4), value=0.5),
    edge("masked_fill", f(), b(), 1.0),
    edge("masked_fill", f(), b(3), 1.0),
    edge("masked_fill", f(0, 3), b(3), 1.0),
    edge("masked_fill", f32(3), b(3), f()),
    edge("masked_fill", f(3), b(3), f32()),
    edge("masked_fill", f(3), b(3), i()),
    edge("masked_fill", i(3), b(3), 2),
    *(refused("masked_fill", f(3, 4), mask, 1.0) for mask in (b(3), b(4, 4), i(3, 4), f(3, 4), u8(3, 4))),
    *(differs("masked_fill", f(3, 4), mask, 1.0, because=MASKS) for mask in (True, [True])),
    *(differs("masked_select", f(3, 4), mask, because=MASKS) for mask in (True, [True])),
    *(refused("masked_fill", f(3, 4), b(4), value) for value in (f(1), f(4), "1", None, [1.0])),
    edge("masked_fill", i(3), b(3), 1.5),
    edge("masked_fill", b(3), b(3), 1.5),
    edge("masked_fill", i(3), b(3), f()),
    *of_kinds("masked_select", b(3, 4)),
    *(
        sample("masked_select", f(3, 4), mask)
        for mask in (b(3, 4), b(4), b(3, 1), b(), b(2, 3, 4), zeros(3, 4, dtype="bool"))
    ),
    sample("masked_select", f(3, 4), mask=b(4)),
    edge("masked_select", f(), b()),
    edge("masked_select", f(), b(3)),
    edge("masked_select", f(0, 3), b(3)),
    *(refused("masked_select", f(3, 4), mask) for mask in (b(3), b(4, 4), i(3, 4), f(3, 4))),
    *(sample("nonzero", x) for x in (ties(3, 4), ties(2, 3, 4), i(3, 3, low=-1, high=2), b(3, 4), zeros(3, 4))),
    *(sample("nonzero", x, as_tuple=True) for x in (ties(3, 4), ties(2, 3, 4), b(5), zeros(3, 4))),
    *(
        edge("nonzero", x)
        for x in (f(), zeros(), v([np.nan, 0.0, -0.0, np.inf]), f(0, 3), f(0), ties(4, 3).t, ties(3, 8).step)
    ),
    *(edge("nonzero", x, as_tuple=True) for x in (f(), zeros(), f(0, 3), ties(4, 3).t)),
    refused("nonzero", f(3), 1),
    refused("nonzero", f(3), nonsense=1),
]
