"""Complex numbers: what each operation makes of them, and their gradients, held against PyTorch's."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import tinygrad_edu as tg
from tests.ops.against_torch import assert_same, cases, check
from tinygrad_edu import nn
from tinygrad_edu.announce import announced
from tinygrad_edu.autograd import Function, gradcheck, gradgradcheck
from tinygrad_edu.testing.subject import mapped

OPERATIONS = sorted(name for name, entry in announced.items() if entry.kind == "operation" and entry.examples)

# Whose examples make complex numbers by themselves, or which PyTorch has under no such name: tested on their own.
APART = {
    *("angle", "complex", "conj", "imag", "polar", "real", "sgn", "view_as_complex", "view_as_real"),
    *(
        "astype",
        "contract",
        "getitem",
        "index_put",
        "matrix_norm",
        "one_hot",
        "overlap_add",
        "pad",
        "unindex",
        "vander",
    ),
    *("where", "windows"),
    *tg.fft.__all__,
}
# What takes complex numbers; all else may refuse them.
TAKES = {
    *(
        "abs",
        "acos",
        "acosh",
        "add",
        "addmm",
        "adjoint",
        "asin",
        "asinh",
        "atan",
        "atanh",
        "bmm",
        "cat",
        "clone",
        "cos",
    ),
    *("cosh", "cumprod", "cumsum", "det", "diag", "diagonal", "diagonal_scatter", "div", "dot", "einsum", "eq", "exp"),
    *(
        "exp2",
        "expand",
        "expm1",
        "flatten",
        "flip",
        "gather",
        "index_select",
        "inner",
        "inv",
        "isfinite",
        "kron",
        "log",
    ),
    *("log10", "log1p", "log2", "masked_fill", "matmul", "matrix_exp", "matrix_power", "mean", "mm", "movedim", "mul"),
    *("mv", "ne", "neg", "norm", "outer", "permute", "pow", "prod", "reciprocal", "repeat", "reshape", "roll", "rsqrt"),
    *(
        "scatter",
        "select",
        "sigmoid",
        "sin",
        "sinh",
        "solve",
        "split",
        "sqrt",
        "square",
        "squeeze",
        "stack",
        "sub",
        "sum",
    ),
    *(
        "swapaxes",
        "tan",
        "tanh",
        "tensordot",
        "tile",
        "trace",
        "transpose",
        "tril",
        "triu",
        "unfold",
        "unsqueeze",
        "view",
    ),
}
# Taken here and refused by PyTorch.
BEYOND = {"cdist", "nansum"}
LINALG = {
    name for name in tg.linalg.__all__ if name in announced and getattr(tg.linalg, name) is announced[name].target
}


def complex_inputs(case, rng):
    """The inputs of a drawn case with an imaginary part added to every float array."""

    def convert(x):
        return x + 1j * rng.uniform(0.3, 1.0, x.shape) if x.dtype.kind == "f" else x

    return [mapped(x, convert) for x in case.drawn(rng)]


def twin(torch, name):
    homes = (torch.linalg if name in LINALG else torch, torch, torch.Tensor, torch.special)
    found = [getattr(home, name) for home in homes if hasattr(home, name)]
    assert found, f"PyTorch has no {name}: test it for complex numbers by itself, and name it in APART"
    return found[0]


def unpacked(call, case, inputs):
    """A call whose first input is a list, as one on the members of the list."""
    if not isinstance(inputs[0], list):
        return (lambda *x: call(*x, **case.options)), inputs
    count = len(inputs[0])
    return (lambda *x: call(list(x[:count]), *x[count:], **case.options)), [*inputs[0], *inputs[1:]]


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - APART - BEYOND))
def test_values_gradients_and_second_gradients_are_torchs_or_complex_numbers_are_refused(torch, rng, name):
    theirs = twin(torch, name)
    for parameter in cases(name, draws=3):
        _, case = parameter.values
        mine, inputs = unpacked(case.function, case, complex_inputs(case, rng))
        try:
            # Matrices are inverted thrice for a second gradient; each adds the roundings of some hundred terms.
            check(torch, mine, unpacked(theirs, case, complex_inputs(case, rng))[0], inputs, rtol=1e-9, atol=1e-10)
        except tg.DtypeError as error:
            assert name not in TAKES and "complex" in str(error)


@pytest.mark.parametrize("name", sorted(BEYOND))
def test_what_torch_refuses_agrees_with_differences(rng, name):
    _, case = cases(name, draws=0)[0].values
    inputs = [mapped(x, lambda x: tg.tensor(x, requires_grad=True)) for x in complex_inputs(case, rng)]
    assert gradcheck(lambda *x: case.function(*x, **case.options), inputs)


BINARY = ["add", "sub", "mul", "div", "pow"]
# pow multiplies exponentials and logarithms, some roundings more than one product, of numbers up to 2⁴ in size; and parts
# of complex numbers may cancel.
LOOSER = {"rtol": 1e-11, "atol": 1e-11}


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_mixed_operands_broadcast_and_get_gradients_of_their_own_type(torch, name, data):
    shapes = data.draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)).input_shapes
    kinds = data.draw(st.sampled_from([(True, False), (False, True), (True, True)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    a, b = (
        rng.uniform(0.5, 2, shape) + (1j * rng.uniform(-2, 2, shape) if complex_ else 0)
        for shape, complex_ in zip(shapes, kinds, strict=True)
    )
    check(torch, getattr(tg, name), getattr(torch, name), [np.asarray(a), np.asarray(b)], **LOOSER)


def operator_call(method, number):
    """A method of a tensor, on this number."""
    return lambda x: getattr(x, method)(number)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("number", [1j, 1.5 - 2j, 2, -0.5, -3, True])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_python_numbers_on_either_side(torch, rng, name, number, kind):
    x = rng.uniform(0.5, 2, (2, 3)) + (1j * rng.uniform(-2, 2, (2, 3)) if kind == "complex" else 0)
    operator = {"div": "truediv"}.get(name, name)
    if name == "sub" and number is True:
        return  # not defined in PyTorch
    for method in (f"__{operator}__", f"__r{operator}__"):
        if name == "pow" and method == "__rpow__" and kind == "real" and not isinstance(number, complex):
            continue  # a real power of a negative number is NaN
        call = operator_call(method, number)
        check(torch, call, call, [x], **LOOSER)


def test_complex_powers_of_negative_numbers(torch, rng):
    x, z = rng.uniform(-2, -0.5, 4), rng.normal(size=4) + 1j * rng.normal(size=4)
    check(torch, lambda x, z: x**z, lambda x, z: x**z, [x, z], **LOOSER)
    check(torch, lambda z: (-2.0) ** z, lambda z: (-2.0) ** z, [z], **LOOSER)


def test_zeros_have_torchs_gradients(torch):
    z = np.array([[0, 1 + 2j, -1], [2j, 0, 0]])
    for call in ("abs", "sgn", "angle", "prod"):
        # PyTorch's second gradients of the others are NaN at 0.
        check(torch, getattr(tg, call), getattr(torch, call), [z], twice=call == "prod")
    for dim in (0, 1):
        check(torch, lambda x, dim=dim: x.cumprod(dim), lambda x, dim=dim: x.cumprod(dim), [z])
    check(torch, tg.norm, torch.norm, [np.zeros(3, np.complex128)], twice=False)
    check(torch, lambda x: x**2, lambda x: x**2, [z])
    check(torch, lambda x, y: x**y, lambda x, y: x**y, [z, np.array([2.0, 2.0, 3.0])], twice=False)


def test_a_singular_complex_matrix_has_the_gradient_of_its_determinant():
    # PyTorch gives 0 for all cofactors here.
    singular = np.array([[1, 2j, 3], [0, 0, 0], [1j, 1, 2 - 1j]])
    assert gradcheck(tg.det, tg.tensor(singular, requires_grad=True))


@pytest.mark.parametrize("name", ["acosh", "asin", "acos", "atanh", "asinh", "atan", "log", "sqrt", "rsqrt", "log1p"])
def test_roots_and_logarithms_are_right_in_every_quadrant(torch, name):
    z = np.array([1.5 + 0.5j, -1.5 + 0.5j, -1.5 - 0.5j, 1.5 - 0.5j, 0.3 + 2j, -0.3 - 2j])
    check(torch, getattr(tg, name), getattr(torch, name), [z])


# Parts


@pytest.mark.parametrize("name", ["real", "imag", "conj", "abs", "angle", "sgn", "view_as_real", "isreal"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_parts_of_complex_numbers(torch, rng, name, shape):
    z = np.asarray(rng.uniform(0.5, 2, shape) + 1j * rng.uniform(0.5, 2, shape))
    for x in (z, z.T, z[..., ::2] if z.ndim else z):
        check(torch, getattr(tg, name), getattr(torch, name), [x])


@pytest.mark.parametrize("name", ["real", "conj", "abs", "angle", "sgn", "isreal"])
def test_parts_of_real_numbers(torch, name):
    x = np.array([-2.0, -0.0, 0.0, 1.0, np.nan])
    mine, theirs = getattr(tg, name)(tg.tensor(x)), getattr(torch, name)(torch.tensor(x))
    assert_same(mine, theirs, name)


@pytest.mark.parametrize("name", ["complex", "polar"])
def test_complex_numbers_of_real_ones(torch, rng, name):
    a, b = rng.uniform(0.5, 2, (2, 3)), rng.uniform(-2, 2, (2, 3))
    check(torch, getattr(tg, name), getattr(torch, name), [a, b])
    check(torch, lambda a: getattr(tg, name)(a, a.T), lambda a: getattr(torch, name)(a, a.T), [a[:, :2]])
    xs = tg.tensor(a, requires_grad=True), tg.tensor(b[0], requires_grad=True)
    assert gradcheck(getattr(tg, name), xs) and gradgradcheck(getattr(tg, name), xs)


def test_pairs_and_complex_numbers_share_memory(torch):
    x = np.arange(12.0).reshape(2, 3, 2)
    check(torch, tg.view_as_complex, torch.view_as_complex, [x])
    pairs = tg.tensor(x)
    z = tg.view_as_complex(pairs)
    assert np.shares_memory(z.numpy(), pairs.numpy())
    assert np.shares_memory(tg.view_as_real(z).numpy(), pairs.numpy())
    assert np.shares_memory(z.real.numpy(), pairs.numpy()) and np.shares_memory(z.imag.numpy(), pairs.numpy())
    z.imag[...] = 7
    assert (pairs.numpy()[..., 1] == 7).all()
    apart = tg.tensor(np.arange(6.0).reshape(2, 3)).T  # whose pairs do not lie side by side
    np.testing.assert_array_equal(tg.view_as_complex(apart).numpy(), np.arange(3) + 1j * np.arange(3, 6))


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones(()), np.ones(2, np.float16), np.ones(2, np.int64)])
def test_what_holds_no_pairs_is_refused(bad):
    with pytest.raises(tg.ShapeError, match="view_as_complex: expected float32 or float64 with a last dimension of le"):
        tg.view_as_complex(tg.tensor(bad))


def test_real_numbers_have_no_imaginary_part():
    for call in (tg.imag, lambda x: x.imag, tg.view_as_real):
        with pytest.raises(tg.DtypeError, match=r"expected complex numbers, got float32 \(shape \(2,\)\)"):
            call(tg.ones(2))
    with pytest.raises(tg.DtypeError, match="complex: expected floats, got .* int64"):
        tg.complex(tg.tensor([1]), tg.tensor([2]))
    with pytest.raises(tg.ShapeError, match="complex: shapes do not broadcast"):
        tg.complex(tg.ones(2), tg.ones(3))
    x = tg.ones(2)
    assert x.real is x and x.conj() is x


@pytest.mark.parametrize("p", [0, 1, 2, 2.5, 3, np.inf, -np.inf])
@pytest.mark.parametrize("dim", [None, 0, (0, -1)])
def test_norms_of_complex_vectors(torch, rng, p, dim):
    z = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    call = {lib: lambda z, lib=lib: lib.linalg.vector_norm(z, p, dim) for lib in (tg, torch)}
    check(torch, call[tg], call[torch], [z], twice=p != 0)


@pytest.mark.parametrize("ord", ["fro", 1, -1, np.inf, -np.inf])
def test_norms_of_complex_matrices(torch, rng, ord):
    z = rng.normal(size=(2, 3, 4)) + 1j * rng.normal(size=(2, 3, 4))
    check(torch, lambda z: tg.linalg.matrix_norm(z, ord), lambda z: torch.linalg.matrix_norm(z, ord), [z])
    with pytest.raises(tg.DtypeError, match="svd"):
        tg.linalg.matrix_norm(tg.tensor(z), "nuc")


def test_adjoints_conjugate(torch, rng):
    z = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
    for name in ("mT", "mH", "T", "H"):
        check(torch, lambda x, name=name: getattr(x, name), lambda x, name=name: getattr(x, name), [z])
    check(torch, tg.adjoint, torch.adjoint, [z])


# Types

COMPLEX = ["complex64", "complex128"]
DTYPES = ["bool", "uint8", "int32", "int64", "float32", "float64", *COMPLEX]
NUMBERS = [True, 3, 2.5, 1j]


def ones(lib, dtype, ndim):
    return lib.ones((2,) if ndim else (), dtype=getattr(lib, dtype))


@pytest.mark.parametrize("default", ["float32", "float64"])
def test_promotion_is_torchs(torch, default):
    for lib in (tg, torch):
        lib.set_default_dtype(getattr(lib, default))
    try:
        for a, b in itertools.product(DTYPES, DTYPES):
            assert f"torch.{tg.promote_types(a, b)}" == str(torch.promote_types(getattr(torch, a), getattr(torch, b)))
            for i, j in itertools.product((0, 1), (0, 1)):
                mine, theirs = ([ones(lib, a, i), ones(lib, b, j)] for lib in (tg, torch))
                assert f"torch.{tg.result_type(*mine)}" == str(torch.result_type(*theirs))
                for name in ("add", "mul", "div", "pow", "eq", "logical_and"):
                    if name == "pow" and a == b == "bool":
                        continue  # not defined in PyTorch
                    expected = getattr(torch, name)(*theirs).dtype
                    assert f"torch.{getattr(tg, name)(*mine).dtype}" == str(expected), (name, a, b, i, j)
        for a, number, i in itertools.product(DTYPES, NUMBERS, (0, 1)):
            mine, theirs = ones(tg, a, i), ones(torch, a, i)
            assert f"torch.{tg.result_type(mine, number)}" == str(torch.result_type(theirs, number))
            for operator in ("__add__", "__radd__", "__mul__", "__truediv__", "__rsub__"):
                if operator == "__rsub__" and "bool" in (a, type(number).__name__):
                    continue  # not defined in PyTorch
                expected = getattr(theirs, operator)(number).dtype
                assert f"torch.{getattr(mine, operator)(number).dtype}" == str(expected), (operator, a, number)
        assert f"torch.{tg.tensor(1j).dtype}" == f"torch.{tg.tensor([1, 2j]).dtype}" == str(torch.tensor(1j).dtype)
        assert f"torch.{tg.full((2,), 1j).dtype}" == str(torch.full((2,), 1j).dtype)
    finally:
        for lib in (tg, torch):
            lib.set_default_dtype(lib.float32)


@pytest.mark.parametrize(
    "name", ["exp", "abs", "sum", "prod", "mean", "cumsum", "sgn", "angle", "norm", "square", "sqrt"]
)
@pytest.mark.parametrize("dtype", COMPLEX)
def test_one_operand_gives_torchs_dtype(torch, name, dtype):
    found = [getattr(lib, name)(ones(lib, dtype, 1), *([0] if name == "cumsum" else [])).dtype for lib in (tg, torch)]
    assert f"torch.{found[0]}" == str(found[1])


@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "div", "pow", "matmul", "exp", "abs", "prod", "sqrt", "tan", "sgn"]
)
def test_complex64_stays_complex64_in_every_rule(rng, name):
    x, y = (tg.tensor((rng.normal(size=(2, 2)) + 1j).astype(np.complex64), requires_grad=True) for _ in range(2))
    z = getattr(tg, name)(x, y) if name in (*BINARY, "matmul") else getattr(tg, name)(x)
    cotangent = np.ones(z.shape, z.dtype)
    node = z.node
    while len(node.parents) == 1 and not isinstance(node.parents[0], tg.Tensor):
        node = node.parents[0]  # of a composite, the first node
    if node is z.node:
        assert all(g.dtype in (z.dtype, np.complex64) for g in node.pull(cotangent, node.values(None)))
    z.backward(tg.tensor(cotangent))
    assert x.grad.dtype == tg.complex64


def test_conversions(torch):
    z = np.array([1 + 2j, -3])
    check(torch, lambda x: x.to(tg.complex64), lambda x: x.to(torch.complex64), [np.array([1.0, 2.0])], rtol=1e-6)
    check(torch, lambda x: x.cdouble(), lambda x: x.cdouble(), [np.array([1.0, 2.0])])
    assert tg.tensor(z).cfloat().dtype == tg.complex64
    with pytest.warns(np.exceptions.ComplexWarning, match="discards the imaginary part"):
        x = tg.tensor(z, requires_grad=True)
        y = x.double()
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 1])
    with pytest.raises(
        tg.DtypeError, match="tensor: complex numbers have no float32; ask for a complex dtype, or take"
    ):
        tg.tensor([1j], dtype=tg.float32)
    with pytest.raises(tg.DtypeError, match="Tensor: complex numbers have no float32"):
        tg.Tensor([1j])


# A tensor of complex numbers


def test_a_complex_tensor(torch):
    z = tg.tensor([1 + 2j, 3])
    assert z.is_complex() and tg.is_complex(z) and not z.is_floating_point() and not tg.is_complex(tg.ones(1))
    assert repr(z) == "tensor([1.+2.j, 3.+0.j])" == repr(torch.tensor([1 + 2j, 3]))
    assert repr(z.cdouble()) == "tensor([1.+2.j, 3.+0.j], dtype=complex128)"
    assert z[0].item() == complex(z[0]) == 1 + 2j
    assert z.tolist() == [1 + 2j, 3]
    with pytest.raises(TypeError):
        float(z[0])
    a = np.ones(2, np.complex64)
    assert np.shares_memory(tg.from_numpy(a).numpy(), a)


def test_numpys_functions_record_complex_operations():
    z = tg.tensor([1 + 2j, 3], requires_grad=True)
    y = np.abs(np.conj(np.exp(z)) * 1j).sum()
    y.backward()
    expected = tg.tensor([1 + 2j, 3], requires_grad=True)
    expected.exp().abs().sum().backward()
    np.testing.assert_allclose(z.grad.numpy(), expected.grad.numpy(), rtol=1e-6)  # float32
    assert np.iscomplexobj(z.detach()) and not np.isrealobj(z.detach())
    assert np.mean(tg.tensor([1j, 2])).dtype == tg.complex64
    a = np.array([1 + 2j, 3])
    for function in (np.real, np.imag, np.angle):
        np.testing.assert_array_equal(function(tg.tensor(a)).numpy(), function(a))


# Gradients


@pytest.mark.parametrize("name", ["mul", "div", "add"])
def test_a_real_operand_gets_the_real_part(torch, rng, name):
    x, z = rng.normal(size=3), rng.normal(size=3) + 1j * rng.normal(size=3)
    check(torch, lambda x: getattr(tg, name)(x, tg.tensor(z)), lambda x: getattr(torch, name)(x, torch.tensor(z)), [x])
    check(torch, lambda x: (1j * x).exp(), lambda x: (1j * x).exp(), [x])


def test_the_gradient_is_the_direction_of_steepest_ascent():
    z = tg.tensor([3 + 4j], requires_grad=True)
    (z.abs() ** 2).sum().backward()  # |z|² = x² + y², whose gradient is (2x, 2y)
    assert z.grad.item() == 6 + 8j


def test_a_complex_result_needs_a_gradient(torch):
    for lib in (tg, torch):
        z = lib.tensor(1 + 2j, requires_grad=True)
        y = z * z
        with pytest.raises(RuntimeError, match="grad can be implicitly created only for real scalar outputs"):
            y.backward()
        y.backward(lib.tensor(1 + 0j))
        assert z.grad.item() == 2 - 4j
        with pytest.raises(RuntimeError):
            (z * z).backward(lib.tensor(1.0))
        with pytest.raises(RuntimeError):
            (z * z).abs().backward(lib.tensor(1j))


def test_only_complex_and_float_tensors_require_gradients():
    assert tg.ones(1, dtype=tg.complex64, requires_grad=True).requires_grad
    with pytest.raises(tg.DtypeError, match="only float and complex tensors can have a gradient, this one is int64"):
        tg.tensor([1]).requires_grad_()


def test_hooks_and_retained_gradients_are_torchs(torch):
    found = []
    for lib in (tg, torch):
        z = lib.tensor([1 + 2j, 3 - 1j], dtype=lib.complex128, requires_grad=True)
        h = z * (2 - 1j)
        h.retain_grad()
        seen = []
        h.register_hook(seen.append)
        z.register_hook(lambda g: g * 1j)
        (h * h).abs().sum().backward()
        found.append([x.resolve_conj().numpy() if lib is torch else x.numpy() for x in (z.grad, h.grad, seen[0])])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-13)


def test_a_function_of_ones_own_gets_and_gives_conjugated_cotangents():
    class Square(Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            (z,) = ctx.saved_tensors
            return g * (2 * z).conj()

    z = tg.tensor([1 + 2j, 3 - 1j], dtype=tg.complex128, requires_grad=True)
    assert gradcheck(Square.apply, z) and gradgradcheck(Square.apply, z)


def test_gradcheck_finds_a_rule_that_forgets_to_conjugate():
    class Square(Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    z = tg.tensor([1 + 2j, 3 - 1j], dtype=tg.complex128, requires_grad=True)
    with pytest.raises(tg.autograd.GradcheckError):
        gradcheck(Square.apply, z)
    with pytest.raises(tg.autograd.GradcheckError):
        gradcheck(Square.apply, z, fast_mode=True)


def test_gradcheck_of_mixed_inputs_and_results():
    x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    z = tg.tensor([1 + 2j, 3 - 1j], dtype=tg.complex128, requires_grad=True)
    for fast in (False, True):
        assert gradcheck(lambda x, z: (x * z, z.abs() + x), (x, z), fast_mode=fast)
        assert gradgradcheck(lambda x, z: (x * z * z, z.abs() * x), (x, z), fast_mode=fast)
    g = tg.tensor([1j, 1.0], dtype=tg.complex128, requires_grad=True)
    assert gradgradcheck(lambda z: z**3, z, g)
    with pytest.warns(UserWarning, match="float32"):
        gradcheck(lambda z: z * z, z.cfloat().detach().requires_grad_(), atol=1.0)


def test_products_with_jacobians_are_torchs(torch):
    z, v = np.array([1 + 2j, 3 - 1j]), np.array([1j, 2 - 1j])
    for name in ("jvp", "vjp"):
        mine = getattr(tg.autograd.functional, name)(lambda z: z * z.exp(), tg.tensor(z), tg.tensor(v))
        theirs = getattr(torch.autograd.functional, name)(lambda z: z * z.exp(), torch.tensor(z), torch.tensor(v))
        for a, b in zip(mine, theirs, strict=True):
            assert_same(a, b, name)
    for call in (
        lambda: tg.autograd.functional.jacobian(lambda z: z * z, tg.tensor(z)),
        lambda: tg.func.jacrev(lambda z: z * z)(tg.tensor(z)),
        lambda: tg.func.jacfwd(lambda z: z.abs())(tg.tensor(z)),
    ):
        with pytest.raises(tg.DtypeError, match="jacobian: not defined for complex numbers; take view_as_real"):
            call()
    mine = tg.func.grad(lambda z: (z * z).abs().sum())(tg.tensor(z))
    assert_same(mine, torch.func.grad(lambda z: (z * z).abs().sum())(torch.tensor(z)), "func.grad")


# Writing


def in_place(lib, call):
    """A leaf's gradient after something was done to a result in place."""
    z = lib.tensor([[1 + 2j, 3 - 1j], [0.5j, -1]], dtype=lib.complex128, requires_grad=True)
    x = lib.tensor([0.5, 2.0], dtype=lib.float64, requires_grad=True)
    y = z * (1 + 1j)
    call(lib, y, x)
    loss = ((y * y).real * y.imag).sum()
    first = lib.autograd.grad(loss, (z, x), create_graph=True, allow_unused=True)
    total = sum(g.abs().square().sum() for g in first if g is not None)
    return [y, *first, *lib.autograd.grad(total, (z, x), allow_unused=True)]


