"""Joint layouts against the reference tables and by what must hold of any layout."""

import json
from pathlib import Path

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError, PoseActionError
from pose_action_ros.core.skeleton import PA16J, PA17J, PA20J, SKELETONS, get_skeleton

NAME = 'pose_layouts.json'
SIBLING = Path(__file__).parents[3] / 'shared' / 'parity' / NAME
LAYOUTS = list(SKELETONS.values())
EVERY = pytest.mark.parametrize('skeleton', LAYOUTS, ids=lambda s: s.name)


def references():
    """The frozen copy, and the original where the checkout has it beside itself."""
    absent = pytest.mark.skipif(not SIBLING.exists(), reason=f'no {SIBLING}')
    yield pytest.param(Path(__file__).parents[1] / 'fixtures' / NAME, id='frozen')
    yield pytest.param(SIBLING, id='original', marks=absent)


@pytest.fixture(params=references(), scope='module')
def tables(request):
    return json.loads(request.param.read_text())


@pytest.mark.parity
class TestParity:
    @pytest.fixture(params=['pa16j2d', 'pa17j3d', 'pa20j3d', 'pa21j3d', 'coco17j'])
    def pair(self, request, tables):
        return get_skeleton(request.param.removesuffix('2d').removesuffix('3d')), tables[
            request.param
        ]

    def test_every_layout_is_there(self, tables):
        assert len(tables) == len(SKELETONS)

    def test_joints_links_and_flip(self, pair):
        skeleton, table = pair
        assert skeleton.num_joints == table['num_joints']
        assert [list(link) for link in skeleton.links] == table['links']
        assert list(skeleton.flip) == table['map_hflip']

    def test_conversions(self, pair):
        skeleton, table = pair
        names = {'mpii3dhp': 'mpi_inf_3dhp', 'mpii3dhp_te': 'mpi_inf_3dhp_test'}
        names['pa13j'] = 'penn_action'
        compared = 0
        for key, expected in table.items():
            for way, maps in (('from', skeleton.maps_from), ('to', skeleton.maps_to)):
                if key.startswith(f'map_{way}_'):
                    other = key.removeprefix(f'map_{way}_')
                    assert list(maps[names.get(other, other)]) == expected, key
                    compared += 1
        assert compared == len(skeleton.maps_from) + len(skeleton.maps_to)


@EVERY
def test_names_are_unique_and_links_stay_inside(skeleton):
    assert len(set(skeleton.joint_names)) == skeleton.num_joints
    ends = {joint for link in skeleton.links for joint in link}
    assert ends == set(range(skeleton.num_joints))  # no joint floats


@EVERY
def test_flip_twice_is_nothing_and_swaps_sides(skeleton):
    flip = np.array(skeleton.flip)
    np.testing.assert_array_equal(flip[flip], np.arange(skeleton.num_joints))
    for joint, mirrored in enumerate(flip):
        name, other = skeleton.joint_names[joint], skeleton.joint_names[mirrored]
        if name.startswith(('left_', 'right_')):
            assert name.split('_')[1:] == other.split('_')[1:]
            assert name != other
        else:
            assert joint == mirrored


@EVERY
def test_tables_have_the_right_length_and_no_joint_twice(skeleton):
    for table in skeleton.maps_from.values():
        assert len(table) == skeleton.num_joints
        assert len(set(table)) == len(table)
    for table in skeleton.maps_to.values():
        assert set(table) <= set(range(skeleton.num_joints))
        assert len(set(table)) == len(table)


def test_mpii_there_and_back():
    joints = np.random.default_rng(0).normal(size=(2, 16, 3))
    back = PA16J.convert_to('mpii', PA16J.convert_from('mpii', joints))
    np.testing.assert_array_equal(back, joints)


def test_ours_to_ours_keeps_the_names():
    for source, target in ((PA17J, PA16J), (PA20J, PA16J)):
        indices = source.maps_to[target.name]
        assert tuple(source.joint_names[i] for i in indices) == target.joint_names
        marked = np.arange(source.num_joints)[:, None].astype(float)
        np.testing.assert_array_equal(source.convert_to(target.name, marked)[:, 0], indices)


def test_convert_by_hand():
    # MPII: 0 right ankle, 6 pelvis, 9 head top
    mpii = np.zeros((16, 2))
    mpii[[0, 6, 9], 0] = [1.0, 2.0, 3.0]
    ours = PA16J.convert_from('mpii', mpii)
    assert ours[PA16J.index('right_ankle'), 0] == 1.0
    assert ours[PA16J.index('pelvis'), 0] == 2.0
    assert ours[PA16J.index('head'), 0] == 3.0


def test_unknown_names_say_what_is_known():
    with pytest.raises(ConfigError, match="'pa18j'; known are pa16j, pa17j"):
        get_skeleton('pa18j')
    with pytest.raises(ConfigError, match="no joint 'spine'; it has pelvis"):
        PA16J.index('spine')
    with pytest.raises(ConfigError, match="no table from 'coco'; it has mpii, ntu"):
        PA16J.convert_from('coco', np.zeros((17, 2)))
    with pytest.raises(ConfigError, match='it has none'):
        get_skeleton('coco17j').convert_to('mpii', np.zeros((17, 2)))
    assert issubclass(ConfigError, PoseActionError)


def test_tables_can_not_be_changed():
    with pytest.raises(TypeError):
        SKELETONS['pa16j'] = PA17J
    with pytest.raises(AttributeError):
        PA16J.name = 'other'


@pytest.mark.parametrize('name', ['pa16j', 'pa17j', 'pa20j', 'pa21j'])
def test_no_drawn_limb_floats(name):
    """From any joint there is a way along drawn links to any other."""
    skeleton = get_skeleton(name)
    reached, size = {0}, 0
    while size != len(reached):
        size = len(reached)
        reached |= {end for link in skeleton.drawn_links for end in link if reached & set(link)}
    assert reached == set(range(skeleton.num_joints))
    assert skeleton.drawn_links[: len(skeleton.links)] == skeleton.links


def test_a_layout_without_trunk_joints_is_drawn_as_it_is():
    assert get_skeleton('coco17j').drawn_links == get_skeleton('coco17j').links
