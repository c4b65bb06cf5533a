"""Data sets by name."""

import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.opening import open_library, reader_named
from pose_action_ros.models import ModelConfig


@pytest.mark.parametrize(
    ('name', 'root'),
    [
        ('mpii', 'mpii_released'),
        ('h36m', 'h36m_released'),
        ('penn_action', 'penn_official'),
        ('ntu', 'ntu_official'),
    ],
)
def test_each_data_set_opens_in_its_networks_layout(request, name, root):
    skeleton = get_skeleton(reader_named(name).layout)
    library = open_library(name, str(request.getfixturevalue(root)), 'train', skeleton)
    assert library.name == name
    assert library.track(0, [0]).joints_image_px.shape == (1, skeleton.num_joints, 2)


def test_layouts_and_actions_are_those_of_the_presets(ntu_official, penn_official):
    for name, root in (('ntu', ntu_official), ('penn_action', penn_official)):
        preset = ModelConfig.preset(name)
        library = open_library(name, root, 'test', get_skeleton(reader_named(name).layout))
        assert library.actions == preset.actions
    for name in ('mpii', 'h36m', 'penn_action', 'ntu'):
        assert ModelConfig.preset(name).layout == reader_named(name).layout


def test_options(ntu_official, tmp_path):
    path = tmp_path / 'broken.txt'
    path.write_text('S001C001P001R001A001\n')
    skeleton = get_skeleton('pa20j')
    library = open_library('ntu', ntu_official, 'test', skeleton, view=True, broken=str(path))
    assert len(library) == 3
    with pytest.raises(
        ConfigError,
        match='ntu has no option every; it has view, broken, validate_on_test, prepared',
    ):
        open_library('ntu', ntu_official, 'test', skeleton, every=3)
    with pytest.raises(ConfigError, match="unknown data set 'cocoa'"):
        open_library('cocoa', ntu_official, 'test', skeleton)
