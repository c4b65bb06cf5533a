"""The finder: shapes, maps to candidates, its file."""

import pytest
import torch

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.models import ModelConfig, MultitaskNet, save_model
from pose_action_ros.models.finder import (
    CELL_PX,
    FinderConfig,
    FinderMaps,
    PersonFinder,
    decode,
    open_finder,
    save_finder,
)

SMALL = FinderConfig(features=16, eighth=8, sixteenth=8)


def empty_maps(rows=6, columns=8):
    return FinderMaps(
        torch.full((1, 2, rows, columns), -9.0),
        torch.zeros(1, 2, rows, columns),
        torch.zeros(1, 1, rows, columns),
    )


def test_a_cell_for_every_8_pixels_upright_and_not():
    net = PersonFinder(SMALL).eval()
    for height, width in ((192, 256), (256, 192), (32, 64)):
        maps = net(torch.zeros(2, 3, height, width))
        assert maps.logits.shape == (2, 2, height // CELL_PX, width // CELL_PX)
        assert maps.offset.shape == (2, 2, height // CELL_PX, width // CELL_PX)
        assert maps.log_size.shape == (2, 1, height // CELL_PX, width // CELL_PX)


def test_the_default_weighs_at_most_a_megabyte_and_a_half():
    assert 4 * sum(value.numel() for value in PersonFinder().state_dict().values()) <= 1.5e6


def test_nobody_is_expected_at_first():
    maps = PersonFinder(SMALL).eval()(torch.rand(1, 3, 64, 64))
    assert float(maps.logits.detach().sigmoid().max()) < 0.1


def test_peaks_become_candidates_the_most_certain_first():
    maps = empty_maps()
    maps.logits[0, 1, 2, 3] = 1.0  # a large person
    maps.logits[0, 0, 4, 6] = 3.0  # a small one
    maps.logits[0, 0, 4, 7] = 2.0  # the slope of that peak
    maps.offset[0, :, 2, 3] = torch.tensor([0.5, 0.25])
    maps.log_size[0, 0, 2, 3] = torch.tensor(5.0).log()
    (found,) = decode(maps, 0.3, 10)
    assert found.center_px.tolist() == [[48.0, 32.0], [3.5 * CELL_PX, 2.25 * CELL_PX]]
    assert found.size_px.tolist() == pytest.approx([CELL_PX, 5 * CELL_PX])
    assert found.score.tolist() == pytest.approx(torch.tensor([3.0, 1.0]).sigmoid().tolist())


def test_no_more_candidates_than_asked_for_and_none_below_the_score():
    maps = empty_maps()
    maps.logits[0, 0, 0, ::2] = torch.tensor([0.0, 1.0, 2.0, 3.0])
    assert decode(maps, 0.3, 2)[0].score.tolist() == pytest.approx(
        torch.tensor([3.0, 2.0]).sigmoid().tolist()
    )
    assert len(decode(maps, 0.96, 10)[0].score) == 0


def test_a_file_keeps_the_network(tmp_path):
    net = PersonFinder(SMALL).eval()
    save_finder(net, tmp_path / 'f.safetensors', {'source': 'a test'})
    read = open_finder(tmp_path / 'f.safetensors')
    assert read.config == SMALL
    images = torch.rand(1, 3, 64, 96)
    for ours, theirs in zip(net(images), read(images), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_file_of_another_network_is_refused(tmp_path):
    save_model(
        MultitaskNet(ModelConfig.preset('compact', features=16)), tmp_path / 'p.safetensors'
    )
    with pytest.raises(CheckpointError, match='finder'):
        open_finder(tmp_path / 'p.safetensors')


@pytest.mark.parametrize('change', [{'long_px': 250}, {'short_px': 0}, {'eighth': 10**9}])
def test_shapes_that_can_not_be_are_refused(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        FinderConfig(**change)


@pytest.mark.parametrize('text', ['', '[]', '{"layers": 3}', '{"eighth": "many"}'])
def test_a_config_that_is_none_is_refused(text):
    with pytest.raises(ConfigError):
        FinderConfig.from_json(text)
