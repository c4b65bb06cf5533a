"""Lens and sensor, a batch at a time: the numbers of OpenCV, to the last bit."""

import cv2
import numpy as np
import pytest
import torch

from pose_action_ros.simulation.optics import (
    Sensor,
    add_noise,
    blur_taps,
    develop,
    noise_corner,
    noise_table,
)

TABLE = noise_table(np.random.default_rng(0), 80, 80)
SIGMAS_PX = [0.45, 0.7, 0.79, 0.8, 1.1, 2.5]


def sensor(sigmas_px, *, noise=0.0, inside=True):
    B = len(sigmas_px)
    mask = np.broadcast_to(np.asarray(inside, bool), (B, 40, 64))
    return Sensor(
        taps=torch.tensor([blur_taps(sigma_px) for sigma_px in sigmas_px]),
        noise=torch.full((B,), noise),
        corner=torch.tensor([(3 * i, 2 * i) for i in range(B)]),
        inside=torch.from_numpy(np.packbits(mask, -1)),
    )


@pytest.fixture
def pictures():
    return np.random.default_rng(1).integers(0, 256, (len(SIGMAS_PX), 40, 64, 3), np.uint8)


def test_blur_is_opencv_s(pictures):
    found = develop(torch.from_numpy(pictures), sensor(SIGMAS_PX), TABLE)
    for picture, sigma_px, image in zip(pictures, SIGMAS_PX, found, strict=True):
        size = (3, 3) if sigma_px < 0.8 else (5, 5)
        expected = cv2.GaussianBlur(picture, size, sigma_px)
        np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), expected)


def test_taps_sum_up_to_one():
    for sigma_px in np.linspace(0.3, 4.0, 50):
        center, near, far = blur_taps(sigma_px)
        assert center + 2 * near + 2 * far == 256
        assert center >= near >= far >= 0
        assert (far == 0) == (sigma_px < 0.8)


def test_noise_is_opencv_s(pictures):
    corner = [(3, 5), (0, 0), (40, 16), (1, 2), (7, 7), (20, 9)]
    levels = torch.linspace(0.5, 6.0, 6)
    found = add_noise(torch.from_numpy(pictures), TABLE, torch.tensor(corner), levels)
    for picture, (y, x), level, image in zip(pictures, corner, levels, found, strict=True):
        cut = np.ascontiguousarray(TABLE[y : y + 40, x : x + 64].numpy())
        expected = cv2.addWeighted(picture, 1.0, cut, float(level) / 64, 0.0, dtype=cv2.CV_8U)
        np.testing.assert_array_equal(image.numpy(), expected)


def test_noise_has_the_wanted_strength():
    grey = torch.full((1, 64, 64, 3), 128, dtype=torch.uint8)
    corner = torch.tensor([noise_corner(np.random.default_rng(1), TABLE, 64, 64)])
    noisy = add_noise(grey, TABLE, corner, torch.tensor([5.0])).numpy().astype(float)
    assert noisy.std() == pytest.approx(5.0, rel=0.1)
    assert noisy.mean() == pytest.approx(128, abs=0.3)


def test_outside_is_black(pictures):
    inside = np.random.default_rng(2).random((len(SIGMAS_PX), 40, 64)) < 0.5
    bright = torch.from_numpy(pictures | 128)
    found = develop(bright, sensor(SIGMAS_PX, noise=1.0, inside=inside), TABLE)
    assert found.shape == (len(SIGMAS_PX), 3, 40, 64)
    np.testing.assert_array_equal(found.numpy().all(1), inside)


def test_a_batch_is_its_pictures_one_by_one(pictures):
    whole = sensor(SIGMAS_PX, noise=4.0)
    found = develop(torch.from_numpy(pictures), whole, TABLE)
    for i in range(len(pictures)):
        part = slice(i, i + 1)
        alone = develop(torch.from_numpy(pictures[part]), whole.images(part), TABLE)
        assert torch.equal(found[part], alone)
    again = Sensor.join([whole.images(slice(0, 2)), whole.images(slice(2, None))])
    assert torch.equal(again.taps, whole.taps)
