"""Each strategy draws only valid values, reaches the edges it is there for, and shrinks to what its docstring says."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.testing import strategies as some

ANY = st.data()
FLOATS = st.sampled_from([np.float16, np.float32, np.float64])


def simplest(strategy):
    return find(strategy, lambda _: True)


def reaches(strategy, *conditions):
    for condition in conditions:  # NoSuchExample is raised where there is none
        find(strategy, condition, settings=settings(max_examples=2000, phases=[Phase.generate]))


def test_without_hypothesis_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import tinygrad_edu.testing\n"
        "try: import tinygrad_edu.testing.strategies\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("MissingExtraError testing.strategies: hypothesis is not installed")
    assert "pip install 'tinygrad_edu[test]'" in said


# Numbers


@given(some.quarters(-1.5, 3))
def test_quarters_are_multiples_of_a_quarter_between_the_bounds(x):
    assert -1.5 <= x <= 3 and 4 * x == int(4 * x)


def test_whole_numbers_are_simpler_than_halves_and_halves_than_quarters():
    assert simplest(some.quarters()) == 0
    assert find(some.quarters(), lambda x: x < 0) == -1
    assert find(some.quarters(), lambda x: 0 < x < 1) == 0.5
    assert find(some.quarters(0.25, 1), lambda x: x < 0.5) == 0.25
    assert simplest(some.quarters(low=1.25)) == 2
    assert simplest(some.quarters(0, 1)) == 0


def test_no_quarter_between_the_bounds_is_an_error():
    with pytest.raises(ValueError, match=r"quarters: no multiple of 1/4 between 0\.1 and 0\.2"):
        some.quarters(0.1, 0.2)
    with pytest.raises(ValueError, match=r"away_from: .* is 5 or more away from \(0\.0,\)"):
        some.away_from(0, 5)


@given(ANY, st.lists(some.quarters(-2, 2), min_size=1, max_size=3), st.sampled_from([0.25, 0.3, 1]))
def test_away_from_keeps_its_distance(data, points, distance):
    assert min(abs(data.draw(some.away_from(points, distance)) - p) for p in points) >= distance


def test_away_from_reaches_both_sides_and_just_beside_the_kink():
    reaches(some.away_from(1), lambda x: x < 1, lambda x: x == 0.75, lambda x: x == 1.25)


def test_on_kinks_draws_every_point_and_nothing_else():
    strategy = some.on_kinks(range(3))
    assert simplest(strategy) == 0
    reaches(strategy, lambda x: x == 1, lambda x: x == 2)
    with pytest.raises(ValueError, match="on_kinks: expected at least one point, got none"):
        some.on_kinks([])


def test_on_kinks_are_where_a_function_of_that_type_has_them():
    assert simplest(some.on_kinks(0.1)) == 0.1
    assert simplest(some.on_kinks(0.1, dtype=np.float32)) == float(np.float32(0.1)) != 0.1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_extremes_are_what_they_are_called(dtype):
    info = np.finfo(dtype)

    @given(some.extreme("huge", dtype=dtype), some.extreme("tiny", dtype=dtype), some.extreme("subnormal", dtype=dtype))
    def check(huge, tiny, subnormal):
        with np.errstate(over="ignore", under="ignore"):  # which is what they are for
            assert np.isinf(np.square(dtype(huge))) and np.isfinite(dtype(huge))
            assert abs(tiny) >= info.tiny > np.square(dtype(tiny))
        assert 0 < abs(subnormal) < info.tiny and dtype(subnormal) == subnormal

    check()
    reaches(some.extreme("huge", dtype=dtype), lambda x: x == float(info.max), lambda x: x < 0)
    reaches(some.extreme("subnormal", dtype=dtype), lambda x: x == float(info.smallest_subnormal))


def test_mixed_extremes_bring_large_and_small_together():
    assert simplest(some.extreme()) == 0
    reaches(
        some.arrays(3, elements=some.extreme()),
        lambda x: abs(x).max() > 1e200 and 0 < abs(x).min() < 1e-200,
        lambda x: 1 in x and abs(x).max() > 1e200,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: some.extreme("large"), "extreme: expected 'huge', .* got 'large'"),
        (lambda: some.extreme(dtype=np.int64), "extreme: expected a float type .* got int64"),
    ],
)
def test_what_is_no_extreme_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Shapes and axes


@given(some.shapes(min_dims=1, max_dims=4, min_side=0, max_side=2))
def test_shapes_keep_to_their_bounds(shape):
    assert 1 <= len(shape) <= 4 and all(0 <= n <= 2 for n in shape)


def test_shapes_reach_scalars_single_elements_and_on_request_nothing():
    assert simplest(some.shapes()) == ()
    reaches(some.shapes(), lambda s: len(s) == 3, lambda s: s and set(s) == {1}, lambda s: 4 in s)
    reaches(some.shapes(min_side=0), lambda s: 0 in s)


@given(some.empty_shapes(max_dims=2))
def test_empty_shapes_hold_nothing(shape):
    assert 1 <= len(shape) <= 2 and np.zeros(shape).size == 0


def test_empty_shapes_are_empty_along_any_axis():
    assert simplest(some.empty_shapes()) == (0,)
    reaches(some.empty_shapes(), lambda s: s[0] and not s[-1], lambda s: not s[0] and s[-1], lambda s: s.count(0) > 1)


@given(some.broadcastable_shapes(3, min_side=0))
def test_broadcastable_shapes_broadcast_to_the_result(shapes):
    assert np.broadcast_shapes(*shapes.input_shapes) == shapes.result_shape


@given(some.broadcastable_shapes(signature="(m,k),(k,n)->(m,n)"))
def test_broadcastable_shapes_of_a_signature_fit_the_function(shapes):
    a, b = (tg.ones(*shape) for shape in shapes.input_shapes)
    assert (a @ b).shape == shapes.result_shape


def test_broadcastable_shapes_reach_both_kinds_of_broadcasting():
    strategy = some.broadcastable_shapes()
    assert simplest(strategy).input_shapes == ((), ())
    reaches(
        strategy,
        lambda s: len(s.input_shapes[0]) != len(s.input_shapes[1]),
        lambda s: all(shape != s.result_shape for shape in s.input_shapes),
    )


@given(ANY, some.shapes())
def test_dims_are_axes_of_the_shape(torch, data, shape):
    dim = data.draw(some.dims(shape))
    several = data.draw(some.dims(shape, several=True))
    assert len({axis % max(len(shape), 1) for axis in several}) == len(several) >= 1
    for axes in (dim, several):
        expected = torch.ones(shape).sum(axes).numpy()
        np.testing.assert_array_equal(tg.ones(shape).sum(axes), expected)


def test_dims_reach_every_axis_from_either_end_in_any_order():
    shape = (2, 3, 4)
    assert simplest(some.dims(shape)) == 0
    assert simplest(some.dims(shape, several=True)) == (0,)
    reaches(some.dims(shape), *(lambda dim, axis=axis: dim == axis for axis in range(-3, 3)))
    reaches(some.dims(shape, several=True), lambda of: of == (2, 0), lambda of: len(of) == 3)
    reaches(some.dims(shape, several=True, min_size=0, max_size=1), lambda of: of == ())


# Index expressions


@given(ANY, some.shapes(min_side=0))
def test_index_expressions_are_valid_in_numpy_and_in_tinygrad_edu(data, shape):
    index = data.draw(some.index_expressions(shape))
    x = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    np.testing.assert_array_equal(np.sort(tg.tensor(x)[index].array, axis=None), np.sort(x[index], axis=None))


@given(ANY, some.shapes(min_side=0))
def test_index_expressions_without_negative_steps_are_valid_in_torch(torch, data, shape):
    index = data.draw(some.index_expressions(shape, negative_steps=False))
    as_torch = lambda item: torch.from_numpy(item.copy()) if isinstance(item, np.ndarray) else item
    x = torch.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    expected = x[tuple(map(as_torch, index)) if isinstance(index, tuple) else as_torch(index)]
    np.testing.assert_array_equal(tg.tensor(x.numpy())[index].array, expected.numpy())


@given(some.index_expressions((0, 2)))
@settings(max_examples=100)
def test_index_expressions_point_at_nothing_along_an_axis_of_length_0(index):
    np.zeros((0, 2))[index]


def parts(index):
    return index if isinstance(index, tuple) else (index,)


def kinds(index):
    return {item.dtype.kind if isinstance(item, np.ndarray) else type(item).__name__ for item in parts(index)}


def test_index_expressions_reach_every_kind_and_their_mixtures():
    strategy = some.index_expressions((2, 3, 4))
    assert simplest(strategy) == ()
    arrays = lambda index, kind: [i for i in parts(index) if isinstance(i, np.ndarray) and i.dtype.kind == kind]
    reaches(
        strategy,
        lambda index: {"int", "slice", "NoneType", "ellipsis"} <= kinds(index),
        lambda index: len(parts(index)) == 3 and parts(index)[1] is Ellipsis,
        lambda index: {"i", "slice", "int"} <= kinds(index),
        lambda index: {"b", "slice"} <= kinds(index),
        lambda index: any(isinstance(i, int) and i < 0 for i in parts(index)),
        lambda index: any(isinstance(i, slice) and (i.step or 1) < 0 for i in parts(index)),
        lambda index: any(i.ndim == 3 for i in arrays(index, "b")),
        lambda index: any(i.ndim == 2 for i in arrays(index, "i")),
        lambda index: any(i.size == 0 for i in arrays(index, "i")),
        lambda index: any(len(np.unique(i)) < i.size for i in arrays(index, "i")),
        lambda index: len({i.shape for i in arrays(index, "i")}) == 2,
    )


@given(some.index_expressions((2, 3), advanced=False, newaxis=False, negative_steps=False))
def test_index_expressions_leave_out_what_is_switched_off(index):
    assert kinds(index) <= {"int", "slice", "ellipsis"}
    assert all((item.step or 1) > 0 for item in parts(index) if isinstance(item, slice))


# Arrays and Tensors


@given(ANY, FLOATS, some.shapes(min_side=0))
def test_arrays_have_the_shape_and_type_asked_for_and_values_to_reckon_with(data, dtype, shape):
    x = data.draw(some.arrays(shape, dtype))
    assert x.shape == shape and x.dtype == dtype
    np.testing.assert_array_equal(4 * x.astype(float), np.round(4 * x.astype(float)))
    assert (abs(x) <= 4).all()


def test_arrays_are_float64_by_default_and_shrink_to_zeros():
    x = simplest(some.arrays())
    assert x.dtype == np.float64 and x.shape == () and x == 0
    np.testing.assert_array_equal(find(some.arrays((2, 2)), lambda x: x[1, 0] < 0), [[0, 0], [-1, 0]])
    np.testing.assert_array_equal(find(some.arrays(3), lambda x: x.prod() != 0), [1, 1, 1])


@pytest.mark.parametrize(("dtype", "low"), [(np.int64, -8), (np.uint8, 0), (np.bool_, 0)])
def test_arrays_of_integers_and_bools(dtype, low):
    reaches(some.arrays(2, dtype), lambda x: x.dtype == dtype and x[0] == low, lambda x: x[1] == 1)


@given(some.arrays((64, 64)))
def test_large_arrays_are_drawn_too(x):
    assert x.shape == (64, 64)


def test_arrays_take_strategies_for_shape_type_and_elements():
    strategy = some.arrays(some.empty_shapes() | st.just((2,)), FLOATS, elements=some.quarters(low=1))
    reaches(strategy, lambda x: x.size == 0, lambda x: x.dtype == np.float16 and x.size)
    assert find(strategy, lambda x: x.size).min() == 1


@given(ANY, FLOATS, st.booleans())
def test_tensors_are_leaves(data, dtype, requires_grad):
    x = data.draw(some.tensors((2, 3), dtype, requires_grad=requires_grad))
    assert x.is_leaf and x.requires_grad == requires_grad and x.dtype == dtype and x.shape == (2, 3)


def test_tensors_need_no_gradient_by_default_and_may_draw_whether_they_do():
    assert not simplest(some.tensors()).requires_grad
    reaches(some.tensors(requires_grad=st.booleans()), lambda x: x.requires_grad)


@given(ANY, some.shapes(min_dims=1, min_side=0), st.sampled_from([np.float32, np.int8, np.uint8]))
def test_each_line_has_a_tie(data, shape, dtype):
    axis = data.draw(some.dims(shape))
    x = data.draw(some.with_ties(shape, dtype, axis=axis))
    y = data.draw(some.with_ties(shape, dtype))
    assert x.dtype == y.dtype == dtype and x.shape == y.shape == shape
    lines = [*np.moveaxis(x, axis, -1).reshape(-1, shape[axis]), y.reshape(-1)] if x.size else []
    assert all(len(np.unique(line)) < len(line) for line in lines if len(line) >= 2)


def test_ties_are_of_the_largest_of_the_smallest_and_of_neither():
    count = lambda x, value: (x == value).sum()
    assert not simplest(some.with_ties()).any()
    reaches(
        some.with_ties(4),
        lambda x: count(x, x.max()) == 2 and count(x, x.min()) == 1,
        lambda x: count(x, x.max()) == 1 and count(x, x.min()) == 2,
        lambda x: count(x, x.max()) == count(x, x.min()) == 1,
        lambda x: x[0] != x[-1],
    )


def test_ties_are_made_where_the_elements_would_have_none():
    distinct = st.integers(0, 1000)
    assert find(some.with_ties(2, elements=distinct), lambda x: x[0] == 1).tolist() == [1, 1]


@given(ANY, FLOATS, some.shapes(min_side=0))
def test_without_ties_nothing_is_nearer_than_one(data, dtype, shape):
    x = data.draw(some.without_ties(shape, dtype))
    assert x.dtype == dtype and x.shape == shape
    assert (np.diff(np.sort(x, axis=None)) >= 1).all()


def test_without_ties_any_order_comes_up_and_ascending_is_simplest():
    np.testing.assert_array_equal(simplest(some.without_ties((2, 2))), [[-2, -1], [0, 1]])
    reaches(some.without_ties(3), *(lambda x, i=i: x.argmax() == i for i in range(3)))
    with pytest.raises(ValueError, match=r"without_ties: bool does not have 3 different whole numbers"):
        simplest(some.without_ties(3, bool))


@given(ANY, some.shapes(min_side=0), st.integers(1, 4), st.sampled_from([None, -100, 0]))
def test_class_labels_are_classes_or_ignored(data, shape, num_classes, ignore_index):
    labels = data.draw(some.class_labels(shape, num_classes, ignore_index=ignore_index))
    assert labels.dtype == np.int64 and labels.shape == shape
    assert set(labels.flat) <= {*range(num_classes), ignore_index}


@given(some.class_labels(st.integers(1, 4), 3, ignore_index=-1, all_ignored=False))
def test_one_label_is_kept_if_not_all_may_be_ignored(torch, labels):
    logits = np.zeros((len(labels), 3))
    loss = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(labels), ignore_index=-1)
    assert loss == pytest.approx(np.log(3))  # a mean over none would be NaN


def test_class_labels_reach_the_ignored_and_shrink_to_class_0():
    strategy = some.class_labels(3, 4, ignore_index=-100)
    assert simplest(strategy).tolist() == [0, 0, 0]
    reaches(strategy, lambda x: (x == -100).all(), lambda x: set(x) == {-100, 3, 1})
    assert simplest(some.class_labels(2, 3, ignore_index=0)).tolist() == [1, 1]
    for arguments in (dict(num_classes=0), dict(num_classes=1, ignore_index=0, all_ignored=False)):
        with pytest.raises(ValueError, match=r"class_labels: none of \d classes is left"):
            simplest(some.class_labels(3, **arguments))


# Layouts

MARKS = {
    "contiguous": lambda x: x.flags.c_contiguous and x.flags.writeable,
    "transposed": lambda x: x.ndim == 2 and x.strides[0] < x.strides[1],
    "channels last": lambda x: x.ndim == 4 and x.strides[1] < x.strides[3] < x.strides[2] < x.strides[0],
    "strided": lambda x: x.strides == (2 * 4 * 8, 2 * 8) and x.shape[1] == 2,
    "reversed": lambda x: x.ndim > 1 and all(step < 0 for step in x.strides),
    "expanded": lambda x: 0 in x.strides and not x.flags.writeable,
    "read-only": lambda x: not x.flags.writeable and 0 not in x.strides,
}


@given(ANY, st.sampled_from([np.float32, np.int8, bool]), some.shapes(min_side=0, max_dims=4, max_side=3))
def test_layouts_change_neither_values_nor_shape_nor_type_and_share_nothing(data, dtype, shape):
    x = data.draw(some.arrays(shape, dtype))
    laid = data.draw(some.layouts(x))
    np.testing.assert_array_equal(laid, x, strict=True)
    assert not np.shares_memory(laid, x)
    tensor = tg.from_numpy(laid)
    np.testing.assert_array_equal((tensor + tensor).numpy(), x + x)


@pytest.mark.parametrize("kind", MARKS)
def test_layouts_reach_every_kind(kind):
    arrays = some.arrays(some.shapes(min_dims=2, max_dims=4, min_side=2, max_side=3), elements=st.sampled_from([0, 1]))
    reaches(some.layouts(arrays), MARKS[kind])
    reaches(some.layouts(some.arrays((2, 2, 2, 2), elements=st.just(1)), kinds=[kind]), lambda x: True)


def test_layouts_shrink_to_contiguous():
    assert MARKS["contiguous"](simplest(some.layouts(some.arrays((2, 3)))))


def test_between_the_elements_of_a_strided_array_is_nan():
    x = find(some.layouts(np.ones((2, 2)), kinds=["strided"]), lambda x: True)
    assert np.isnan(x.base[1]).all() and np.isnan(x.base[0, 1])


def test_only_what_is_constant_along_an_axis_is_expanded():
    x = find(some.layouts(np.array([[1.0, 2.0], [1.0, 2.0]])), lambda x: 0 in x.strides)
    assert x.strides[0] == 0 != x.strides[1]


def test_layouts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"layouts: there is no layout \['diagonal'\]; there are \['contiguous', "):
        simplest(some.layouts(np.ones(3), kinds=["diagonal"]))
    with pytest.raises(ValueError, match=r"layouts: an array of shape \(3,\) cannot be any of \['transposed'\]"):
        simplest(some.layouts(np.ones(3), kinds=["transposed"]))


def test_a_failing_example_notes_its_layout():
    @given(some.layouts(np.ones((2, 3)), kinds=["reversed"]))
    def fails(x):
        raise AssertionError

    with pytest.raises(AssertionError) as error:
        fails()
    assert "layout: reversed" in error.value.__notes__


@given(ANY, some.shapes(min_dims=1, min_side=2))
def test_expanded_arrays_repeat_one_place_in_memory(data, shape):
    x = data.draw(some.expanded(shape, np.float32))
    assert x.shape == shape and x.dtype == np.float32 and 0 in x.strides and not x.flags.writeable


def test_expanded_arrays_reach_one_axis_and_all():
    assert simplest(some.expanded()).tolist() == [0, 0]
    reaches(some.expanded((2, 3)), lambda x: x.strides == (0, 0), lambda x: x.strides == (0, 8) and x[0, 0] != x[0, 1])
    with pytest.raises(ValueError, match="expanded: a shape without dimensions has no axis to expand"):
        simplest(some.expanded(()))


# Geometries


@given(some.conv_geometries(batch=st.integers(0, 2)))
def test_conv_geometries_are_valid_in_torch_and_in_conv2d(torch, geometry):
    g = geometry
    y = torch.nn.functional.conv2d(torch.zeros(g.input_shape), torch.zeros(g.weight_shape), **g.options)
    assert tuple(y.shape) == g.output_shape
    layer = nn.Conv2d(g.in_channels, g.out_channels, g.kernel_size, **g.options)
    assert layer.weight.shape == g.weight_shape
    assert layer(tg.zeros(*g.input_shape)).shape == g.output_shape


@pytest.mark.parametrize("ndim", [1, 3])
def test_conv_geometries_of_other_dimensions_are_valid_in_torch(torch, ndim):
    convolution = getattr(torch.nn.functional, f"conv{ndim}d")

    @given(some.conv_geometries(ndim=ndim))
    def check(g):
        y = convolution(torch.zeros(g.input_shape), torch.zeros(g.weight_shape), **g.options)
        assert tuple(y.shape) == g.output_shape

    check()


def left_over(g, axis):
    """Pixels at the far end that no window reaches, as the stride does not divide the way."""
    way = g.image_size[axis] + 2 * g.padding[axis] - g.dilation[axis] * (g.kernel_size[axis] - 1) - 1
    return way % g.stride[axis]


def test_conv_geometries_reach_their_edges():
    strategy = some.conv_geometries()
    reaches(
        strategy,
        lambda g: left_over(g, 0) and g.stride[0] != g.stride[1],
        lambda g: g.groups == 2 and g.in_channels != g.out_channels,
        lambda g: g.kernel_size[0] > 1 and g.dilation[0] == 2 and g.image_size[0] < g.kernel_size[0],
        lambda g: g.padding[0] >= g.kernel_size[0],  # windows wholly in the padding
        lambda g: g.output_shape[2:] == (1, 1) and g.kernel_size == (3, 3),
        lambda g: g.image_size[0] != g.image_size[1] and g.padding[0] != g.padding[1],
    )
    assert simplest(strategy) == some.ConvGeometry(1, 1, 1, (1, 1), (1, 1), (1, 1), (0, 0), (1, 1), 1)


def test_conv_geometries_shrink_all_that_does_not_matter():
    found = find(some.conv_geometries(padding=0), lambda g: g.stride[0] == 2 and g.output_shape[2] == 2)
    assert found == some.ConvGeometry(1, 1, 1, (3, 1), (1, 1), (2, 1), (0, 0), (1, 1), 1)


@given(some.conv_geometries(stride=1, groups=3, channels=1, kernel_size=st.sampled_from([1, 3]), spare=0))
def test_what_is_given_is_fixed_or_drawn_from(g):
    assert g.stride == (1, 1) and g.groups == g.in_channels == g.out_channels == 3
    assert set(g.kernel_size) <= {1, 3}


@pytest.mark.parametrize("name", ["conv_geometries", "pool_geometries"])
def test_impossible_geometries_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}: stride: expected an int of at least 1, got 0"):
        getattr(some, name)(stride=0)
    with pytest.raises(ValueError, match=f"{name}: kernel_size: expected an int of at least 1, got -1"):
        simplest(getattr(some, name)(kernel_size=st.just(-1)))


SPARSE = some.pool_geometries(kernel_size=2, dilation=st.integers(2, 3), spare=0)  # a window may span the whole image


@given(SPARSE | some.pool_geometries(kernel_size=st.integers(1, 5), dilation=st.integers(1, 3)))
def test_each_window_of_a_pool_geometry_holds_a_pixel(torch, g):
    y = torch.nn.functional.max_pool2d(torch.zeros(g.input_shape), **g.options)
    assert tuple(y.shape) == g.output_shape and torch.isfinite(y).all()
    y = nn.MaxPool2d(**g.options)(tg.zeros(*g.input_shape))
    assert y.shape == g.output_shape and np.isfinite(y.array).all()


@given(some.pool_geometries())
def test_pool_geometries_are_valid_for_average_pooling(torch, g):
    options = {name: value for name, value in g.options.items() if name != "dilation"}
    assert g.dilation == (1, 1)
    for include in (True, False):  # a window without a pixel would be 0/0
        ours = nn.AvgPool2d(**options, count_include_pad=include)(tg.ones(*g.input_shape))
        theirs = torch.nn.functional.avg_pool2d(torch.ones(g.input_shape), **options, count_include_pad=include)
        np.testing.assert_allclose(ours.array, theirs, rtol=1e-6)  # float32
    assert ours.shape == g.output_shape


def test_pool_geometries_reach_their_edges():
    strategy = some.pool_geometries(dilation=st.integers(1, 2))
    reaches(
        strategy,
        lambda g: g.padding[0] == 1 and g.padding[1] == 0,
        lambda g: g.stride[0] < g.kernel_size[0],
        lambda g: g.stride[0] > g.kernel_size[0] and g.output_shape[2] > 1,
        lambda g: g.stride[0] == g.kernel_size[0] > 1 and g.output_shape[2] > 1,
        lambda g: left_over(g, 0),
        lambda g: g.dilation[0] == 2 and g.padding[0] == 1,
    )
    assert simplest(strategy) == some.PoolGeometry(1, 1, (1, 1), (1, 1), (1, 1), (0, 0), (1, 1))