def through(view):
    def call(lib, y, x):
        part = view(lib, y)
        part.mul_(x if part.ndim < 3 else 2.0)

    return call


WRITES = {
    "mul_": lambda lib, y, x: y.mul_(1j),
    "mul_ by real": lambda lib, y, x: y.mul_(x),
    "exp_": lambda lib, y, x: y.exp_(),
    "setitem": lambda lib, y, x: y.__setitem__(0, x * 1j),
    "setitem of real": lambda lib, y, x: y.__setitem__((slice(None), 1), x),
    "fill_": lambda lib, y, x: y[0].fill_(1j),
    "real": through(lambda lib, y: y.real),
    "imag": through(lambda lib, y: y.imag),
    "imag of a row": through(lambda lib, y: y[1].imag),
    "view_as_real": through(lambda lib, y: lib.view_as_real(y)),
    "real part of pairs": through(lambda lib, y: lib.view_as_real(y)[..., 0]),
    "copy_ into real": lambda lib, y, x: y.real.copy_(x),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes_are_recorded_as_in_torch(torch, name):
    mine, theirs = in_place(tg, WRITES[name]), in_place(torch, WRITES[name])
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        assert_same(a, b, f"{name} {i}", rtol=1e-12, atol=1e-12)


def test_a_write_through_a_flat_view_has_a_second_gradient_in_any_order_of_memory(torch):
    def call(lib):
        def written(x):
            y = x * 1.0
            y.view(-1)[1:3].mul_(2.0)
            return y.T.contiguous() ** 3  # whose cotangent for y lies in memory in another order

        return written

    check(torch, call(tg), call(torch), [np.arange(6.0).reshape(2, 3) + 1])


def test_complex_numbers_do_not_fit_into_real_tensors():
    x = tg.ones(2)
    attempts = [
        lambda: x.mul_(1j),
        lambda: x.add_(tg.tensor([1j, 2])),
        lambda: x.__setitem__(0, 1j),
        lambda: x.__setitem__(0, tg.tensor(1j)),
        lambda: x.fill_(1j),
        lambda: x.copy_(tg.tensor([1j, 2])),
        lambda: x.masked_fill(x > 0, 1j),
        lambda: tg.index_put(x, (tg.tensor([0]),), tg.tensor(1j)),
        lambda: tg.diagonal_scatter(tg.ones(2, 2), tg.tensor([1j, 2])),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for attempt in attempts:
            with pytest.raises(tg.DtypeError):
                attempt()
    np.testing.assert_array_equal(x.numpy(), [1, 1])


# Other shapes and orders, which announced examples do not have


@pytest.mark.parametrize("name", ["exp", "abs", "sum", "conj", "cumprod", "prod", "real"])
def test_non_contiguous_and_empty_operands(torch, rng, name):
    z = (rng.normal(size=(4, 6)) + 1j * rng.normal(size=(4, 6)))[::2, ::3]
    arguments = (0,) if name == "cumprod" else ()

    def transposed(lib):
        return lambda x: getattr(lib, name)(x.T, *arguments)

    for x in (z, z.T, z[:0]):
        check(torch, transposed(tg), transposed(torch), [x], rtol=1e-11)


def at(index):
    """Elements at an index, squared."""
    return lambda z: z[index] ** 2


def test_indexing_and_where(torch, rng):
    z, w = (rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)) for _ in range(2))
    x = rng.normal(size=4)
    mask = rng.uniform(size=(3, 4)) > 0.5
    for index in (1, (slice(None), [0, 2, 0]), mask):
        check(torch, at(index), at(index), [z])
    for a, b in ((z, w), (z, 2.0), (1j, z)):
        check(torch, lambda *o: tg.where(tg.tensor(mask), *o), lambda *o: torch.where(torch.tensor(mask), *o), [a, b])
    for a, b in ((z, x), (x, z)):  # which PyTorch's backward fails for
        leaves = [tg.tensor(v, requires_grad=True) for v in (a, b)]
        assert gradcheck(lambda a, b: tg.where(tg.tensor(mask), a, b), leaves)
    assert gradcheck(lambda x: tg.where(tg.tensor(mask), x, 1j), tg.tensor(x, requires_grad=True))
    index = np.array([0, 2, 0])
    check(
        torch,
        lambda z, w: tg.index_put(z, (tg.tensor(index),), w, True),
        lambda z, w: torch.index_put(z, (torch.tensor(index),), w, True),
        [z, w],
    )
    assert gradcheck(lambda z: tg.pad(z, [(1, 0), (-1, 2)]) ** 2, tg.tensor(z, requires_grad=True))
    assert gradcheck(lambda a, b: tg.contract("ij,kj->ik", [a, b]), [tg.tensor(v, requires_grad=True) for v in (z, w)])


