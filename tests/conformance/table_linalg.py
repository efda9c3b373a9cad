"""Linear algebra: determinants, equations, factorizations, eigenvalues, norms of matrices.

Two solvers round differently by the condition of the matrix, which is below 100 for all of these, and the second
derivative squares it: CLOSE is 1e4 roundings of float64, CLOSE32 as many of float32.
"""

import math
from collections.abc import Callable

from tests.conformance.inputs import Input, b, diagonal, f, f32, i, pd, sym, v, zeros
from tests.conformance.sample import Row, differs, edge, refused, sample

CLOSE, CLOSE32 = 2e-12, 1e-3
SPEAKERS = {"inverse": "inv", "pinverse": "pinv", "linalg.eigvalsh": "eigh", "linalg.svdvals": "svd"}


def single(make: Callable[..., Input]) -> Callable[..., Input]:
    """The same matrices in 32 bits."""
    return lambda *shape: Input(lambda place: make(*shape).make(place).astype("float32"))


def triangle(*shape: int, upper: bool = False) -> Input:
    """Triangular matrices far from singular."""
    return pd(*shape).viewed(lambda x: x.triu() if upper else x.tril())


def of_matrices(
    name: str,
    make: Callable[..., Input] = diagonal,
    then: Callable = lambda y: y,
    square: bool = True,
    **options: object,
) -> list[Row]:
    """A function of one matrix or many; `make` makes those that it takes, and `then` what is compared."""
    shapes = [(3, 3), (2, 3, 3), (2, 2, 2, 2)] if square else [(3, 3), (3, 2), (2, 3), (2, 3, 2), (2, 2, 2, 3)]
    empty = [(0, 0), (0, 3, 3)] if square else [(0, 0), (0, 3, 2)]
    rows = [
        *(sample(name, make(*shape), **options).then(then).within(CLOSE) for shape in shapes),
        sample(name, single(make)(3, 3), **options).then(then).within(CLOSE32),
        *(edge(name, make(*shape), **options).then(then) for shape in empty),
        edge(name, make(1, 1), **options).then(then).within(CLOSE),
        edge(name, make(3, 3).t, **options).then(then).within(CLOSE),
        edge(name, make(2, 3, 3).tail, **options).then(then).within(CLOSE),
        edge(name, make(1, 3, 3).expand(2, 3, 3), **options).then(then).within(CLOSE),
        refused(name, make(3, 3), nonsense=1, **options),
        refused(name),
    ]
    no_matrices = [f(3), f(), i(3, 3), b(3, 3), *([f(3, 2), f(2, 3, 2)] if square else [])]
    return [*rows, *(refused(name, x, **options).by(SPEAKERS.get(name, "")) for x in no_matrices)]


def eigen(pair: tuple) -> tuple:
    """Of eigenvalues and vectors, what does not depend on signs, and the matrix's square."""
    values, vectors = pair
    return values, vectors * vectors, vectors @ (values[..., None] ** 2 * vectors.mT)


def singular(parts: tuple) -> tuple:
    """Of singular values and vectors, what does not depend on signs, and the matrix with its values squared."""
    u, s, vh = parts
    k = s.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    return u * u, s, vh * vh, u @ (s[..., None] ** 2 * vh)


def of_svd(parts: tuple) -> tuple:
    """The same of U, S, V as PyTorch's older function gives them."""
    return singular((parts[0], parts[1], parts[2].mT))


def product(pair: tuple) -> tuple:
    """Of orthogonal and triangular factor, what does not depend on signs, and their product."""
    q, r = pair
    return q * q, r * r, q @ r


