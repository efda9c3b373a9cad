import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.data import digits, exam_scores, random_shift


def test_digits_are_split_evenly_and_have_no_image_in_common():
    (x, y), (held_x, held_y) = digits().tensors, digits(train=False).tensors
    assert x.shape == (4000, 1, 28, 28) and held_x.shape == (1000, 1, 28, 28)
    assert np.bincount(y.numpy()).tolist() == [400] * 10
    assert np.bincount(held_y.numpy()).tolist() == [100] * 10
    images = {image.tobytes() for image in x.numpy()}
    assert not images & {image.tobytes() for image in held_x.numpy()}
    # Not sorted by digit any more: neighbours differ nine times in ten.
    assert (np.diff(y.numpy()) != 0).mean() > 0.8


def test_digits_have_grey_levels_from_0_to_1_in_the_wanted_type():
    image, label = digits()[0]
    assert isinstance(image, tg.Tensor) and image.dtype == np.float32 and label.dtype == np.int64
    x = digits(dtype=np.float64).tensors[0].numpy()
    assert x.dtype == np.float64 and x.min() == 0 and x.max() == 1
    np.testing.assert_array_equal(np.round(x * 255), x * 255)


def test_the_split_depends_on_the_seed_alone():
    first = digits(train=False).tensors[0].numpy()
    digits()
    np.testing.assert_array_equal(first, digits(train=False).tensors[0].numpy())
    assert not np.array_equal(first, digits(train=False, seed=1).tensors[0].numpy())


def test_writing_into_the_images_does_not_change_the_next_ones_loaded():
    x = digits(train=False).tensors[0].numpy()
    before = x.copy()
    x[:] = 7
    np.testing.assert_array_equal(digits(train=False).tensors[0].numpy(), before)


def test_exam_scores_follow_the_stated_formula():
    parts = [exam_scores(train, dtype=np.float64).tensors for train in (True, False)]
    hours, scores = (np.concatenate([part[i].numpy() for part in parts])[:, 0] for i in (0, 1))
    assert hours.shape == scores.shape == (120,)
    assert hours.min() >= 0.5 and hours.max() <= 9.5
    noise = scores - 38 - 5.2 * hours
    # Of 120 noises with standard deviation 4 the mean has one of 0.37, and their own spread one of 0.26.
    assert abs(noise.mean()) < 3 * 0.37
    assert abs(noise.std() - 4) < 3 * 0.26


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_random_shift_moves_each_image_as_one_and_no_further(pixels):
    rng = np.random.default_rng(0)
    images = np.zeros((200, 2, 9, 9), np.float32)
    images[:, :, 4, 4] = rng.random((200, 2)) + 1
    shifted = random_shift(images, pixels, rng)
    assert shifted.dtype == images.dtype and shifted.shape == images.shape
    np.testing.assert_array_equal(shifted.max((2, 3)), images[:, :, 4, 4])
    places = np.array([np.argwhere(image[0]) for image in shifted])[:, 0] - 4
    shifts = range(-pixels, pixels + 1)
    assert {tuple(place) for place in places.tolist()} == {(i, j) for i in shifts for j in shifts}
    np.testing.assert_array_equal(shifted[:, 0] > 0, shifted[:, 1] > 0)


def test_random_shift_refuses_what_are_no_images():
    with pytest.raises(ValueError, match=r"random_shift: expected images \(N, C, H, W\), got shape \(28, 28\)"):
        random_shift(np.zeros((28, 28)))
