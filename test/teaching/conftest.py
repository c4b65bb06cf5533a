"""Films of two kinds and a network so small that a test may teach it."""

import sys

import cv2
import numpy as np
import pytest

from pose_action_ros.models import save_model
from pose_action_ros.teaching.settings import TeachSettings

SIZE = (64, 48)
"""Width and height of the films."""


@pytest.fixture(autouse=True)
def without_openvino(monkeypatch):
    """PyTorch starts at once; what OpenVINO computes is tested where it is used."""
    monkeypatch.setitem(sys.modules, 'openvino', None)


@pytest.fixture
def tiny_net(tiny, filled):
    """A network that sees a body in every image."""
    return filled(tiny('compact', name='tiny', clip_frames=4), seed=4).eval()


@pytest.fixture
def tiny_weights(tmp_path, tiny_net):
    """Its weights file."""
    path = tmp_path / 'tiny.safetensors'
    save_model(tiny_net, path)
    return path


@pytest.fixture
def write_film():
    """Write a film of one brightness with some texture; returns its path."""

    def write(path, level, frames=16, rate_hz=15.0, seed=0):
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), rate_hz, SIZE)
        for _ in range(frames):
            noise = rng.integers(-20, 20, (SIZE[1], SIZE[0], 3))
            writer.write(np.clip(level + noise, 0, 255).astype(np.uint8))
        writer.release()
        return path

    return write


@pytest.fixture
def two_kinds(tmp_path, write_film):
    """A folder of six dark and six bright films."""
    root = tmp_path / 'films'
    for kind, level in (('bright', 210), ('dark', 40)):
        for number in range(6):
            write_film(root / kind / f'{kind}_{number}.avi', level, seed=number)
    return root


@pytest.fixture
def quick(tiny_weights):
    """Settings of a lesson of a few seconds."""

    def make(**changes):
        plain = {'weights': str(tiny_weights), 'epochs': 3, 'batch_size': 4, 'threads': 1}
        return TeachSettings(**{**plain, 'device': 'cpu', **changes})

    return make