UNNAMED = "it is refused by Python or NumPy, whose message does not name the operation"
NORMS = (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
SINGULAR = v([[1.0, 2.0], [2.0, 4.0]])
INDEFINITE = v([[1.0, 2.0], [2.0, 1.0]])
SWAP = v([[0.0, 1.0], [1.0, 0.0]])
DEGENERATE = v([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
PIVOTS = v([2, 3, 3], "int32")
ORDERED = v([1, 2, 3], "int32")
SYSTEMS = [
    ((3, 3), (3,)),
    ((3, 3), (3, 2)),
    ((2, 3, 3), (2, 3, 2)),
    ((2, 3, 3), (2, 3)),
    ((3, 3), (2, 3, 2)),
    ((2, 3, 3), (3, 2)),
]
INVERSES = ("linalg.inv", "inverse")
EXPONENTIALS = ("linalg.matrix_exp", "matrix_exp")
POWERS = ("linalg.matrix_power", "matrix_power")
CHOLESKY = ("linalg.cholesky", "cholesky")
EIGEN = ("linalg.eigh", "linalg.eigvalsh")

TABLE = [
    # Determinants
    *(row for name in ("linalg.det", "det", "linalg.slogdet", "slogdet", "logdet") for row in of_matrices(name, pd)),
    *(row for name in ("linalg.det", "linalg.slogdet") for row in of_matrices(name)[:3]),
    differs("linalg.det", SINGULAR, because="the gradient is that of the cofactors; PyTorch's is 0").first(),
    differs("linalg.det", SINGULAR, because="the second derivative at a singular matrix is refused"),
    differs("logdet", SINGULAR, because="a gradient that is infinite is refused"),
    edge("logdet", SINGULAR.still),
    edge("linalg.det", zeros(3, 3)).first(),
    edge("linalg.det", SWAP),
    edge("linalg.slogdet", SWAP),
    edge("logdet", SWAP.still),
    *(sample("trace", x(3, 4)) for x in (f, f32, i)),
    sample("trace", input=f(3, 3)),
    *(edge("trace", x) for x in (f(0, 0), f(0, 3), f(1, 1), f(4, 3).t)),
    *(refused("trace", x) for x in (f(3), f(2, 3, 3), f())),
    # Inverses and equations
    *(row for name in INVERSES for row in of_matrices(name)),
    *(refused(name, x).by("inv") for name in INVERSES for x in (SINGULAR, zeros(2, 2))),
    *(sample("linalg.solve", diagonal(*a), f(*x)).within(CLOSE) for a, x in SYSTEMS),
    sample("linalg.solve", diagonal(3, 3), f(2, 3), left=False).within(CLOSE),
    sample("linalg.solve", diagonal(2, 3, 3), f(2, 2, 3), left=False).within(CLOSE),
    sample("linalg.solve", A=diagonal(3, 3), B=f(3, 2)).within(CLOSE),
    sample("linalg.solve", single(diagonal)(3, 3), f32(3)).within(CLOSE32),
    edge("linalg.solve", diagonal(3, 3).t, f(2, 3).t).within(CLOSE),
    edge("linalg.solve", diagonal(1, 1), f(1)).within(CLOSE),
    *(
        edge("linalg.solve", f(*a), f(*x))
        for a, x in (((0, 0), (0,)), ((0, 0), (0, 2)), ((3, 3), (3, 0)), ((0, 3, 3), (0, 3, 2)))
    ),
    *(refused("linalg.solve", diagonal(3, 3), x) for x in (f(2), f(2, 3), f32(3), i(3))),
    differs("linalg.solve", diagonal(3, 3), f(), because=UNNAMED),
    *(refused("linalg.solve", a, f(3)) for a in (f(3), f(3, 2), f(2, 3), i(3, 3))),
    refused("linalg.solve", SINGULAR, f(2)),
    refused("linalg.solve", diagonal(3, 3)),
    *(
        sample("linalg.solve_triangular", diagonal(*a), f(*x), upper=upper).within(CLOSE)
        for a, x in (*SYSTEMS[1:3], SYSTEMS[4])
        for upper in (False, True)
    ),
    sample("linalg.solve_triangular", diagonal(3, 3), f(2, 3), upper=True, left=False).within(CLOSE),
    sample("linalg.solve_triangular", f(3, 3), f(3, 2), upper=False, unitriangular=True).within(1e-10),
    sample("linalg.solve_triangular", single(diagonal)(3, 3), f32(3, 2), upper=True).within(CLOSE32),
    edge("linalg.solve_triangular", diagonal(3, 3).t, f(2, 3).t, upper=True).within(CLOSE),
    *(edge("linalg.solve_triangular", f(*a), f(*x), upper=True) for a, x in (((0, 0), (0, 2)), ((3, 3), (3, 0)))),
    refused("linalg.solve_triangular", diagonal(3, 3), f(2, 3), upper=True).by("solve"),
    refused("linalg.solve_triangular", diagonal(3, 3), f(3), upper=True),
    *(
        differs("linalg.solve_triangular", diagonal(3, 3), x, upper=True, because="both operands must have one type")
        for x in (f32(3, 2), i(3, 2))
    ),
    *(refused("linalg.solve_triangular", a, f(3, 2), upper=True) for a in (f(3, 2), f(3), i(3, 3))),
    refused("linalg.solve_triangular", diagonal(3, 3), f(3, 2)),
    *(row for name in ("linalg.pinv", "pinverse") for row in of_matrices(name, square=False)),
    *(
        sample("linalg.pinv", SINGULAR, **o).first().within(CLOSE)
        for o in ({}, {"rtol": 1e-3}, {"atol": 1.0}, {"hermitian": True})
    ),
    sample("linalg.pinv", sym(3, 3), hermitian=True).within(CLOSE),
    sample("linalg.pinv", diagonal(3, 2), 0.1).within(CLOSE),
    sample("pinverse", diagonal(2, 3, 2), rcond=1e-10).within(CLOSE),
    edge("linalg.pinv", zeros(2, 3)).first(),
    edge("linalg.pinv", f(3, 0)),
    edge("pinverse", SINGULAR, 1e-10).first().within(CLOSE),
    *(
        sample("linalg.lstsq", diagonal(*a), f(*x)).then(lambda y: y.solution).within(CLOSE)
        for a, x in (((4, 2), (4, 3)), ((2, 4, 2), (2, 4, 1)), ((3, 3), (3, 2)))
    ),
    sample("linalg.lstsq", diagonal(4, 2).still, f(4, 3).still, driver="gelsd").within(CLOSE),
    differs(
        "linalg.lstsq", diagonal(4, 2).still, f(4, 3).still, because="the residuals are there without a driver too"
    ),
    edge("linalg.lstsq", diagonal(2, 4).t, f(1, 4).t).then(lambda y: y.solution).within(CLOSE),
    refused("linalg.lstsq", diagonal(4, 2), f(3, 2)),
    *(refused("linalg.lstsq", diagonal(4, 2), x).by("matmul") for x in (f32(4, 2), i(4, 2))),
    *(refused("linalg.lstsq", *x) for x in ((f(4), f(4)), (i(4, 2), i(4, 2)))),
    *(sample("linalg.matrix_rank", x) for x in (diagonal(3, 2), diagonal(2, 3, 3), SINGULAR, zeros(2, 3), f32(3, 3))),
    *(
        sample("linalg.matrix_rank", diagonal(3, 3), **o)
        for o in ({"atol": 3.0}, {"rtol": 0.5}, {"tol": 5.0}, {"hermitian": True})
    ),
    *(edge("linalg.matrix_rank", x) for x in (f(0, 0), f(0, 3), f(0, 2, 2), f(1, 1), diagonal(3, 2).t)),
    *(refused("linalg.matrix_rank", x) for x in (f(3), f(), i(3, 3))),
    sample("linalg.tensorinv", diagonal(6, 6).viewed(lambda x: x.reshape(2, 3, 6))).within(CLOSE),
    sample("linalg.tensorinv", diagonal(6, 6).viewed(lambda x: x.reshape(6, 2, 3)), ind=1).within(CLOSE),
    edge("linalg.tensorinv", diagonal(1, 1).viewed(lambda x: x.reshape(1, 1, 1))).within(CLOSE),
    *(refused("linalg.tensorinv", f(2, 3, 6), ind) for ind in (0, -1, 1, 3)),
    refused("linalg.tensorinv", i(2, 3, 6)).by("inv"),
    sample("linalg.tensorsolve", diagonal(6, 6).viewed(lambda x: x.reshape(2, 3, 6)), f(2, 3)).within(CLOSE),
    sample("linalg.tensorsolve", diagonal(6, 6).viewed(lambda x: x.reshape(2, 6, 3)), f(2, 3), dims=(1,)).within(1e-10),
    edge("linalg.tensorsolve", diagonal(1, 1), f(1)).within(CLOSE),
    refused("linalg.tensorsolve", f(2, 3, 6), f(3, 3)),
    refused("linalg.tensorsolve", f(2, 3, 5), f(2, 3)),
    # Powers
    *(row for name in EXPONENTIALS for row in of_matrices(name, lambda *shape: f(*shape, low=-1, high=1))),
    edge("matrix_exp", v([[0.0, 100.0], [-100.0, 0.0]])).within(1e-8),  # a turn by a hundred radians
    edge("matrix_exp", zeros(2, 2)),
    *(sample(name, diagonal(3, 3), n).within(1e-11) for name in POWERS for n in (-2, -1, 0, 1, 2, 3, 5)),
    *(sample(name, diagonal(2, 3, 3), n=2) for name in POWERS),
    *(edge(name, f(0, 0), 2) for name in POWERS),
    *(edge(name, diagonal(3, 3).t, n) for name in POWERS for n in (0, 2)),
    *(refused(name, x, 2) for name in POWERS for x in (f(3), f(3, 2), f())),
    *(differs(name, diagonal(3, 3), n, because=UNNAMED) for name in POWERS for n in (0.5, "2")),
    refused("linalg.matrix_power", SINGULAR, -1).by("inv"),
    # Triangular factors
    *(row for name in CHOLESKY for upper in (False, True) for row in of_matrices(name, pd, upper=upper)),
    *(refused(name, x) for name in CHOLESKY for x in (zeros(2, 2), INDEFINITE)),
    # PyTorch's gradient reads the other triangle as well, which must therefore be 0.
    *(sample("cholesky_solve", f(3, 2), triangle(3, 3, upper=upper), upper).within(1e-10) for upper in (False, True)),
    sample("cholesky_solve", f(2, 3, 2), triangle(2, 3, 3)).within(1e-10),
    edge("cholesky_solve", f(0, 2), f(0, 0)),
    *(refused("cholesky_solve", *x) for x in ((f(3), pd(3, 3)), (f(2, 2), pd(3, 3)), (f(3, 2), f(3, 2)))),
    refused("cholesky_solve", f32(3, 2), pd(3, 3)).by("solve"),
    *(sample("cholesky_inverse", triangle(3, 3, upper=upper), upper).within(1e-10) for upper in (False, True)),
    sample("cholesky_inverse", triangle(2, 3, 3)).within(1e-10),
    edge("cholesky_inverse", f(0, 0)),
    *(refused("cholesky_inverse", x) for x in (f(3), f(3, 2), i(3, 3))),
    *(row for name in ("linalg.qr", "qr") for row in of_matrices(name, then=product, square=False)),
    *(
        sample("linalg.qr", diagonal(*shape).still, mode="complete").then(product).within(CLOSE)
        for shape in ((3, 2), (2, 3))
    ),
    sample("qr", diagonal(3, 3), some=False).then(product).within(CLOSE),
    differs("linalg.qr", diagonal(3, 2), mode="r", because="both factors are given"),
    refused("linalg.qr", diagonal(3, 2), mode="full"),
    *of_matrices("linalg.lu", square=False),
    *of_matrices("linalg.lu_factor", square=False),
    *(refused(name, diagonal(3, 3), pivot=False) for name in ("linalg.lu", "linalg.lu_factor")),
    *(sample("linalg.lu_solve", diagonal(3, 3), ORDERED, f(3, 2), **o).within(1e-10) for o in ({}, {"adjoint": True})),
    sample("linalg.lu_solve", diagonal(3, 3), PIVOTS, f(2, 3), left=False).within(1e-10),
    edge("linalg.lu_solve", diagonal(3, 3), ORDERED, f(3, 0)),
    refused("linalg.lu_solve", diagonal(3, 3), v([1, 2], "int32"), f(3, 2)),
    refused("linalg.lu_solve", diagonal(3, 3), ORDERED, f(2, 2)),
    sample("lu_solve", f(3, 2), diagonal(3, 3), PIVOTS).within(1e-10),
    edge("lu_solve", f(3, 0), diagonal(3, 3), ORDERED),
    refused("lu_solve", f(2, 2), diagonal(3, 3), ORDERED),
    sample("lu_unpack", diagonal(3, 3), PIVOTS),
    *(edge("lu_unpack", diagonal(*shape), v([2, 2], "int32")) for shape in ((3, 2), (2, 3))),
    refused("lu_unpack", diagonal(3, 3), v([1.0, 2.0, 3.0])),
    sample("linalg.householder_product", f(4, 3), f(3)).within(CLOSE),
    sample("linalg.householder_product", f(2, 4, 3), f(2, 2)).within(CLOSE),
    edge("linalg.householder_product", f(3, 4).t, f(4).step).within(CLOSE),
    differs("linalg.householder_product", f(4, 3), f(0), because="the identity depends on nothing"),
    differs("linalg.householder_product", f(4, 3), f32(3), because="types are promoted"),
    *(refused("linalg.householder_product", *x) for x in ((f(3), f(3)), (f(2, 3), f(2)), (f(4, 3), f(4)))),
    # Eigenvalues and singular values
    *(row for uplo in ("L", "U") for row in of_matrices("linalg.eigh", sym, eigen, UPLO=uplo)),
    *(row for uplo in ("L", "U") for row in of_matrices("linalg.eigvalsh", sym, UPLO=uplo)),
    *(edge("linalg.eigvalsh", diagonal(3, 3), uplo).first().within(CLOSE) for uplo in ("L", "U")),
    edge("linalg.eigvalsh", DEGENERATE).first(),
    *(refused(name, sym(3, 3), uplo).by("eigh") for name in EIGEN for uplo in ("X", "", 1, None)),
    *(
        row
        for full in (False, True)
        for row in of_matrices("linalg.svd", then=singular, square=False, full_matrices=full)
    ),
    *(row for row in of_matrices("svd", then=of_svd, square=False) if row.kind != "edge" or row.tolerance),
    *of_matrices("linalg.svdvals", square=False),
    edge("linalg.svdvals", SINGULAR).first().within(CLOSE),
    edge("linalg.svdvals", zeros(2, 3).still),
    sample("svd", diagonal(3, 2), some=False).then(of_svd).within(CLOSE),
    sample("svd", diagonal(3, 2).still, compute_uv=False).within(CLOSE),
    *(sample("linalg.cond", diagonal(3, 3), p).within(1e-10) for p in NORMS),
    sample("linalg.cond", diagonal(3, 2)).within(1e-10),
    sample("linalg.cond", diagonal(2, 3, 3), 1).within(1e-10),
    edge("linalg.cond", f(1, 1)).within(1e-10),
    refused("linalg.cond", f(3)),
    refused("linalg.cond", diagonal(3, 3), "nonsense").by("matrix_norm"),
    refused("linalg.cond", diagonal(3, 2), 1),
    # Norms
    *(sample("linalg.vector_norm", f(3, 4), p) for p in (2, 1, 0, 3, 0.5, -1, math.inf, -math.inf)),
    *(sample("linalg.vector_norm", f(3, 4), p, dim) for p in (2, 1, math.inf) for dim in (0, -1, (0, 1), None)),
    sample("linalg.vector_norm", f(3, 4), 2, 1, True),
    sample("linalg.vector_norm", f(2, 3, 4), ord=1, dim=(0, 2), keepdim=True),
    *(edge("linalg.vector_norm", x) for x in (f(), f(0), f(4, 3).t, f32(3), zeros(3))),
    *(edge("linalg.vector_norm", f(0, 3), p, 0) for p in (1, 2, 0)),
    *(refused("linalg.vector_norm", f(3, 4), 2, dim).by("norm") for dim in (2, -3, (0, 0), "0")),
    *(refused("linalg.vector_norm", x).by("norm") for x in (i(3), b(3))),
    differs("linalg.vector_norm", f(3), "fro", because="it is the name of 2"),
    differs("linalg.vector_norm", f(0), math.inf, because=UNNAMED),
    *(
        sample("linalg.matrix_norm", diagonal(*shape), p).within(CLOSE)
        for p in NORMS[1:]
        for shape in ((3, 3), (2, 3, 2))
    ),
    sample("linalg.matrix_norm", f(3, 4)),
    sample("linalg.matrix_norm", f(3, 4), "fro", (1, 0), True),
    sample("linalg.matrix_norm", f(2, 3, 4), ord=1, dim=(0, 2), keepdim=True),
    *(edge("linalg.matrix_norm", x) for x in (f(0, 3), f(1, 1), f(4, 3).t, f32(2, 3))),
    *(refused("linalg.matrix_norm", f(3, 4), p) for p in ("nonsense", 3, 0, None, 0.5)),
    *(refused("linalg.matrix_norm", f(3, 4), "fro", dim) for dim in ((0, 0), (0, 2), (0, 1, 2))),
    *(differs("linalg.matrix_norm", f(3, 4), "fro", dim, because=UNNAMED) for dim in ((0,), 0)),
    *(refused("linalg.matrix_norm", x) for x in (f(3), f(), i(3, 3))),
    *(
        sample("linalg.norm", f(*shape), *p)
        for shape, p in (((3,), ()), ((3, 4), ()), ((2, 3, 4), ()), ((3,), (1,)), ((3, 4), (1,)))
    ),
    *(
        sample("linalg.norm", f(2, 3, 4), *rest)
        for rest in ((2, 1), (1, (0, 1)), (None, 1), ("fro", (1, 2)), (None, (0, 2), True))
    ),
    *(edge("linalg.norm", x) for x in (f(), f(0), f(4, 3).t)),
    *(refused("linalg.norm", f(2, 3, 4), *rest) for rest in ((1,), ("fro",), (2, (0, 1, 2)), (2, 3))),
    differs("linalg.norm", f(2, 3, 4), "fro", 0, because="it is the name of 2"),
    refused("linalg.norm", i(3)),
    # Diagonals, powers, products
    *(sample("linalg.diagonal", f(2, 3, 4), **o) for o in ({}, {"offset": 1}, {"offset": -1, "dim1": 0, "dim2": 2})),
    edge("linalg.diagonal", f(0, 3)),
    refused("linalg.diagonal", f(3)),
    refused("linalg.diagonal", f(3, 4), dim1=0, dim2=0),
    *(sample("linalg.vander", x) for x in (f(3), f32(3), i(3))),
    sample("linalg.vander", f(3), N=2),
    edge("linalg.vander", f(2, 3)),
    refused("linalg.vander", f()),
    refused("linalg.vander", f(3), N=0),
    *(sample("linalg.vecdot", f(*x), f(*y)) for x, y in (((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)))),
    sample("linalg.vecdot", f(2, 3), f(2, 3), dim=0),
    edge("linalg.vecdot", f(0), f(0)),
    edge("linalg.vecdot", f32(3), f32(3)),
    refused("linalg.vecdot", f(3), f(4)).by("mul"),
    differs("linalg.vecdot", f(3), f(3), dim=1, because="there is no such dimension"),
    *(
        sample("linalg.multi_dot", [f(*x) for x in shapes])
        for shapes in (
            ((2, 3), (3, 4)),
            ((2, 3), (3, 1), (1, 4)),
            ((3,), (3, 2), (2,)),
            ((2, 3), (3, 5), (5, 2), (2, 4)),
        )
    ),
    edge("linalg.multi_dot", [f(2, 0), f(0, 3)]),
    *(refused("linalg.multi_dot", x) for x in ([f(2, 3)], [f(2, 3), f(2, 3)], [f(2, 3), f(1, 3, 3), f(3, 2)])),
    sample("chain_matmul", f(2, 3), f(3, 4), f(4, 1)),
    edge("chain_matmul", f(2, 3)),
    refused("chain_matmul", f(2, 3), f(2, 3)).by("multi_dot"),
    *(sample("cross", f(*x), f(*x), *dim) for x, dim in (((3,), (0,)), ((2, 3), (1,)), ((3, 2), (0,)), ((2, 3), ()))),
    edge("cross", f(0, 3), f(0, 3), 1),
    refused("cross", f(2), f(2)),
    refused("cross", f(3), f(4)),
    sample("linalg.matmul", f(2, 3), f(3, 4)),
    edge("linalg.matmul", f(0, 3), f(3, 4)),
    refused("linalg.matmul", f(2, 3), f(2, 3)),
]
