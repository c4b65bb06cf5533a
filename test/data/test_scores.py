"""Scores on recorded data, by hand and by a network that sees the drawn dots."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.skeleton import PA16J, PA17J, PA20J
from pose_action_ros.data.human36m import Human36m
from pose_action_ros.data.human36m_files import H36M_ACTIONS
from pose_action_ros.data.mpii import Mpii
from pose_action_ros.data.ntu import Ntu
from pose_action_ros.data.penn_action import PennAction
from pose_action_ros.data.recorded import RecordedPoses
from pose_action_ros.models import ModelConfig, MultitaskNet, PoseOutput
from pose_action_ros.training import action_scores
from pose_action_ros.training.action_scores import evaluate_clips, given_boxes, seen_boxes
from pose_action_ros.training.film_clips import ClipView, clip_views, read_clips
from pose_action_ros.training.pose_scores import (
    evaluate_h36m,
    evaluate_mpii,
    h36m_scores,
    mpii_scores,
    spread_indices,
)
from pose_action_ros.training.pose_views import MULTI_CROP, SINGLE_CROP, View, predict_poses
from pose_action_ros.training.score_tables import action_table, h36m_tables, mpii_table

SMALL = {
    **{'blocks': 1, 'features': 16, 'kernel_size': 3, 'clip_frames': 4, 'pose_features': 8},
    **{'pose_stem_features': 2, 'pose_reduced_features': 4, 'appearance_features': 8},
}


class DotSeer:
    """Finds each joint by the colour of its dot; depth is what it is told."""

    def __init__(self, miniatures, skeleton, dimensions=2, depth=None):
        self.config = SimpleNamespace(
            layout=skeleton.name, dimensions=dimensions, name='seer', actions=()
        )
        names = list(miniatures.PA21J.joint_names)
        self.colours = [miniatures.COLOURS[names.index(n)] for n in skeleton.joint_names]
        self.depth = depth

    def parameters(self):
        yield torch.zeros(())

    def eval(self):
        return self

    def forward_pose(self, crops):
        images = ((crops + 1) * 127.5).numpy().transpose(0, 2, 3, 1)
        found = np.full((len(images), len(self.colours), self.config.dimensions), np.nan)
        for image, joints in zip(images, found, strict=True):
            for joint, colour in enumerate(self.colours):
                rows, columns = np.nonzero(np.abs(image - colour).max(-1) < 25)
                if len(rows):
                    joints[joint, :2] = np.median([columns, rows], axis=1) / 256
        if self.depth is not None:
            found[..., 2] = [self.depth.pop(0) for _ in images]
        seen = torch.from_numpy(np.isfinite(found[..., 0]).astype(np.float32))
        return [PoseOutput(torch.from_numpy(found).float(), seen)]


@pytest.mark.parametrize('views', [SINGLE_CROP, MULTI_CROP], ids=['single', 'multi'])
def test_a_network_that_sees_the_dots_is_right_on_mpii(mpii_released, miniatures, views):
    """Shifts and mirrors of the views are undone, or joints would change place or side."""
    seer = DotSeer(miniatures, PA16J)
    if len(views) > 1:  # in a mirrored picture this seer calls right what is right on the person
        forward, swap = seer.forward_pose, list(PA16J.flip)

        def as_a_network(crops):
            output = forward(crops)[0]
            joints = output.joints.clone()
            joints[1::2] = joints[1::2][:, swap]
            return [PoseOutput(joints, output.visibility)]

        seer.forward_pose = as_a_network
    library = Mpii(mpii_released, 'val', PA16J)
    found = predict_poses(seer, RecordedPoses(library), [0, 1], views)
    truth = np.concatenate([library.track(i, [0]).joints_image_px for i in range(2)])
    assert np.abs(found[:, 0, :, :2] - truth).max() < 3.0
    assert np.isnan(found[..., 2]).all()
    scores = evaluate_mpii(seer, library, views, batch=2)
    assert scores.pckh_50['total'] == 1.0
    assert scores.views == len(views)
    assert scores.samples == 2


def test_there_are_five_crops_and_their_mirrors():
    assert len(MULTI_CROP) == 10
    assert {view.flip for view in MULTI_CROP} == {False, True}
    assert len({(view.x, view.y) for view in MULTI_CROP}) == 5
    assert MULTI_CROP[0] == View() == SINGLE_CROP[0]


def test_a_network_that_sees_the_dots_is_right_on_h36m(h36m_released, miniatures):
    library = Human36m(h36m_released, 'test', PA17J)
    poses = RecordedPoses(library)
    depth = [poses[i]['joints_crop'][:, 2].numpy() for i in range(8)]
    scores = evaluate_h36m(DotSeer(miniatures, PA17J, 3, depth), library)
    assert 0.01 < scores.mean_mpjpe_mm < 15.0  # a pixel of the crop is 9 mm
    assert scores.samples['Discussion'] == scores.samples['WalkTogether'] == 4
    assert np.isnan(scores.mpjpe_mm['Eating'])


def test_true_joints_in_the_crop_give_no_error(h36m_released, miniatures):
    """The whole way back: crop, image, true root depth, camera with distortion, world."""
    library = Human36m(h36m_released, 'test', PA17J)
    poses = RecordedPoses(library)

    class Truth(DotSeer):
        def forward_pose(self, crops):
            joints = torch.stack([poses[self.depth.pop(0)]['joints_crop'] for _ in crops])
            worse = joints + 0.01
            return [PoseOutput(j, joints[..., 0]) for j in (worse, joints)]

    scores = evaluate_h36m(Truth(miniatures, PA17J, 3, list(range(8))), library, batch=3)
    assert scores.mean_mpjpe_mm < 0.5  # the camera's inverse takes one step
    assert scores.block == 2
    assert scores.blocks[0] > scores.blocks[1]


def test_h36m_needs_its_joints_in_space(h36m_released, miniatures):
    library = Human36m(h36m_released, 'test', PA17J)
    with pytest.raises(ConfigError, match='needs pa17j in 3D'):
        evaluate_h36m(DotSeer(miniatures, PA17J), library)


def test_h36m_scores_by_hand():
    truth = np.zeros((3, 17, 3))
    truth[:, 1:, 0] = np.arange(16) * 10.0
    truth[:, 5, 1] = 50.0
    found = np.repeat(truth[:, None], 2, axis=1) + 1000.0  # the place in the world is free
    found[0, :, 3, 2] += 34.0  # one joint of 17: 2 mm
    found[:, 0, 4] += (0.0, 0.0, 17.0)  # the first block is 1 mm worse
    scores = h36m_scores(found, truth, np.array([0, 0, 14]))
    assert scores.blocks == pytest.approx([2 / 3 + 1, 2 / 3])
    assert scores.block == 2
    assert scores.mean_mpjpe_mm == pytest.approx(2 / 3)
    assert scores.mpjpe_mm['Directions'] == pytest.approx(1.0)
    assert scores.mpjpe_mm['WalkTogether'] == pytest.approx(0.0, abs=1e-9)
    larger = h36m_scores(1.5 * truth[:, None] + 7.0, truth, np.array([0, 0, 14]))
    assert larger.mean_mpjpe_mm > 10.0
    assert larger.mean_p_mpjpe_mm == pytest.approx(0.0, abs=1e-9)


def test_mpii_scores_by_hand():
    truth = np.zeros((2, 16, 2))
    found = np.zeros((2, 1, 16, 2))
    heads = np.array([10.0, 20.0])
    found[:, 0, PA16J.index('right_knee'), 0] = 6.0  # 0.6 and 0.3 heads
    found[:, 0, PA16J.index('left_knee'), 0] = 3.0  # 0.3 and 0.15 heads
    found[:, 0, PA16J.index('pelvis')] = 999.0  # does not count
    truth[0, PA16J.index('head')] = np.nan
    scores = mpii_scores(found, truth, heads, PA16J.joint_names)
    assert scores.pckh_50['knee'] == pytest.approx(3 / 4)
    assert scores.pckh_20['knee'] == pytest.approx(1 / 4)
    assert scores.joints['right_knee'] == pytest.approx(1 / 2)
    assert scores.pckh_50['head'] == 1.0
    assert scores.pckh_50['total'] == pytest.approx(26 / 27)  # 14 joints, 2 persons, 1 unknown
    assert 'pelvis' not in scores.joints
    assert scores.auc_50['knee'] == pytest.approx(
        np.mean([np.mean(np.array([0.6, 0.3, 0.3, 0.15]) <= t) for t in np.linspace(0, 0.5, 51)])
    )


def test_mpii_tables_are_of_the_last_block():
    truth, found = np.zeros((1, 16, 2)), np.zeros((1, 2, 16, 2))
    found[:, 0] = 99.0
    found[:, 1, PA16J.index('left_knee'), 0] = 3.0  # 0.3 heads
    scores = mpii_scores(found, truth, np.array([10.0]), PA16J.joint_names)
    assert scores.blocks == [0.0, 1.0]
    assert (scores.pckh_50['knee'], scores.pckh_20['knee']) == (1.0, 0.5)
    assert (scores.auc_20['knee'], scores.auc_20['hip']) == (0.5, 1.0)


def test_recall_is_a_share_of_the_films_of_the_action():
    views = [ClipView(recording, (0,), False, 0) for recording in range(3)]
    rows = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]
    outputs = {view: {'m': np.array(row)} for view, row in zip(views, rows, strict=True)}
    library = SimpleNamespace(actions=('walk', 'run'))
    scores = action_scores._scores(outputs, views, range(3), np.array([0, 0, 1]), library)
    assert scores.recall == {'walk': 0.5, 'run': 1.0}
    assert scores.confusion == [[1, 1], [0, 1]]


def test_indices_are_spread():
    assert spread_indices(10, 4) == [0, 2, 5, 7]
    assert spread_indices(3, None) == spread_indices(3, 9) == [0, 1, 2]


@pytest.fixture(scope='module')
def penn_net():
    torch.manual_seed(3)
    net = MultitaskNet(ModelConfig.preset('penn_action', **SMALL)).eval()
    for parameter in net.parameters():  # spread what it says
        parameter.data.mul_(1.4)
    return net


def test_clips_to_look_at(penn_released):
    library = PennAction(penn_released, 'test', PA16J)  # 24 frames, stride 2
    single = clip_views(library, 8, multi=False)
    assert single == [ClipView(i, tuple(range(4, 20, 2)), False, 0) for i in range(2)]
    multi = clip_views(library, 8, multi=True)
    assert [(v.recording, v.frames[0], v.flip, v.number) for v in multi[:5]] == [
        (0, 0, False, 0),
        (0, 0, True, 0),
        (0, 5, False, 1),
        (0, 5, True, 1),
        (1, 0, False, 0),
    ]
    assert len(clip_views(library, 8, multi=True, limit=1)) == 4


def test_probabilities_of_clips_are_multiplied(penn_released, penn_net):
    library = PennAction(penn_released, 'test', PA16J)
    views = clip_views(library, 4, multi=True)
    scores = evaluate_clips(penn_net, library, views)
    from pose_action_ros.data.recorded import RecordedClips

    clips, product = RecordedClips(library, 4), np.ones((2, 9, 15))
    for view in views:
        crop = clips.clip(view.recording, view.frames)['crop']
        crop = crop.flip(-1) if view.flip else crop
        with torch.inference_mode():
            out = penn_net.forward_clip(crop[None].float() / 127.5 - 1.0)
        parts = [*out.pose_actions, *out.appearance_actions, out.actions]
        product[view.recording] *= torch.cat(parts).double().numpy()
    labels = [library.action(i) for i in range(2)]
    right = (product.argmax(-1) == np.array(labels)[:, None]).mean(0)
    names = ['p1', 'p2', 'p3', 'p4', 'v1', 'v2', 'v3', 'v4', 'm']
    assert scores.accuracy == pytest.approx(dict(zip(names, right, strict=True)))
    confusion = np.zeros((15, 15), int)
    for label, best in zip(labels, product[:, -1].argmax(-1), strict=True):
        confusion[label, best] += 1
    assert scores.confusion == confusion.tolist()
    assert (scores.sequences, scores.clips) == (2, len(views))


def test_sequences_without_a_clip_count_as_the_first_class(penn_released, penn_net):
    library = PennAction(penn_released, 'test', PA16J)
    views = [v for v in clip_views(library, 4, multi=True) if v.recording == 1]
    scores = evaluate_clips(penn_net, library, views)
    assert np.array(scores.confusion)[library.action(0), 0] == 1
    with pytest.raises(ConfigError, match='too short'):
        evaluate_clips(penn_net, library, [])


def test_actions_must_be_the_data_sets(ntu_official, penn_net):
    library = Ntu(ntu_official, 'test', PA20J)
    with pytest.raises(ConfigError, match='knows 15 actions, ntu has 60 others'):
        evaluate_clips(penn_net, library, [])


def test_a_window_found_on_the_whole_image(penn_released, miniatures):
    library = PennAction(penn_released, 'test', PA16J)
    views = clip_views(library, 8, multi=True, limit=1)
    frames = dict(enumerate(library.images(0, range(24))))
    boxes = seen_boxes(DotSeer(miniatures, PA16J), views, frames)
    assert set(boxes) == set(views)
    joints = miniatures.pixels(np.stack([miniatures.person(f, 4) for f in (0, 8, 14)]))
    names = [miniatures.PA21J.index(n) for n in PA16J.joint_names]
    low, high = joints[:, names].min(axis=1), joints[:, names].max(axis=1)
    sides = 1.5 * (high - low).max(axis=1)
    assert boxes[views[0]].size == pytest.approx(sides.max(), rel=0.08)
    assert boxes[views[0]] == boxes[views[1]]


def test_nobody_seen_is_the_whole_image(penn_released, miniatures):
    seer = DotSeer(miniatures, PA16J)
    seer.colours = [np.array([255, 0, 255])] * 16
    library = PennAction(penn_released, 'test', PA16J)
    views = clip_views(library, 4, multi=False, limit=1)
    frames = dict(enumerate(library.images(0, range(24))))
    box = seen_boxes(seer, views, frames)[views[0]]
    assert (box.center_x, box.center_y, box.size) == (160, 120, 320)


@pytest.mark.parametrize('shown', range(8))
def test_windows_are_found_in_the_first_middle_and_last_frame(penn_released, miniatures, shown):
    library = PennAction(penn_released, 'test', PA16J)
    (view,) = clip_views(library, 8, multi=False, limit=1)
    image = library.images(0, [0])[0]
    frames = {number: np.zeros_like(image) for number in view.frames}
    frames[view.frames[shown]] = image
    box = seen_boxes(DotSeer(miniatures, PA16J), [view], frames)[view]
    found = (box.center_x, box.center_y, box.size) != (160, 120, 320)
    assert found == (shown in (0, 4, 7))


@pytest.mark.parametrize(('visibility', 'counts'), [(0.24, False), (0.26, True)])
def test_joints_count_for_a_window_from_a_visibility_of_a_quarter(
    penn_released, miniatures, visibility, counts
):
    seer = DotSeer(miniatures, PA16J)
    forward = seer.forward_pose
    library = PennAction(penn_released, 'test', PA16J)
    (view,) = clip_views(library, 8, multi=False, limit=1)
    frames = dict(zip(view.frames, library.images(0, view.frames), strict=True))
    certain = seen_boxes(seer, [view], frames)[view]
    left_out = PA16J.joint_names.index('head')  # the topmost: without it the window is smaller

    def as_unsure(crops):
        (output,) = forward(crops)
        output.visibility[:, left_out] = visibility
        return [output]

    seer.forward_pose = as_unsure
    assert (seen_boxes(seer, [view], frames)[view] == certain) == counts


class CountingLibrary:
    """Passes everything on to a library, and notes which films are decoded."""

    def __init__(self, library):
        self._library = library
        self.decoded = []

    def __getattr__(self, name):
        return getattr(self._library, name)

    def __len__(self):
        return len(self._library)

    def images(self, index, frames):
        self.decoded.append(index)
        return self._library.images(index, frames)


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('boxes', [None, seen_boxes])
def test_each_film_is_decoded_once_for_all_protocols(penn_released, penn_net, workers, boxes):
    library = CountingLibrary(PennAction(penn_released, 'test', PA16J))
    views = {name: clip_views(library, 4, multi=name == 'multi') for name in ('single', 'multi')}
    scores = evaluate_clips(penn_net, library, views, boxes=boxes, workers=workers)
    assert sorted(library.decoded) == [0, 1]
    for name, each in views.items():
        assert scores[name] == evaluate_clips(penn_net, library, each, boxes=boxes)
        assert scores[name].clips == len(each)


def test_clips_come_film_by_film_in_their_windows(penn_released):
    from pose_action_ros.core.predictions import PersonBox
    from pose_action_ros.data.recorded import RecordedClips

    library = PennAction(penn_released, 'test', PA16J)
    views = clip_views(library, 4, multi=True)
    whole = dict.fromkeys(views[1:2], PersonBox(160.0, 120.0, 320.0))
    films = list(read_clips(library, views, whole, workers=1))
    assert [view for film, _ in films for view in film] == views
    film, clips = films[1]
    for view, crop, matrix in zip(film, clips['crop'], clips['image_to_crop'], strict=True):
        expected = RecordedClips(library, 4).clip(view.recording, view.frames)
        assert torch.equal(crop.flip(-1) if view.flip else crop, expected['crop'])
        assert torch.equal(matrix, expected['image_to_crop'])
    matrix = films[0][1]['image_to_crop'][1, 0]
    torch.testing.assert_close(matrix[0, :2], torch.tensor([1 / 320, 0.0]).double())


def test_windows_of_a_file(penn_released, miniatures, tmp_path):
    library = PennAction(penn_released, 'test', PA16J)
    views = clip_views(library, 8, multi=True)
    path = tmp_path / 'boxes.json'
    keys = [f'{v.recording:04d}.2.{v.number:03d}.{int(v.flip)}' for v in views]
    miniatures.write_penn_boxes(path, keys, (10, 20, 50, 40))
    boxes = given_boxes(path, library, views)
    assert (boxes[views[3]].center_x, boxes[views[3]].size) == (30, 40)
    miniatures.write_penn_boxes(path, keys[1:], (10, 20, 50, 40))
    with pytest.raises(DatasetError, match=r'no box x1, y1, x2, y2 under 0000\.2\.000\.0'):
        given_boxes(path, library, views)
    path.write_text('{')
    with pytest.raises(DatasetError, match=r'boxes\.json cannot be read as JSON'):
        given_boxes(path, library, views)


def test_other_windows_change_the_scores(penn_released, penn_net):
    from pose_action_ros.core.predictions import PersonBox

    library = PennAction(penn_released, 'test', PA16J)
    views = clip_views(library, 4, multi=False)
    seen = []
    forward = penn_net.forward_actions

    def spy(*arguments):
        seen.append(arguments[0].sum().item())
        return forward(*arguments)

    penn_net.forward_actions = spy
    try:
        evaluate_clips(penn_net, library, views)
        boxes = dict.fromkeys(views, PersonBox(10.0, 10.0, 60.0))
        evaluate_clips(penn_net, library, views, boxes=boxes)
    finally:
        del penn_net.forward_actions
    assert seen[:2] != seen[2:]


def test_table_1_has_the_papers_rows_and_averages():
    truth = np.random.default_rng(0).normal(size=(15, 17, 3)) * 100
    found = truth[:, None].copy()
    found[:, 0, 3] += (0.0, 0.0, 17.0)
    scores = h36m_scores(found, truth, np.arange(15))
    left, right = h36m_tables([scores])
    assert left.header == (
        *('Methods', 'Direction', 'Discuss', 'Eat', 'Greet', 'Phone', 'Posing', 'Purchase'),
        'Sitting',
    )
    assert right.header[1:] == (
        *('Sit Down', 'Smoke', 'Photo', 'Wait', 'Walk', 'Walk Dog', 'Walk Pair', 'Average'),
    )
    assert left.rows[0] == ('ours - SC', *['1.0'] * 8)
    assert right.rows[-1][-1] == '53.2'
    assert left.rows[-2][:2] == ('paper: Human3.6 + MPII - SC', '51.5')
    for row in h36m_tables([])[1].rows:  # the paper's average is that of its 15 columns
        values = [float(v) for v in [*_left_of(row[0]), *row[1:-1]]]
        assert np.mean(values) == pytest.approx(float(row[-1]), abs=2.1)
    assert len(H36M_ACTIONS) == 15


def _left_of(name):
    return next(row[1:] for row in h36m_tables([])[0].rows if row[0] == name)


def test_tables_as_markdown(penn_released, penn_net):
    library = PennAction(penn_released, 'test', PA16J)
    scores = evaluate_clips(penn_net, library, clip_views(library, 4, multi=False))
    text = action_table({'single-clip': scores}, 'penn_action').to_markdown()
    assert '| Methods | p1 | p2 | p3 | p4 | v1 | v2 | v3 | v4 | m |' in text
    assert '| paper: with annotated poses | - | - | - | - | - | - | - | - | 98.6 |' in text
    perfect = mpii_scores(
        np.zeros((1, 1, 16, 2)), np.zeros((1, 16, 2)), np.ones(1), PA16J.joint_names
    )
    rows = mpii_table([perfect]).rows
    assert rows[0] == ('ours, single-crop, PCKh@0.5', *['100.0'] * 9)
