import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.data import DataLoader, Dataset, Subset, TensorDataset, default_collate, numpy_collate, random_split


@given(samples=st.integers(0, 40), batch_size=st.integers(1, 50), shuffle=st.booleans(), drop_last=st.booleans())
def test_every_sample_comes_once_but_for_the_dropped_rest(samples, batch_size, shuffle, drop_last):
    loader = DataLoader(
        list(range(samples)), batch_size, shuffle, drop_last=drop_last, generator=np.random.default_rng(0)
    )
    batches = [batch.tolist() for batch in loader]
    assert len(batches) == len(loader)
    assert all(len(batch) == batch_size for batch in batches[:-1])
    seen = sorted(sum(batches, []))
    if drop_last:
        assert len(seen) == samples - samples % batch_size and set(seen) <= set(range(samples))
    else:
        assert seen == list(range(samples))


def test_batches_are_the_same_as_torchs_without_shuffling(torch):
    ours = TensorDataset(tg.arange(10).reshape(5, 2), tg.tensor([0.5, 1, 1.5, 2, 2.5]))
    theirs = torch.utils.data.TensorDataset(torch.arange(10).reshape(5, 2), torch.tensor([0.5, 1, 1.5, 2, 2.5]))
    for options in ({"batch_size": 2}, {"batch_size": 2, "drop_last": True}, {"batch_size": None}, {"sampler": [3, 1]}):
        ours_batches = list(DataLoader(ours, **options))
        theirs_batches = list(torch.utils.data.DataLoader(theirs, **options))
        assert len(ours_batches) == len(theirs_batches)
        for a, b in zip(ours_batches, theirs_batches, strict=True):
            for x, y in zip(a, b, strict=True):
                assert x.shape == tuple(y.shape)
                assert str(x.dtype) == str(y.dtype).removeprefix("torch.")
                np.testing.assert_array_equal(x.numpy(), y.numpy())


def test_batch_sampler_says_what_is_in_each_batch():
    assert [batch.tolist() for batch in DataLoader([5, 6, 7], batch_sampler=[[2, 0], [1]])] == [[7, 5], [6]]


def test_each_pass_has_a_new_order_and_a_seed_gives_the_same_orders():
    def orders():
        loader = DataLoader(list(range(50)), 50, shuffle=True, generator=np.random.default_rng(3))
        return [next(iter(loader)).tolist() for _ in range(3)]

    first = orders()
    assert first == orders()
    assert first[0] != first[1] != first[2]


def test_without_a_generator_manual_seed_decides_the_order():
    loader = DataLoader(list(range(50)), 50, shuffle=True)
    orders = []
    for seed in (1, 1, 2):
        tg.manual_seed(seed)
        orders.append(next(iter(loader)).tolist())
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize(
    "samples",
    [
        [1, 2, 3],
        [0.5, 1.5],
        [True, False],
        [np.arange(3.0), np.ones(3)],
        [np.float32(1), np.float32(2)],
        [(1, [2.0, {"a": 3, "name": "x"}]), (4, [5.0, {"a": 6, "name": "y"}])],
    ],
)
def test_collating_gives_the_types_and_nesting_that_torch_gives(torch, samples):
    def described(value, plain):
        if isinstance(value, dict):
            return {key: described(item, plain) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [described(item, plain) for item in value]
        return value if isinstance(value, str) else (str(value.dtype).removeprefix("torch."), plain(value).tolist())

    theirs = described(torch.utils.data.default_collate(samples), lambda tensor: tensor.numpy())
    assert described(default_collate(samples), lambda tensor: tensor.numpy()) == theirs
    assert described(numpy_collate(samples), lambda array: array) == theirs


def test_samples_of_different_shapes_are_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"collate: .*\(2,\), \(3,\)"):
        default_collate([np.ones(2), np.ones(3)])


def test_a_sample_that_cannot_be_put_together_is_named():
    with pytest.raises(TypeError, match=r"collate: .*got object"):
        default_collate([object()])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is a positive number"),
        ({"batch_size": 2.5}, "batch_size is a positive number"),
        ({"sampler": [0], "shuffle": True}, "leave out shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler says what is in each batch"),
        ({"batch_size": None, "drop_last": True}, "drop_last needs a batch_size"),
    ],
)
def test_options_that_exclude_each_other_are_refused(options, message):
    with pytest.raises(ValueError, match=f"DataLoader: .*{message}"):
        DataLoader([1, 2], **options)


def test_torchs_other_arguments_are_accepted():
    loader = DataLoader([1, 2], num_workers=4, pin_memory=True, persistent_workers=True, prefetch_factor=2, timeout=1)
    assert [batch.tolist() for batch in loader] == [[1], [2]]


def test_what_has_no_length_is_no_dataset():
    with pytest.raises(TypeError, match="DataLoader: a dataset needs a length"):
        DataLoader(iter([1, 2]))


def test_an_unknown_generator_is_refused_with_an_example():
    with pytest.raises(TypeError, match=r"generator: .*got int.*np\.random\.default_rng"):
        list(DataLoader([1, 2], shuffle=True, generator=3))


def test_a_dataset_of_ones_own_needs_two_methods_and_is_told_so():
    class Half(Dataset):
        def __len__(self):
            return 1

    with pytest.raises(NotImplementedError, match=r"Half: a Dataset needs __getitem__"):
        Half()[0]


def test_tensors_of_different_lengths_are_no_dataset():
    with pytest.raises(ValueError, match=r"TensorDataset: .*\(3,\), \(2,\)"):
        TensorDataset(np.ones(3), np.ones(2))


@given(total=st.integers(1, 60), cuts=st.lists(st.integers(0, 60), max_size=4), seed=st.integers(0, 5))
def test_random_split_takes_every_sample_once(total, cuts, seed):
    edges = [0, *sorted(min(cut, total) for cut in cuts), total]
    lengths = [b - a for a, b in zip(edges, edges[1:], strict=False)]
    parts = random_split(range(total), lengths, np.random.default_rng(seed))
    assert [len(part) for part in parts] == lengths
    assert sorted(sample for part in parts for sample in (part[i] for i in range(len(part)))) == list(range(total))


@pytest.mark.filterwarnings("ignore:Length of split")  # PyTorch's, where a part is empty
@pytest.mark.parametrize("fractions", [[0.5, 0.5], [0.7, 0.2, 0.1], [0.33, 0.33, 0.34], [1.0]])
@pytest.mark.parametrize("total", [1, 7, 10, 99])
def test_fractions_are_rounded_as_torch_rounds_them(torch, fractions, total):
    theirs = torch.utils.data.random_split(range(total), fractions)
    assert [len(part) for part in random_split(range(total), fractions)] == [len(part) for part in theirs]


@pytest.mark.parametrize("lengths", [[3, 3], [0.5, 0.4], [12, -2], []])
def test_lengths_that_do_not_add_up_are_refused(lengths):
    with pytest.raises(ValueError, match="random_split: lengths must sum to the dataset's 10 samples"):
        random_split(range(10), lengths)


def test_a_subset_keeps_its_order():
    subset = Subset(TensorDataset(np.arange(5)), [4, 0])
    assert [subset[i][0] for i in range(len(subset))] == [4, 0]
