"""What an operation's examples leave out, and its derivative tells apart: ties at a bound, repeated indices, broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, applied, case, matrix, real
from tinygrad_edu.layers import AvgPool2d, BCELoss, Conv2d, CrossEntropyLoss, Softmax
from tinygrad_edu.linalg import svd
from tinygrad_edu.ops import det, index_put

__all__ = ["CLOSED", "CORNERS"]

ROWS, COLUMNS = np.array([2, 0, 0, 1]), np.array([1, 0, 0, 1])
MASK = np.array([[True, False, True], [False, False, True]])
TIES = real(3, 4, ties=True)
HALVES = np.array([[0.1, 0.25, 0.5], [0.9, 0.75, 0.0]])
MISSING = np.array([1.0, math.nan, math.nan, 2.0, math.nan, 3.0, 2.0])
POWERS = np.array([0, 2.5, 2, -1, -2, 0.5, 1j, 1 + 1j, -1 + 1j])
SIGNED = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 3.0]])  # singular


DEFINITE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.5], [0.5, -0.5, 2.0]])


def put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """PyTorch leaves open which of several values stays, so this is no operation that it has, too."""
    return index_put(x, indices, values, accumulate)


def determinant(x: Any) -> Any:
    """Its gradient at a singular matrix is 0 in PyTorch, where it ought to be that of the cofactors."""
    return det(x)


def tall(x: Any) -> Any:
    """The signs of singular vectors are another matter in PyTorch."""
    return svd(x, full_matrices=False)


CORNERS: dict[str, list[Case]] = {
    "AvgPool2d": [applied(AvgPool2d(2, 1, 1, count_include_pad=False), real(2, 2, 4, 5))],
    "Conv2d": [
        applied(Conv2d(2, 400, (3, 2)), real(2, 2, 3, 4)),  # so many channels that one product takes all windows
        *(applied(Conv2d(2, 3, 3, 1, 1), real(2, 2, 5, 6)), applied(Conv2d(4, 2, 3, 1, 1, 1, 2), real(2, 4, 5, 6))),
        *(
            applied(Conv2d(2, 3, (2, 3), (1, 2), (0, 2), (1, 2)), real(2, 2, 5, 8)),
            applied(Conv2d(1, 1, 2), real(2, 1, 4, 4)),
        ),
        *(
            applied(Conv2d(2, 3, (3, 2), 1, (2, 0), (2, 1)), real(2, 2, 7, 5)),
            applied(Conv2d(1, 1, 3, 2, 1), real(1, 1, 5, 6)),
        ),
    ],
    "Softmax": [applied(Softmax(0), real()), applied(Softmax(1), real(2, 0))],
    "cat": [case([real(2, 3), real(0), real(2, 3)], 1), case([real(0), real(2, 3), real(1, 3)], 0)],
    "cholesky": [case(DEFINITE, upper=upper) for upper in (False, True)],
    "clamp": [
        *(case(TIES, min=-1.0), case(TIES, max=1.0)),
        *(case(TIES, real(3, 1, ties=True), real(4, ties=True)), case(real(1, 4, ties=True), TIES, TIES)),
        *(case(TIES, real(4, ties=True)), case(TIES, None, real(4, ties=True))),
    ],
    "cumprod": [case(real(2, 3, 4), 1), case(real(2, 3, 4, ties=True), 1), case(real(), 0), case(np.array(0.0), 0)],
    "det": [
        *(Case(determinant, (SIGNED,)), Case(determinant, (np.stack([SIGNED, SIGNED[[1, 0, 2]]])[:, None],))),
        Case(determinant, (np.stack([SIGNED, SIGNED[[1, 0, 2]], -SIGNED, np.eye(3), np.diag([1.0, 2.0, 0.0])]),)),
    ],
    "fmax": [case(MISSING, MISSING[::-1].copy())],
    "fmin": [case(MISSING, MISSING[::-1].copy())],
    "index_put": [
        Case(put, (real(3, 2), [ROWS, COLUMNS], real(4))),
        *(Case(put, (real(3, 2), (ROWS,), real(4, 2), accumulate)) for accumulate in (False, True)),
        *(Case(put, (real(3, 2), (ROWS,), real(2), accumulate)) for accumulate in (False, True)),
        *(Case(put, (real(2, 3), (MASK,), real(3))), Case(put, (real(3, 2), (ROWS, COLUMNS), real(4)))),
    ],
    "logcumsumexp": [case(real(), 0), case(real(2, 3, 4), 1)],
    "logit": [
        case(np.array([0.75 + 5e-8, 0.25 - 5e-8, 0.5]), 0.25),
        case(HALVES, 0.25),
        case(HALVES, None),
        case(HALVES, 0.1),
        case(np.array([1.5, -0.5, 0.5, 0.0, -0.0, 1.0])),
    ],
    "lu_factor": [case(matrix(4, 2)), case(matrix(2, 4, 3))],
    "masked_fill": [case(real(2, 3), MASK, real()), case(real(3), MASK, real())],
    "matmul": [
        *(
            case(real(2, 1, 3, 4), real(5, 4, 2)),
            case(real(5, 3, 4), real(2, 1, 4, 2)),
            case(real(2, 5, 3, 4), real(4, 2)),
        ),
        *(case(real(4), real(2, 5, 4, 3)), case(real(2, 5, 3, 4), real(4)), case(real(3, 4), real(2, 4, 3))),
        *(case(real(1, 3, 4), real(2, 4, 3)), case(real(2, 3, 4), real(1, 4, 3))),
    ],
    "median": [case(np.array([1.0, math.nan, 2.0, math.nan])), case(np.array([1.0, 2.0, 2.0, 3.0, 2.0]))],
    "norm": [case(TIES, p, dim) for p in (0, 0.5, 1.5, -math.inf) for dim in (None, 0, 1)],
    "pow": [
        case(np.array([math.inf, math.nan, 2.0]), np.array([0.0, 0.0, 1.0])),
        case(np.array([2.0, 3.0, 0.5]), np.array([0.0, 1.0, 0.0])),
        *(case(np.array([0.0, 0.0, 0.0, 2.0]), np.array([-1.0, 0.0, 2.0, -0.5])), case(0, np.array([-1.0, 0.0, 2.0]))),
        *(case(np.zeros_like(POWERS), POWERS), case(np.zeros(len(POWERS)), POWERS)),
        *(
            case(np.array([-2.0, -0.5, 3.0]), POWERS[-3:]),
            case(np.array([complex(-2, -0.0), complex(-2, 0)]), POWERS[-2:]),
        ),
        *(case(0.5, real(3)), case(-2.0, real(3)), case(real(3), 1), case(np.array([0.0, 1.0]), 0), case(0, real(3))),
    ],
    "prod": [case(real(2, 3, 4), 1), case(real(2, 3, 4, ties=True), 1), case(real(2, 3, 4, ties=True), -1)],
    "solve": [
        *(
            case(matrix(1, 3, 3), real(2, 3, 2)),
            case(matrix(2, 3, 3), real(1, 3, 2)),
            case(matrix(3, 3), real(2, 3, 2)),
        ),
        *(case(matrix(1, 3, 3), real(2, 2, 3), left=False), case(matrix(2, 3, 3), real(1, 2, 3), left=False)),
    ],
    "svd": [Case(tall, (matrix(4, 2),)), Case(tall, (matrix(2, 4, 3),))],
    "xlogy": [case(np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.5, 1.0, 2.0, 1.0]))],
}

# Where the other forms have nothing to say, or few digits: the gradients in closed form, for a cotangent of one number.
LAST = math.exp(1.0) / (math.exp(0.5) + math.exp(1.0))
# Of 40, 0 and -1 the softmax, nearly 1, e^-40 and e^-41; together they are 1.
SATURATED = np.array([[40.0, 0.0, -1.0]])
SMALL, SMALLER = (math.exp(x) / (1 + math.exp(-40) + math.exp(-41)) for x in (-40, -41))
CLOSED: dict[str, list[tuple[Case, Any, dict[str, Any]]]] = {
    # Held at -100, the logarithm has (x - t) / 1e-12 for its slope.
    "BCELoss": [
        (
            applied(BCELoss("sum"), np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.25])),
            1.0,
            {"x": [0.0, 0.0, -1e12, 0.75e12]},
        )
    ],
    "CrossEntropyLoss": [
        (
            applied(CrossEntropyLoss(), SATURATED, np.array([[1.0, 0.0, 0.0]])),
            1.0,
            {"x": [[-SMALL - SMALLER, SMALL, SMALLER]]},
        )
    ],
    "Softmax": [
        # dx_i = y_i sum_j y_j (dy_i - dy_j)
        (
            applied(Softmax(1), SATURATED),
            [[1.0, 2.0, 3.0]],
            {"x": [[-SMALL - 2 * SMALLER, SMALL * (1 - SMALLER), SMALLER * (2 + SMALL)]]},
        )
    ],
    # cof [[a, b], [c, d]] = [[d, -c], [-b, a]], conjugated.
    "det": [(case(np.array([[1, 1j], [1j, -1]])), 1.0, {"A": [[-1, 1j], [1j, 1]]})],
    "logcumsumexp": [(case(np.array([-math.inf, -math.inf, 0.5, 1.0]), 0), 1.0, {"x": [0.0, 0.0, 2.0 - LAST, LAST]})],
}
