"""What a Tensor is: made, shown, converted, copied, stored; and the errors that a beginner meets first."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg

# Made


@pytest.mark.parametrize(
    "data",
    [1, 2.5, True, [1, 2], [1.5, 2], [True, False], [[1, 2], [3, 4]], [], [[]], [True, 1.5], np.float64(2.5),
    np.int32(3),
     np.arange(3, dtype=np.int16), np.ones((2, 1), np.float16), np.zeros((0, 3)), (1, 2), np.array(True)],
)  # fmt: skip
def test_tensor_has_torchs_dtype_shape_and_values(torch, data):
    ours, theirs = tg.tensor(data), torch.tensor(data)
    assert ours.dtype == theirs.numpy().dtype
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_tensor_copies_and_as_tensor_and_from_numpy_share():
    a = np.zeros(2)
    copied, shared, also = tg.tensor(a), tg.from_numpy(a), tg.as_tensor(a)
    a[0] = 5
    assert copied[0].item() == 0
    assert shared[0].item() == also[0].item() == 5
    assert tg.as_tensor(copied) is copied
    assert tg.as_tensor(a, dtype=tg.float32).dtype == tg.float32


def test_lists_of_tensors_become_one_tensor():
    x = tg.tensor([tg.tensor(1.0), tg.tensor(2.0)])
    assert x.shape == (2,)
    assert x.dtype == tg.float32


def test_the_constructor_gives_the_default_float_type_or_a_shape(torch):
    for lib in (tg, torch):
        assert tuple(lib.Tensor([1, 2]).shape) == (2,)
        assert lib.Tensor([1, 2]).dtype == lib.float32
        assert tuple(lib.Tensor(2, 3).shape) == (2, 3)
        assert tuple(lib.Tensor().shape) == (0,)


@pytest.mark.parametrize("bad", [[[1, 2], [3]], "text", {"a": 1}, [object()], None])
def test_what_is_no_array_of_numbers_is_refused(bad):
    with pytest.raises((ValueError, TypeError), match="tensor: "):
        tg.tensor(bad)


def test_from_numpy_refuses_what_is_no_array():
    with pytest.raises(TypeError, match="from_numpy: expected a numpy array of bools, integers, .*, got list"):
        tg.from_numpy([1.0])
    with pytest.raises(TypeError, match="dtype <U1"):
        tg.from_numpy(np.array(["a"]))


def test_only_the_cpu_is_a_device():
    assert tg.tensor(1.0, device="cpu").device == tg.device("cpu")
    assert str(tg.ones(1).device) == "cpu"
    with pytest.raises(
        RuntimeError,
        match=r"device: tinygrad_edu computes on the CPU, got 'cuda'; programs ask cuda.is_available\(\) first",
    ):
        tg.tensor(1.0, device="cuda")
    assert not tg.cuda.is_available()


# Asked


def test_what_it_is(torch):
    for lib in (tg, torch):
        x = lib.ones(2, 3)
        assert (x.ndim, x.dim(), x.numel(), x.nelement(), len(x)) == (2, 2, 6, 6, 2)
        assert (tuple(x.shape), tuple(x.size()), x.size(1), x.size(-1)) == ((2, 3), (2, 3), 3, 3)
        assert (x.stride(), x.T.stride(), x.element_size()) == ((3, 1), (1, 3), 4)
        assert (x.is_contiguous(), x.T.is_contiguous(), x.is_floating_point(), x.long().is_floating_point()) == (
            True,
            False,
            True,
            False,
        )
        assert (x.is_leaf, x.requires_grad, x.grad, x.grad_fn, x.is_cuda) == (True, False, None, None, False)


def test_item_bool_and_conversions_to_python(torch):
    for lib in (tg, torch):
        x = lib.tensor([[2.5]])
        assert (x.item(), float(x), int(x), bool(x)) == (2.5, 2.5, 2, True)
        assert type(lib.tensor([3]).item()) is int
        assert type(lib.tensor(True).item()) is bool
        assert [1, 2, 3][lib.tensor(1)] == 2
        assert list(range(lib.tensor(3))) == [0, 1, 2]
        assert lib.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
        assert lib.tensor(2.5).tolist() == 2.5
        assert 2 in lib.tensor([1, 2])
        assert 5 not in lib.tensor([1, 2])
        assert not bool(lib.tensor(0.0))


def test_format_takes_a_number_format(torch):
    for lib in (tg, torch):
        assert f"{lib.tensor(3.14159):.2f}" == "3.14"
        assert f"{lib.tensor(3):05d}" == "00003"
        assert "tensor" in f"{lib.ones(2)}"


def test_iteration_gives_views_along_the_first_dimension():
    x = tg.zeros(2, 3)
    for i, row in enumerate(x):
        row.fill_(i)
    np.testing.assert_array_equal(x.numpy(), [[0, 0, 0], [1, 1, 1]])
    h = tg.ones(3, requires_grad=True)
    sum(v * k for k, v in enumerate(h)).backward()
    np.testing.assert_array_equal(h.grad.numpy(), [0, 1, 2])
    a, b = tg.ones(2)
    assert a.shape == b.shape == ()


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: tg.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: tg.tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: tg.tensor([1.0], dtype=tg.float64), "tensor([1.], dtype=float64)"),
        (lambda: tg.tensor([True]), "tensor([ True])"),
        (lambda: tg.tensor(1.5, requires_grad=True), "tensor(1.5, requires_grad=True)"),
        (lambda: tg.tensor(1.5, requires_grad=True) * 2, "tensor(3., grad_fn=<mul>)"),
        (lambda: tg.zeros(0, dtype=tg.int32), "tensor([], dtype=int32)"),
        (lambda: tg.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
    ],
)
def test_repr_shows_values_dtype_and_history(make, text):
    assert repr(make()) == text


def test_repr_of_a_large_tensor_is_short():
    assert len(repr(tg.zeros(1000, 1000))) < 1000


def test_tensors_are_hashed_by_identity():
    x, y = tg.ones(2), tg.ones(2)
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


# Copied and stored


def test_deepcopy_of_a_leaf_keeps_flag_and_gradient_in_memory_of_its_own():
    x = tg.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    twin = copy.deepcopy(x)
    assert twin.requires_grad
    assert twin.is_leaf
    np.testing.assert_array_equal(twin.grad.numpy(), [3, 3])
    twin.grad.zero_()
    with tg.no_grad():
        twin.zero_()
    np.testing.assert_array_equal(x.grad.numpy(), [3, 3])
    np.testing.assert_array_equal(x.detach().numpy(), [1, 1])
    shared = copy.deepcopy([x, x])
    assert shared[0] is shared[1]


def test_what_has_a_history_is_neither_copied_nor_stored():
    y = tg.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"deepcopy: only a leaf can be copied .* use clone\(\) or detach\(\)"):
        copy.deepcopy(y)
    with pytest.raises(RuntimeError, match=r"pickle: a history cannot be stored; store x.detach\(\)"):
        pickle.dumps(y)


def test_pickle_keeps_values_dtype_and_flag():
    for x in (tg.ones(2, requires_grad=True), tg.arange(3), tg.tensor(True)):
        twin = pickle.loads(pickle.dumps(x))
        assert twin.requires_grad == x.requires_grad
        assert twin.dtype == x.dtype
        np.testing.assert_array_equal(twin.detach().numpy(), x.detach().numpy())


def test_a_view_of_a_leaf_is_stored_without_its_base():
    x = tg.ones(1000)
    assert len(pickle.dumps(x[:2])) < 1000


# Its place in the graph


def test_detach_and_data_share_memory_and_drop_the_history():
    y = tg.ones(2, requires_grad=True) * 2
    for z in (y.detach(), y.data):
        assert not z.requires_grad
        assert np.shares_memory(z.numpy(), y.detach().numpy())
    assert y.requires_grad
    y.detach_()
    assert y.is_leaf
    assert not y.requires_grad


def test_data_is_replaced_without_a_record_but_noted():
    x = tg.ones(2, requires_grad=True)
    y = (x * x).sum()
    x.data = tg.tensor([5.0, 6.0])
    assert x.is_leaf
    assert x.requires_grad
    with pytest.raises(RuntimeError, match="overwritten"):
        y.backward()


def test_requires_grad_is_set_on_float_leaves_alone():
    assert tg.ones(1).requires_grad_().requires_grad
    with pytest.raises(tg.DtypeError, match="only float and complex tensors can have a gradient, this one is int64"):
        tg.tensor([1], requires_grad=True)
    y = tg.ones(1, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="this tensor is the result of 'mul', and only a leaf's flag can be changed"):
        y.requires_grad = False


def test_grad_is_set_only_to_a_tensor_of_the_same_shape_and_dtype():
    x = tg.ones(2, requires_grad=True)
    x.grad = tg.zeros(2)
    x.grad = None
    with pytest.raises(TypeError, match="grad: expected a Tensor or None, got ndarray"):
        x.grad = np.zeros(2)
    with pytest.raises(
        tg.ShapeError, match=r"grad: .* shape \(2,\) float32 has the same shape and dtype, got \(3,\) float32"
    ):
        x.grad = tg.zeros(3)


# The errors that a beginner meets


def test_backward_of_what_was_not_recorded_asks_the_likely_questions():
    for y in (tg.ones(1), tg.ones(1) * 2, (tg.ones(1, requires_grad=True) * 2).detach()):
        with pytest.raises(
            RuntimeError,
            match="backward: this tensor has no history .* no_grad, detached, or computed from NumPy arrays",
        ):
            y.backward()


def test_backward_of_several_elements_asks_for_a_gradient():
    y = tg.ones(2, requires_grad=True) * 2
    with pytest.raises(
        RuntimeError, match=r"a gradient can be implied only for a single element, this tensor has shape \(2,\)"
    ):
        y.backward()
    with pytest.raises(tg.ShapeError, match=r"backward: expected a gradient of shape \(2,\), got \(3,\)"):
        y.backward(tg.ones(3))
    with pytest.raises(tg.DtypeError, match="backward: expected a gradient of dtype float32, got int64"):
        y.backward(tg.ones(2, dtype=tg.int64))
    y.backward([1.0, 2.0])


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (
            lambda: bool(tg.ones(2)),
            (ValueError, RuntimeError),
            r"the truth of a tensor with 2 elements \(shape \(2,\)\) is ambiguous; use .any\(\) or",
        ),
        (
            lambda: tg.ones(2).item(),
            (ValueError, RuntimeError),
            r"item: expected a tensor with one element, this one has shape \(2,\)",
        ),
        (lambda: len(tg.tensor(1.0)), TypeError, r"len\(\) of a tensor without dimensions"),
        (lambda: list(tg.tensor(1.0)), TypeError, "iteration over a tensor without dimensions"),
        (
            lambda: tg.ones(2, requires_grad=True).numpy(),
            RuntimeError,
            r"numpy: this tensor requires grad and arrays record nothing; use .detach",
        ),
        (
            lambda: tg.ones(2) + tg.ones(3),
            RuntimeError,
            r"add: shapes do not broadcast: \(2,\) float32 and \(3,\) float32",
        ),
        (lambda: tg.ones(2) + "a", TypeError, "add: expected a Tensor, an array or a number, got str"),
        (lambda: tg.ones(2).nonsense, AttributeError, "nonsense"),
    ],
)
def test_beginners_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_string_is_no_index():
    with pytest.raises(IndexError, match="index: expected ints"):
        tg.ones(2)["a"]


def test_numpy_detaches_by_force():
    np.testing.assert_array_equal(tg.ones(2, requires_grad=True).numpy(force=True), [1, 1])


# The namespace


def test_importing_loads_numpy_alone():
    import subprocess
    import sys

    heavy = "scipy torch matplotlib rich typer jinja2 safetensors hypothesis"
    code = f"import sys, tinygrad_edu; print([m for m in {heavy.split()} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_every_name_in_all_exists_and_rooms_load_when_named():
    import importlib.util

    rooms = {"data", "functional", "io", "layers", "models", "nn", "optim", "testing", "train"}
    for name in tg.__all__:
        if name not in rooms or importlib.util.find_spec(f"tinygrad_edu.{name}"):
            assert getattr(tg, name) is not None, name
    with pytest.raises(AttributeError, match="module 'tinygrad_edu' has no attribute 'nonsense'"):
        tg.nonsense  # noqa: B018


def test_every_announced_operation_is_public_and_has_an_example():
    import tinygrad_edu.ops as ops
    from tinygrad_edu.announce import announced

    for name, entry in announced.items():
        if entry.kind == "operation" and entry.target.__module__.startswith("tinygrad_edu.ops"):
            assert entry.examples, f"{name} has no example"
            homes = (ops, tg.fft, tg.linalg, tg.special, tg.Tensor)
            assert any(callable(getattr(home, name, None)) for home in homes), f"{name} is not exported"


def test_names_of_types_and_constants_are_torchs(torch):
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "float",
    "double", "half", "long", "int",
                 "short"):  # fmt: skip
        assert torch.zeros(1, dtype=getattr(torch, name)).numpy().dtype == getattr(tg, name)
    assert (tg.pi, tg.inf) == (torch.pi, torch.inf)
    assert tg.is_tensor(tg.ones(1))
    assert not tg.is_tensor(np.ones(1))
    assert tg.numel(tg.ones(2, 3)) == 6
    assert tg.is_floating_point(tg.ones(1))
