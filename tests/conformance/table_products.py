"""Products of matrices and vectors, sums over indices, distances."""

import math
import operator

from tests.conformance.families import NOT_A_TENSOR
from tests.conformance.inputs import b, f, f16, f32, i, i32, ties, u8, v, zeros
from tests.conformance.sample import Row, differs, edge, refused, sample

INTEGERS = (i, i32, u8)
RANKS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4))]
RANKS += [
    ((5, 2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((1, 2, 3), (5, 3, 4)),
]
EMPTY = [((0,), (0,)), ((2, 0), (0,)), ((2, 0), (0, 4)), ((0, 3), (3, 4)), ((2, 3), (3, 0)), ((0, 2, 3), (3, 4))]
MISFITS = [((3,), (4,)), ((2, 3), (4,)), ((2, 3), (2, 3)), ((5, 2, 3), (4, 3, 2)), ((), (3,)), ((3,), ()), ((), ())]


UNNAMED = "it is refused by Python or NumPy, whose message does not name the operation"
MADE_OF = {"addmm": "mm", "addmv": "mv", "addr": "outer", "addbmm": "bmm", "baddbmm": "bmm"}
PROMOTED = "types are promoted in the sum"


def fused(name: str, x: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> list[Row]:
    """A product added to something."""
    return [
        sample(name, f(*x), f(*a), f(*b)),
        *(
            sample(name, f(*x), f(*a), f(*b), beta=beta, alpha=alpha)
            for beta, alpha in ((0.5, 2), (0, 1), (1, 0), (2, -1))
        ),
        sample(name, f32(*x), f32(*a), f32(*b), alpha=0.5),
        edge(name, i(*x), i(*a), i(*b), beta=2, alpha=3),
        edge(name, f16(*x), f16(*a), f16(*b)),
        edge(name, f(*x[:-1], 2 * x[-1]).step, f(*a), f(*b[:-1], 2 * b[-1]).step),
        refused(name, f(*x), f(*a)),
        refused(name, f(*x), f(*a), f(*b), nonsense=1),
        refused(name, f(*x), f(*a), f(*b[:-1], b[-1] + 1)).by("matmul" if name == "addmv" else "add"),
        refused(name, f(*x), f(*a), f(1, *b)).by(MADE_OF[name]),
        refused(name, f(*x[:-1], x[-1] + 1), f(*a), f(*b)).by("add"),
        refused(name, f(*x), f(*a), f(*b), alpha="1").by("mul"),
    ]


FUSED = {
    "addmm": ((2, 4), (2, 3), (3, 4)),
    "addmv": ((2,), (2, 3), (3,)),
    "addr": ((2, 3), (2,), (3,)),
    "addbmm": ((3, 5), (2, 3, 4), (2, 4, 5)),
    "baddbmm": ((2, 3, 5), (2, 3, 4), (2, 4, 5)),
}
HALF = "half of integers is a float; PyTorch refuses the factor or cuts it to 0"

TABLE = [
    # Of any ranks
    *(sample("matmul", f(*x), f(*y)) for x, y in RANKS),
    *(sample("matmul", f32(*x), f32(*y)) for x, y in RANKS),
    *(sample(operator.matmul, f(*x), f(*y)) for x, y in RANKS[:4]),
    *(edge("matmul", f(*x), f(*y)) for x, y in EMPTY),
    *(edge("matmul", x(2, 3), x(3, 4)) for x in (f16, *INTEGERS)),
    *(edge("matmul", f(3, 2).t, y) for y in (f(4, 3).t, f(3, 8).step, f(1, 4).expand(3, 4), f(6).step)),
    *(edge("matmul", x, f(3, 4)) for x in (f(5, 3, 2).t, f(2, 6).step, f(3, 3).tail, f(1, 3).expand(2, 3))),
    edge("matmul", f(5, 3, 2).t, f(5, 4, 3).t),
    edge("matmul", v([[math.inf, 0.0], [math.nan, 1.0]]), f(2, 2)),
    sample("matmul", input=f(2, 3), other=f(3, 4)),
    *(refused("matmul", f(*x), f(*y)) for x, y in MISFITS),
    *(refused(operator.matmul, f(*x), f(*y)) for x, y in MISFITS[:3]),
    refused("matmul", f(2, 3), f32(3, 4)),
    refused("matmul", f(2, 3), i(3, 4)),
    refused("matmul", f(2, 3), 2.0),
    refused("matmul", f(2, 3)),
    # Of one rank
    *(sample("mm", x(2, 3), x(3, 4)) for x in (f, f32, i)),
    sample("mm", input=f(2, 3), mat2=f(3, 4)),
    *(edge("mm", f(*x), f(*y)) for x, y in EMPTY[2:5]),
    edge("mm", f(3, 2).t, f(3, 8).step),
    *(refused("mm", f(*x), f(*y)) for x, y in (((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)))),
    *(refused("mm", f(2, 3), y).by("matmul") for y in (f(4, 3), f32(3, 4))),
    *(sample("bmm", x(2, 3, 4), x(2, 4, 5)) for x in (f, f32, i)),
    sample("bmm", input=f(2, 3, 4), mat2=f(2, 4, 5)),
    edge("bmm", f(0, 3, 4), f(0, 4, 5)),
    edge("bmm", f(2, 3, 0), f(2, 0, 5)),
    edge("bmm", f(2, 4, 3).t, f(2, 4, 10).step),
    *(refused("bmm", f(*x), f(*y)) for x, y in (((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((1, 3, 4), (2, 4, 5)))),
    *(refused("bmm", f(2, 3, 4), y).by("matmul") for y in (f(2, 3, 4), f32(2, 4, 5))),
    *(sample("mv", x(2, 3), x(3)) for x in (f, f32, i)),
    sample("mv", input=f(2, 3), vec=f(3)),
    edge("mv", f(2, 0), f(0)),
    edge("mv", f(3, 2).t, f(6).step),
    *(refused("mv", f(*x), f(*y)) for x, y in (((3,), (3,)), ((2, 3), (3, 1)), ((5, 2, 3), (3,)))),
    refused("mv", f(2, 3), f(2)).by("matmul"),
    *(sample("dot", x(3), x(3)) for x in (f, f32, i)),
    sample("dot", input=f(3), tensor=f(3)),
    edge("dot", f(0), f(0)),
    edge("dot", f(6).step, f(4).tail),
    *(refused("dot", f(*x), f(*y)) for x, y in (((2, 3), (3,)), ((), (3,)), ((), ()))),
    *(refused("dot", f(3), y).by("matmul") for y in (f(4), f32(3))),
    *(sample("outer", x(3), y(4)) for x, y in ((f, f), (f32, f32), (i, i), (f32, f), (i, f))),
    sample("outer", input=f(3), vec2=f(4)),
    *(edge("outer", f(*x), f(*y)) for x, y in (((0,), (3,)), ((3,), (0,)), ((1,), (1,)))),
    edge("outer", b(3), b(4)),
    *(refused("outer", f(*x), f(*y)) for x, y in (((2, 3), (4,)), ((3,), ()), ((), ()))),
    *(
        sample("inner", f(*x), f(*y))
        for x, y in (((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 2, 3), (4, 3)))
    ),
    sample("inner", input=f(3), other=f(3)),
    *(edge("inner", f(*x), f(*y)) for x, y in (((), ()), ((), (2, 3)), ((2, 3), ()), ((0,), (0,)), ((2, 0), (3, 0)))),
    edge("inner", i(3), i(3)),
    *(refused("inner", f(*x), f(*y)) for x, y in (((3,), (4,)), ((2, 3), (3, 2)))),
    refused("inner", f(3), f32(3)).by("einsum"),
    # Pairs of dimensions
    *(
        sample("tensordot", f(2, 3, 4), f(3, 4, 5), dims)
        for dims in (2, ([1, 2], [0, 1]), ([-2, -1], [0, 1]), ([2, 1], [1, 0]))
    ),
    sample("tensordot", f(3, 4), f(4, 5), dims=1),
    sample("tensordot", f(3, 4), f(2, 4), ([1], [1])),
    sample("tensordot", f(2), f(3), 0),
    sample("tensordot", f(3, 4), f(3, 4)),
    edge("tensordot", f(), f(), 0),
    edge("tensordot", f(2, 0), f(0, 3), 1),
    edge("tensordot", f(1, 3), f(1, 3), ([0], [0])),
    edge("tensordot", i(2, 3), i(3, 4), 1),
    edge("tensordot", f(3, 2).t, f(3, 8).step, 1),
    *(refused("tensordot", f(3, 4), f(4, 5), dims) for dims in (2, 3, -1, ([1], [1]), ([1, 0], [0]), ([2], [0]))),
    *(differs("tensordot", f(3, 4), f(4, 5), dims, because=UNNAMED) for dims in (([0.5], [0]), "1")),
    refused("tensordot", f(3, 4), f32(4, 5), 1).by("einsum"),
    # By letters
    *(sample("einsum", "ij,jk->ik", x(2, 3), x(3, 4)) for x in (f, f32, i)),
    *(sample("einsum", equation, f(3, 3)) for equation in ("ii", "ii->i", "ij->ji", "ij->", "ij->j", "ji", "ij")),
    *(sample("einsum", equation, f(3), f(4)) for equation in ("i,j", "i,j->ij", "i,j->ji", "i,j->i", "i,j->")),
    *(
        sample("einsum", equation, f(2, 3, 4), f(2, 4, 5))
        for equation in ("bij,bjk->bik", "bij,bjk->ik", "bij,bjk", "bij,bjk->")
    ),
    *(
        sample("einsum", equation, f(2, 3), f(2, 3))
        for equation in ("ij,ij->", "ij,ij->i", "ij,ij->ij", "ij,ij", "ij,kj->ik")
    ),
    sample("einsum", "i,ij,j->", f(2), f(2, 3), f(3)),
    sample("einsum", "ij,jk,kl->il", f(2, 3), f(3, 2), f(2, 4)),
    sample("einsum", "...ij,...jk->...ik", f(2, 3, 4), f(2, 4, 5)),
    sample("einsum", "...ij,jk->...ik", f(5, 2, 3, 4), f(4, 5)),
    sample("einsum", "b...,b...->b", f(2, 3), f(2, 3)),
    sample("einsum", "i...->...", f(2, 3, 4)),
    sample("einsum", "...", f(2, 3)),
    sample("einsum", " i j , j k -> i k ", f(2, 3), f(3, 4)),
    sample("einsum", "Ab,bC->AC", f(2, 3), f(3, 4)),
    sample("einsum", "ij,jk->ik", [f(2, 3), f(3, 4)]),
    sample("einsum", "iij->ij", f(3, 3, 2)),
    sample("einsum", "ii,i->i", f(3, 3), f(3)),
    edge("einsum", "->", f()),
    edge("einsum", ",i->i", f(), f(3)),
    edge("einsum", "ij,jk->ik", f(1, 3), f(3, 1)),
    edge("einsum", "ij,ij->ij", f(1, 3), f(2, 3)),
    edge("einsum", "...i,...i->...", f(2, 1, 3), f(4, 3)),
    edge("einsum", "ij,jk->ik", f(2, 0), f(0, 3)),
    edge("einsum", "ij->i", f(0, 3)),
    edge("einsum", "ij,jk->ik", f(3, 2).t, f(3, 8).step),
    *(
        refused("einsum", equation, f(2, 3), f(3, 4))
        for equation in (
            "ij,jk->iz",
            "ij,jk->ii",
            "ij->ij",
            "ij,jk,kl->il",
            "ij,ik->jk",
            "ijk,jk->i",
            "i,jk->i",
            "i1,jk->ik",
            "ij,jk->>",
        )
    ),
    refused("einsum", "ij,jk->ik"),
    refused("einsum", "i...j...->ij", f(2, 3)),
    refused("einsum", "ii->i", f(2, 3)),
    refused("einsum", 1, f(2, 3)),
    refused("einsum", "i,i->", f(3), f32(3)),
    # Products added to something
    *(row for name, shapes in FUSED.items() for row in fused(name, *shapes)),
    *(
        differs(name, *factors, because=PROMOTED)
        for name, (x, a, b) in FUSED.items()
        if name != "addr"
        for factors in ([f32(*x), f(*a), f(*b)], [f(*x), i(*a), i(*b)])
    ),
    *(refused(name, f(*x), f(*a), f32(*b)).by("matmul") for name, (x, a, b) in FUSED.items() if name != "addr"),
    *(sample("addr", f(2, 3), x(2), y(3)) for x, y in ((f, f32), (i, i))),
    *(edge(name, v(math.nan).expand(*x), f(*a), f(*b), beta=0) for name, (x, a, b) in FUSED.items()),
    *(
        edge(name, t(*x), t(*a), t(*b), beta=2)
        for name, (x, a, b) in FUSED.items()
        if name != "addbmm"
        for t in (i32, u8)
    ),
    *(
        differs("addbmm", t(3, 5), t(2, 3, 4), t(2, 4, 5), because="the sum over the batch is of int64")
        for t in (i32, u8)
    ),
    sample("addmv", input=f(2), mat=f(2, 3), vec=f(3)),
    sample("addr", input=f(2, 3), vec1=f(2), vec2=f(3)),
    sample("addbmm", input=f(3, 5), batch1=f(2, 3, 4), batch2=f(2, 4, 5)),
    sample("addmm", input=f(2, 4), mat1=f(2, 3), mat2=f(3, 4)),
    sample("baddbmm", input=f(2, 3, 5), batch1=f(2, 3, 4), batch2=f(2, 4, 5)),
    *(differs(name, i(*x), i(*a), i(*b), alpha=0.5, because=HALF) for name, (x, a, b) in FUSED.items()),
    *(edge("addmm", f(*x), f(2, 3), f(3, 4)) for x in ((4,), (1, 4), (2, 1), (1,), ())),
    edge("addmm", f(2, 4), f(2, 0), f(0, 4)),
    edge("addmm", f(0, 4), f(0, 3), f(3, 4)),
    edge("addmv", f(), f(2, 3), f(3)),
    edge("addmv", f(1), f(2, 3), f(3)),
    edge("addmv", f(2), f(2, 0), f(0)),
    *(edge("addr", f(*x), f(2), f(3)) for x in ((3,), (2, 1), ())),
    *(edge("baddbmm", f(*x), f(2, 3, 4), f(2, 4, 5)) for x in ((5,), (3, 5), (1, 1, 5), ())),
    edge("addbmm", f(3, 5), f(0, 3, 4), f(0, 4, 5)),
    *(sample(name, f(3, 4), f(4), f(3, 1)) for name in ("addcmul", "addcdiv")),
    *(sample(name, f(3), f(3), f(3), value=0.5) for name in ("addcmul", "addcdiv")),
    *(sample(name, f32(3), f32(3), f32(3), value=2) for name in ("addcmul", "addcdiv")),
    *(sample(name, input=f(3), tensor1=f(3), tensor2=f(3)) for name in ("addcmul", "addcdiv")),
    *(edge(name, f(), f(), f()) for name in ("addcmul", "addcdiv")),
    *(edge(name, f(0, 3), f(3), f(3)) for name in ("addcmul", "addcdiv")),
    *(edge(name, f(4, 3).t, f(3, 8).step, f(1, 4).expand(3, 4)) for name in ("addcmul", "addcdiv")),
    *(edge(name, f(3), f32(3), f(3)) for name in ("addcmul", "addcdiv")),
    *(edge("addcmul", x(3), x(3), x(3), value=2) for x in INTEGERS),
    edge("addcdiv", f(3), f(3), zeros(3)),
    *(refused(name, f(3), f(3)) for name in ("addcmul", "addcdiv")),
    refused("addcmul", f(3), f(3), f(4)).by("mul"),
    refused("addcdiv", f(3), f(3), f(4)).by("div"),
    *(refused(name, f(3), f(3), f(3), value="1").by("mul") for name in ("addcmul", "addcdiv")),
    *(differs(name, f(3), f(3), 1.0, because="a number is an operand") for name in ("addcmul", "addcdiv")),
    differs("addcmul", i(3), i(3), i(3), value=0.5, because=HALF),
    differs("addcdiv", i(3), i(3), i(3), because="the quotient is of floats"),
    # Blocks, and in space
    *(
        sample("kron", f(*x), f(*y))
        for x, y in (((2, 3), (3, 2)), ((3,), (2,)), ((2, 3), (2,)), ((2,), (2, 3)), ((2, 1, 2), (3, 2)))
    ),
    *(edge("kron", f(*x), f(*y)) for x, y in (((), ()), ((), (3,)), ((0,), (3,)), ((2, 0), (1, 2)))),
    *(edge("kron", x(2), y(3)) for x, y in ((f32, f), (i, f32), (i32, u8), (f16, f16))),
    edge("kron", f(3, 4).step, f(3, 2).tail),
    refused("kron", f(2)),
    differs("kron", f(2), "text", because=NOT_A_TENSOR),
    *(
        sample("linalg.cross", f(*x), f(*y), dim=d)
        for x, y, d in (((3,), (3,), 0), ((2, 3), (2, 3), -1), ((3, 2), (3, 2), 0), ((2, 3), (1, 3), 1))
    ),
    sample("linalg.cross", f32(3), f32(3)),
    sample("linalg.cross", input=f(3), other=f(3)),
    edge("linalg.cross", i(3), i(3)),
    edge("linalg.cross", f(0, 3), f(0, 3)),
    edge("linalg.cross", f(3, 2).t, f(2, 6).step),
    *(refused("linalg.cross", f(*x), f(*y)) for x, y in (((2,), (2,)), ((3, 2), (3, 2)), ((3,), (2, 3)))),
    refused("linalg.cross", f(2, 3), f(4, 3)).by("mul"),
    differs("linalg.cross", f(), f(), because=UNNAMED),
    *(refused("linalg.cross", f(3, 3), f(3, 3), dim=d) for d in (2, -3, "0")),
    # Distances
    *(sample("dist", f(3, 4), f(3, 4), *p) for p in ((), (1,), (2,), (3,), (math.inf,), (-math.inf,), (0,), (0.5,))),
    sample("dist", f32(3), f32(3), p=1),
    *(edge("dist", f(*x), f(*y)) for x, y in (((), ()), ((0,), (0,)), ((3, 1), (4,)))),
    edge("dist", f(3), zeros(3), 2),
    edge("dist", zeros(3), zeros(3), 2),
    edge("dist", zeros(3), zeros(3), 1),
    edge("dist", f32(3), f(3)),
    refused("dist", f(3), f(4)).by("sub"),
    differs("dist", f(3), 1.0, because="a number is an operand"),
    *(sample("cdist", f(3, 4), f(2, 4), *p) for p in ((), (1,), (2.0,), (3,), (math.inf,), (0,), (0.5,))),
    sample("cdist", f(2, 3, 4), f(2, 2, 4)),
    sample("cdist", f(2, 1, 3, 4), f(3, 2, 4)),
    sample("cdist", f32(3, 4), f32(2, 4), p=1),
    *(edge("cdist", f(*x), f(*y)) for x, y in (((0, 4), (2, 4)), ((3, 4), (0, 4)), ((3, 0), (2, 0)), ((1, 1), (1, 1)))),
    *(edge("cdist", zeros(2, 3), zeros(2, 3), p) for p in (1, 2, 3, math.inf)),
    edge("cdist", ties(3, 2), ties(4, 2), 1),
    edge("cdist", f(4, 3).t, f(2, 8).step),
    *(refused("cdist", f(*x), f(*y)) for x, y in (((4,), (2, 4)), ((3, 4), (2, 5)), ((3, 4), (4,)))),
    refused("cdist", f(2, 3, 4), f(3, 2, 4)).by("sub"),
    refused("cdist", i(3, 4), i(2, 4)).by("norm"),
    differs("cdist", f(3, 4), f(2, 4), -1, because="every order of a norm is taken"),
    differs("cdist", f(3, 4), f32(2, 4), because="types are promoted"),
]
