"""Result types: every operation on every pair of dtypes, dimensions and Python numbers, held against PyTorch."""

import itertools

import numpy as np
import pytest

import tinygrad_edu as tg

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
NUMBERS = [True, 3, 2.5]

BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "floor_divide",
    "remainder",
    "fmod",
    "pow",
    "maximum",
    "minimum",
    "atan2",
    "eq",
    "lt",
    "logical_and",
    "bitwise_and",
    "bitwise_or",
]
UNARY = [
    "neg",
    "abs",
    "sign",
    "square",
    "reciprocal",
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "sigmoid",
    "sin",
    "tanh",
    "atan",
    "floor",
    "round",
    "relu",
    "isnan",
    "logical_not",
    "bitwise_not",
    "sum",
    "prod",
    "mean",
    "amax",
    "argmax",
    "any",
    "cumsum",
    "var",
    "softmax",
    "logsumexp",
    "clamp",
    "where",
    "zeros_like",
]


def operands(lib, dtype, ndim):
    return lib.ones((2,) if ndim else (), dtype=getattr(lib, dtype))


def outcomes(torch, call, *arguments):
    """The dtype that a call gives here and in PyTorch; None where it is refused."""
    found = []
    for lib in (tg, torch):
        try:
            with np.errstate(all="ignore"):
                found.append(str(call(lib, *arguments).dtype).removeprefix("torch."))
        except (RuntimeError, TypeError, ValueError, NotImplementedError):
            found.append(None)
    return found


def differences(torch, call, *ranges):
    """The arguments for which the two differ. What PyTorch refuses may be allowed here."""
    found = [(arguments, *outcomes(torch, call, *arguments)) for arguments in itertools.product(*ranges)]
    assert any(mine is not None for _, mine, _ in found)
    return [(arguments, mine, theirs) for arguments, mine, theirs in found if mine != theirs and theirs is not None]


@pytest.mark.parametrize("name", BINARY)
def test_pairs_of_tensors_give_torchs_dtype(torch, name):
    def call(lib, a, b, i, j):
        return getattr(lib, name)(operands(lib, a, i), operands(lib, b, j))

    assert not differences(torch, call, DTYPES, DTYPES, (0, 1), (0, 1))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "eq", "lt"])
def test_python_numbers_give_torchs_dtype(torch, name):
    def call(lib, dtype, ndim, number, reflected):
        return getattr(operands(lib, dtype, ndim), f"__{reflected}{name}__")(number)

    assert not differences(torch, call, DTYPES, (0, 1), NUMBERS, ["", "r"] if name not in ("eq", "lt") else [""])


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.filterwarnings("ignore:var.*degrees of freedom")  # PyTorch's, on the variance of one number
def test_one_tensor_gives_torchs_dtype(torch, name):
    def call(lib, dtype, ndim):
        x = operands(lib, dtype, ndim)
        if name in ("cumsum", "softmax", "logsumexp"):
            return getattr(lib, name)(x, dim=0)
        if name == "clamp":
            return x.clamp(0, 2)
        if name == "where":
            return lib.where(x > 0, x, 1.5)
        return getattr(lib, name)(x)

    # any of uint8 is uint8 in PyTorch, for its oldest programs; here it is a bool
    dtypes = [dtype for dtype in DTYPES if (name, dtype) != ("any", "uint8")]
    assert not differences(torch, call, dtypes, (0, 1))


def test_promote_and_result_type_are_torchs(torch):
    for a, b in itertools.product(DTYPES, DTYPES):
        expected = torch.promote_types(getattr(torch, a), getattr(torch, b))
        assert f"torch.{tg.promote_types(a, b)}" == str(expected)
        for i, j in itertools.product((0, 1), (0, 1)):
            expected = torch.result_type(operands(torch, a, i), operands(torch, b, j))
            assert f"torch.{tg.result_type(operands(tg, a, i), operands(tg, b, j))}" == str(expected)
    for a, number in itertools.product(DTYPES, NUMBERS):
        expected = torch.result_type(operands(torch, a, 1), number)
        assert f"torch.{tg.result_type(operands(tg, a, 1), number)}" == str(expected)


@pytest.mark.parametrize("number", [2, 2.5, True])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "atan2", "lerp", "where", "clamp"])
def test_a_float32_tensor_stays_float32_beside_python_numbers(name, number):
    x = tg.tensor([0.5, 1.5], requires_grad=True)
    call = {
        "where": lambda: tg.where(x > 1, x, number),
        "clamp": lambda: x.clamp(0, number),
        "lerp": lambda: tg.lerp(x, tg.ones(2), number),
    }.get(name, lambda: getattr(tg, name)(x, number))
    y = call()
    y.sum().backward()
    assert y.dtype == x.grad.dtype == tg.float32


def test_every_rule_keeps_float32(rng):
    """The rule itself, not only the gradient that the sweep has cast: a widened step would cost time and memory."""
    from tests.ops.against_torch import cases
    from tests.ops.test_arithmetic import NAMES as ARITHMETIC
    from tests.ops.test_exponential import NAMES as EXPONENTIAL
    from tests.ops.test_reduce import NAMES as REDUCE
    from tests.ops.test_trigonometry import NAMES as TRIGONOMETRY

    wrong = []
    for parameter in cases(*ARITHMETIC, *EXPONENTIAL, *TRIGONOMETRY, *REDUCE, draws=2):
        _, found = parameter.values
        drawn = found.drawn(rng, np.float32)
        inputs = [tg.tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x for x in drawn]
        results = found.function(*inputs, **found.options)
        for y in results if isinstance(results, tuple) else [results]:
            if getattr(y, "requires_grad", False):
                values = y.node.values(None)
                cotangents = y.node.pull(np.ones(y.shape, np.float32), values)
                if any(g.dtype != np.float32 for g in (y, *cotangents)):
                    wrong.append(parameter.id)
    assert not wrong


def test_gradients_have_the_dtype_of_their_operand():
    a, b = tg.ones(2, requires_grad=True), tg.ones(2, dtype=tg.float64, requires_grad=True)
    y = (a * b).sum()
    y.backward()
    assert (y.dtype, a.grad.dtype, b.grad.dtype) == (tg.float64, tg.float32, tg.float64)


def test_numpys_scalars_count_as_tensors_without_dimensions():
    assert (tg.ones(2) * np.float64(2)).dtype == tg.float32
    assert (tg.tensor(1.0) * np.float64(2)).dtype == tg.float64


def test_integers_do_not_overflow_silently_where_torch_widens(torch):
    x = np.array([100, 100], np.int8)
    assert tg.tensor(x).sum().item() == torch.tensor(x).sum().item() == 200
