"""The finder on its two runtimes: the same candidates, in pixels of the image."""

import numpy as np
import pytest
import torch

from pose_action_ros.models.finder import FinderConfig, PersonFinder
from pose_action_ros.runtime.finder_engine import FinderEngine
from pose_action_ros.runtime.openvino_network import why_no_openvino

CONFIG = FinderConfig(features=16, eighth=8, sixteenth=8, long_px=128, short_px=96)


@pytest.fixture(scope='module')
def net():
    """Random weights and batch norms that are not the identity."""
    torch.manual_seed(3)
    net = PersonFinder(CONFIG)
    torch.nn.init.normal_(net.head.weight, std=0.5)
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(4, 3, 96, 128) * 2 - 1)
    return net.eval()


@pytest.fixture(scope='module')
def image():
    return (
        np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )


@pytest.mark.skipif(bool(why_no_openvino()), reason='openvino is not installed')
def test_both_runtimes_find_the_same(net, image):
    ours, theirs = (
        FinderEngine(net, 'cpu', 1, backend=backend).candidates(image, 0.01, 5)
        for backend in ('torch', 'openvino')
    )
    assert len(ours) == 5
    for a, b in zip(ours, theirs, strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-3)
        assert a.box.center_x == pytest.approx(b.box.center_x, abs=0.5)
        assert a.box.size == pytest.approx(b.box.size, rel=0.01)


def test_the_network_itself_says_the_same(net, image):
    import cv2

    small = cv2.resize(image, (128, 96), interpolation=cv2.INTER_AREA)
    crops = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255 * 2 - 1
    with torch.no_grad():
        best = float(net(crops).logits.sigmoid().max())
    found = FinderEngine(net, 'cpu', 1, backend='torch').candidates(image, 0.0, 3)
    assert found[0].score == pytest.approx(best, abs=1e-4)


def test_candidates_lie_in_the_image_however_it_is_shaped(net):
    engine = FinderEngine(net, 'cpu', 1, backend='torch')
    for height, width in ((480, 640), (640, 480), (90, 300)):
        image = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
        found = engine.candidates(image, 0.0, 8)
        assert len(found) == 8
        reach = 0.5 * max(width, height)  # black margins of the canvas count as well
        for box, score in found:
            assert -reach <= box.center_x <= width + reach
            assert -reach <= box.center_y <= height + reach
            assert 0.0 <= score <= 1.0
            assert box.size > 0.0
        assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
