"""Random tensors: repeatable, of the right distribution, refused where the parameters make no sense."""

import copy
import pickle
import threading

import numpy as np
import pytest
from scipy import stats

import tinygrad_edu as tg

DRAWS = {
    "rand": lambda g: tg.rand(3, 4, generator=g),
    "randn": lambda g: tg.randn(3, 4, generator=g),
    "randint": lambda g: tg.randint(0, 1000, (3, 4), generator=g),
    "randperm": lambda g: tg.randperm(20, generator=g),
    "rand_like": lambda g: tg.rand_like(tg.ones(3, 4), generator=g),
    "randn_like": lambda g: tg.randn_like(tg.ones(3, 4), generator=g),
    "randint_like": lambda g: tg.randint_like(tg.ones(3, 4), 1000, generator=g),
    "normal": lambda g: tg.normal(0.0, 1.0, (3, 4), generator=g),
    "bernoulli": lambda g: tg.bernoulli(tg.full((40,), 0.5), generator=g),
    "multinomial": lambda g: tg.multinomial(tg.ones(40), 20, generator=g),
    "multinomial, replaced": lambda g: tg.multinomial(tg.ones(2, 40), 20, True, generator=g),
    "uniform_": lambda g: tg.empty(3, 4).uniform_(-1, 1, generator=g),
    "normal_": lambda g: tg.empty(3, 4).normal_(generator=g),
    "bernoulli_": lambda g: tg.empty(40).bernoulli_(generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_repeats_the_draws_and_another_does_not(name):
    g = tg.Generator()
    first, second = DRAWS[name](g.manual_seed(1)), DRAWS[name](g)
    assert tg.equal(first, DRAWS[name](g.manual_seed(1)))
    assert not tg.equal(first, second)
    tg.manual_seed(1)
    assert tg.equal(first, DRAWS[name](None))


@pytest.mark.parametrize("name", DRAWS)
def test_a_state_goes_on_with_the_same_numbers(name):
    g = tg.Generator().manual_seed(3)
    tg.randint(0, 5, (3,), dtype=tg.int32, generator=g)
    state = g.get_state()
    expected = DRAWS[name](g)
    for other in (tg.Generator().set_state(state), g.set_state(state)):
        assert tg.equal(DRAWS[name](other), expected)
        assert other.initial_seed() == 3


def test_a_generator_can_be_copied_and_pickled():
    g = tg.Generator().manual_seed(5)
    twins = [copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    expected = tg.randn(3, generator=g)
    assert all(tg.equal(tg.randn(3, generator=twin), expected) for twin in twins)


def test_the_default_generators_state_can_be_kept():
    state = tg.get_rng_state()
    a = tg.rand(2)
    tg.set_rng_state(state)
    assert tg.equal(tg.rand(2), a)
    assert tg.manual_seed(7) is tg.default_generator
    assert tg.initial_seed() == 7


# A sample of 20,000 fails each of these tests once in ten thousand seeds; the seed is fixed.
@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64])
def test_distributions_are_what_they_say(dtype):
    g = tg.Generator().manual_seed(0)
    n = 20_000
    for sample, law in (
        (tg.rand(n, dtype=dtype, generator=g), stats.uniform()),
        (tg.randn(n, dtype=dtype, generator=g), stats.norm()),
        (tg.empty(n, dtype=dtype).uniform_(-2, 3, generator=g), stats.uniform(-2, 5)),
        (tg.empty(n, dtype=dtype).normal_(2, 3, generator=g), stats.norm(2, 3)),
        (tg.normal(tg.full((n,), 2.0, dtype=dtype), 3.0, generator=g), stats.norm(2, 3)),
    ):
        assert sample.dtype == dtype
        assert stats.kstest(sample.numpy().astype(np.float64), law.cdf).pvalue > 1e-4


def test_uniform_numbers_stay_below_1():
    x = tg.rand(2**20, dtype=tg.float16)
    assert x.numpy().min() >= 0.0
    assert x.numpy().max() < 1.0


def test_counts_of_discrete_draws_fit_their_probabilities():
    g = tg.Generator().manual_seed(0)
    n, p = 20_000, np.array([0.1, 0.0, 0.6, 0.3])
    dice = np.bincount(tg.randint(1, 7, (n,), generator=g).numpy(), minlength=7)
    assert dice[0] == 0
    assert stats.chisquare(dice[1:]).pvalue > 1e-4
    drawn = np.bincount(tg.multinomial(tg.tensor(3 * p), n, True, generator=g).numpy(), minlength=4)
    assert drawn[1] == 0
    assert stats.chisquare(drawn[[0, 2, 3]], n * p[[0, 2, 3]]).pvalue > 1e-4
    ones = tg.bernoulli(tg.full((n,), 0.3), generator=g).sum().item()
    assert stats.binomtest(int(ones), n, 0.3).pvalue > 1e-4


def test_draws_without_replacement_have_the_probabilities_of_one_after_the_other():
    g = tg.Generator().manual_seed(0)
    w = np.array([1.0, 2.0, 5.0]) / 8
    pairs = tg.multinomial(tg.tensor(np.tile(w, (20_000, 1))), 2, generator=g).numpy()
    found, expected = [], []
    for i in range(3):
        for j in range(3):
            if i != j:
                found.append(((pairs == (i, j)).all(1)).sum())
                expected.append(20_000 * w[i] * w[j] / (1 - w[i]))
    assert sum(found) == 20_000
    assert stats.chisquare(found, expected).pvalue > 1e-4


def test_randperm_is_a_permutation():
    assert sorted(tg.randperm(50).tolist()) == list(range(50))
    assert tg.randperm(0).shape == (0,)


@pytest.mark.parametrize(("call", "dtype"), [
    (lambda: tg.rand(2), tg.float32), (lambda: tg.randn(2, dtype=tg.float64), tg.float64),
    (lambda: tg.randint(5, (2,)), tg.int64), (lambda: tg.randint(0, 5, (2,), dtype=tg.float32), tg.float32),
    (lambda: tg.randperm(2), tg.int64), (lambda: tg.rand_like(tg.ones(2, dtype=tg.float64)), tg.float64),
    (lambda: tg.normal(0.0, 1.0, (2,)), tg.float32), (lambda: tg.normal(tg.zeros(2), tg.ones(2)), tg.float32),
    (lambda: tg.normal(tg.zeros(2, dtype=tg.float64)), tg.float64), (lambda: tg.bernoulli(tg.ones(2)), tg.float32),
    (lambda: tg.multinomial(tg.ones(3), 2), tg.int64),
])  # fmt: skip
def test_dtypes_and_shapes(call, dtype):
    assert call().dtype == dtype
    assert call().shape == (2,)


def test_a_mean_and_a_std_of_each_element_broadcast():
    x = tg.normal(tg.tensor([[0.0], [1000.0]]), tg.tensor([1e-3, 1.0, 10.0]), generator=tg.Generator().manual_seed(0))
    assert x.shape == (2, 3)
    assert abs(x[1] - 1000).max() < 60  # six times the largest std
    assert abs(x[0, 0].item()) < 6e-3


def test_no_gradient_reaches_what_was_drawn():
    p = tg.full((3,), 0.5, requires_grad=True)
    assert not tg.bernoulli(p).requires_grad
    assert not tg.normal(p, 1.0).requires_grad


def test_filling_forgets_the_history():
    x = tg.ones(3, requires_grad=True)
    y = x * 2
    y.normal_()
    (y * y).sum().backward()
    assert x.grad is None or x.grad.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(RuntimeError, match="uniform_: this tensor is a leaf that requires grad"):
        x.uniform_()
    with tg.no_grad():
        assert x.uniform_(5, 6) is x
    assert x.min() >= 5


@pytest.mark.parametrize(("call", "message"), [
    (lambda: tg.rand(2, dtype=tg.int64), "rand: random numbers of this kind are floats, got dtype int64"),
    (lambda: tg.randint(3, 3, (2,)), "randint: low must be less than high, got 3 and 3"),
    (lambda: tg.normal(0.0, -1.0, (2,)), "normal: std cannot be negative, got -1.0"),
    (lambda: tg.normal(tg.ones(2), tg.ones(3)), r"normal: mean \(2,\) and std \(3,\) do not broadcast"),
    (lambda: tg.bernoulli(tg.tensor([0.5, 1.5])), r"bernoulli: every probability must lie in \[0, 1\]"),
    (lambda: tg.multinomial(tg.tensor([0.5, -0.5]), 1), "multinomial: weights must be finite and not negative"),
    (lambda: tg.multinomial(tg.zeros(2), 1), "multinomial: weights must .* with a sum above 0 in each row"),
    (lambda: tg.multinomial(tg.tensor([1.0, 0.0, 2.0]), 3), "multinomial: 3 samples without replacement .* has 2"),
    (lambda: tg.rand(2, generator=np.random.default_rng()), "rand: expected a tinygrad_edu Generator"),
    (lambda: tg.manual_seed(0.5), "manual_seed: expected an int"),
    (lambda: tg.Generator().set_state(tg.zeros(3)), "set_state: expected the 80 bytes"),
    (lambda: tg.Generator("cuda"), "computes on the CPU"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises((RuntimeError, TypeError), match=message):
        call()


def test_threads_can_share_the_default_generator():
    tg.manual_seed(0)
    drawn = []
    threads = [threading.Thread(target=lambda: drawn.extend(tg.rand(2000).tolist())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # No number handed out twice: float32 has 2^24 of them, so that about two coincide by chance among 8000.
    assert len(set(drawn)) > 7980