# Elsewhere


def test_layers_and_optimizers_refuse_complex_numbers():
    z = tg.ones(2, 3, dtype=tg.complex64)
    for layer in (nn.Linear(3, 2), nn.Tanh(), nn.Dropout(0.5), nn.BatchNorm1d(3)):
        for x in (z, z.numpy()):
            with pytest.raises(tg.DtypeError, match=rf"{layer.name}: .* of shape \(2, 3\) is complex64"):
                layer(x)
    with pytest.raises(tg.DtypeError, match="MSELoss"):
        nn.MSELoss()(z, z)
    for optimizer in (tg.optim.SGD, tg.optim.Adam):
        with pytest.raises(TypeError, match="a parameter of shape .* is complex64"):
            optimizer([z.requires_grad_()], lr=0.1)


def test_a_number_without_dimensions_is_refused_too():
    with pytest.raises(tg.DtypeError, match="clamp: not defined for complex numbers, got 1j"):
        tg.ones(2).clamp(1j)
    with pytest.raises(tg.DtypeError, match=r"maximum: not defined for complex numbers, got \(2,\) complex64"):
        tg.maximum(tg.ones(2), tg.tensor([1j, 2]))
    with pytest.raises(tg.DtypeError, match=r"relu: not defined for complex numbers, got \(2,\) complex64"):
        tg.tensor([1j, 2]).relu()
    with pytest.raises(tg.DtypeError, match="lt: not defined"):
        _ = tg.tensor([1j, 2]) < 1
