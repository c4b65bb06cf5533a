"""The names of the training data travel with the weights."""

import json

import pytest

from pose_action_ros.core.errors import CheckpointError
from pose_action_ros.models import read_metadata, save_model
from pose_action_ros.models.checkpoint import find_weights
from pose_action_ros.training.config import DataSettings, TrainConfig
from pose_action_ros.training.provenance import DATA_KEY, named_data, provenance, training_data


@pytest.fixture
def saved(tmp_path, tiny_net):
    """Write a weights file with some metadata; returns its path."""

    def save(**texts):
        path = tmp_path / 'w.safetensors'
        save_model(tiny_net, path, texts)
        return str(path)

    return save


def test_the_shipped_weights_name_what_their_networks_have_seen():
    """`demo` was trained before its file had the list; its settings name the data set."""
    assert DATA_KEY not in read_metadata(find_weights('demo'))
    assert 'films (jhmdb)' in training_data('people')
    assert {'lsp', 'coco (yolo_pose)', 'actor (simulated)'} <= set(training_data('people'))
    assert training_data('demo') == ['simulated']
    assert training_data('untrained:compact') == []


def test_data_are_those_of_images_and_of_clips():
    assert named_data(DataSettings(name='ntu')) == ['ntu']
    mix = {'mpii': {'share': 0.5}, 'mine': {'name': 'folder'}}
    clips = {'penn_action': {}, 'mine': {'name': 'folder'}}
    assert named_data(DataSettings(name='h36m', options={'mix': mix})) == [
        'mpii', 'mine (folder)', 'h36m',
    ]  # fmt: skip
    assert named_data(DataSettings(name='h36m', options={'mix': mix, 'clips': clips})) == [
        'mpii', 'mine (folder)', 'penn_action',
    ]  # fmt: skip


def test_a_chain_of_runs_names_the_data_of_all(saved):
    start = saved(**{DATA_KEY: json.dumps(['mpii', 'ntu'])})
    texts = provenance(TrainConfig(), ['ntu', 'h36m'], [], start)
    assert json.loads(texts[DATA_KEY]) == ['ntu', 'h36m', 'mpii']
    assert texts['source'].endswith(' on ntu, h36m')
    second = saved(**texts)
    assert training_data(second) == ['ntu', 'h36m', 'mpii']


def test_initial_weights_that_do_not_tell_are_named_themselves(saved, tmp_path):
    for start in (saved(), saved(settings='free text'), saved(settings='[1]'), 'gone/w.x'):
        texts = provenance(TrainConfig(), ['ntu'], [], start)
        assert json.loads(texts[DATA_KEY]) == ['ntu', f'those of {start}']
    for start in (None, 'untrained:compact'):
        texts = provenance(TrainConfig(), ['ntu'], [], start)
        assert json.loads(texts[DATA_KEY]) == ['ntu']
    with pytest.raises(CheckpointError, match='there is no weights file'):
        training_data('gone/w.x')
