import io
import math
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import tinygrad_edu as tg

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
arrays = st.sampled_from(DTYPES).flatmap(lambda d: arrays_of.arrays(d, arrays_of.array_shapes(min_dims=0, min_side=0)))
leaves = (
    arrays
    | arrays.map(tg.from_numpy)
    | st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
)
# Keys with dots could lead to the same path as keys in dicts.
keys = st.text("ab.'0", max_size=4) | st.integers(0, 3)
nested = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def saved_and_loaded(value):
    file = io.BytesIO()
    tg.save(value, file)
    return tg.load(io.BytesIO(file.getvalue()))


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, tg.Tensor | np.ndarray):
        a, b = (x.numpy() if isinstance(x, tg.Tensor) else x for x in (a, b))
        assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


@given(nested)
def test_what_was_saved_is_loaded_bit_for_bit(value):
    assert_same(value, saved_and_loaded(value))


def test_keys_that_lead_to_the_same_path_stay_apart():
    value = {"a.b": tg.zeros(1), "a": {"b": tg.ones(1)}, "a.b'": tg.ones(2)}
    assert_same(value, saved_and_loaded(value))


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3).T, np.arange(10)[::-2], np.arange(3, dtype=">f8")])
def test_arrays_in_any_memory_order_are_saved_by_value(array):
    loaded = saved_and_loaded({"a": array})["a"]
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype.isnative


def test_other_safetensors_readers_find_the_arrays_under_their_dotted_names(tmp_path):
    from safetensors.numpy import load_file

    tg.save({"model": OrderedDict({"0.weight": tg.ones(2, 3)}), "epoch": 3}, tmp_path / "a.safetensors")
    assert {name: array.shape for name, array in load_file(tmp_path / "a.safetensors").items()} == {
        "model.0.weight": (2, 3)
    }


def test_other_writers_files_load_as_a_flat_dict_of_tensors(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.arange(3.0)}, tmp_path / "a.safetensors")
    loaded = tg.load(tmp_path / "a.safetensors")
    assert list(loaded) == ["w"] and isinstance(loaded["w"], tg.Tensor) and loaded["w"].tolist() == [0, 1, 2]


def test_torch_reads_our_weights_and_we_read_torchs(tmp_path, torch):
    from safetensors.torch import load_file, save_file

    from tinygrad_edu import nn

    layer, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    tg.save(layer.state_dict(), tmp_path / "ours.safetensors")
    theirs.load_state_dict(load_file(tmp_path / "ours.safetensors"))
    np.testing.assert_array_equal(theirs.weight.detach().numpy(), layer.weight.detach().numpy())
    theirs = torch.nn.Linear(3, 2)
    save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    layer.load_state_dict(tg.load(tmp_path / "theirs.safetensors"))
    np.testing.assert_array_equal(theirs.weight.detach().numpy(), layer.weight.detach().numpy())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {"b": object()}}, r"save: a\.b is a object"),
        ({"z": np.ones(2, complex)}, r"save: z has dtype complex128"),
        ({"s": np.array(["x"])}, r"save: s has dtype <U1"),
        ({(1, 2): 3}, r"save: keys are strings or ints, got \(1, 2\)"),
    ],
)
def test_what_a_file_cannot_hold_is_named_and_nothing_is_written(tmp_path, value, message):
    with pytest.raises(TypeError, match=message):
        tg.save(value, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_saving_a_model_itself_points_to_its_state_dict(tmp_path):
    from tinygrad_edu import nn

    with pytest.raises(TypeError, match=r"Linear.*state_dict\(\)"):
        tg.save(nn.Linear(2, 2), tmp_path / "a")


def test_a_missing_file_or_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"load: there is no file .*nowhere"):
        tg.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"save: the folder .*no does not exist"):
        tg.save({}, tmp_path / "no" / "a")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        tg.load(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        tg.save({}, tmp_path)


class Bomb:
    def __reduce__(self):
        return os.abort, ()


def test_a_pickle_is_refused_and_never_run(tmp_path):
    (tmp_path / "a.pt").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match=r"torch\.save or pickle.*safetensors\.torch\.save_file"):
        tg.load(tmp_path / "a.pt")


def test_a_file_of_torch_save_is_refused_with_the_way_to_convert_it(tmp_path, torch):
    torch.save({"w": torch.ones(2)}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"torch\.save or pickle.*safetensors\.torch\.save_file"):
        tg.load(tmp_path / "a.pt")


@given(st.data())
def test_a_damaged_file_gives_an_error_that_says_so_or_other_values_but_never_anything_else(data):
    file = io.BytesIO()
    tg.save({"w": tg.ones(3), "epoch": 1, "more": [1, {"x": "y"}]}, file)
    content = bytearray(file.getvalue())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        tg.load(io.BytesIO(bytes(content)))
    except ValueError as error:
        assert str(error).startswith("load: ")


@pytest.mark.parametrize(
    "structure",
    [
        "",
        "3",
        "[]",
        "{}",
        '{"tensor": "absent"}',
        '{"tensor": []}',
        '{"dict": 3}',
        '{"dict": [["a"]]}',
        '{"list": [[]]}',
    ],
)
def test_a_description_that_does_not_fit_the_file_is_an_error_that_says_so(structure):
    from safetensors.numpy import save

    content = save({"w": np.ones(2)}, metadata={"tinygrad_edu": structure})
    with pytest.raises(ValueError, match="load: the file is damaged"):
        tg.load(io.BytesIO(content))


def test_an_old_file_stays_when_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "a"
    tg.save({"x": 1}, path)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        tg.save({"x": 2}, path)
    assert tg.load(path) == {"x": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX systems")
def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path):
    tg.save({}, tmp_path / "a")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
