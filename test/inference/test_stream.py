"""Image in, prediction out: streaming is the network's own clip, and metres are the truth's."""

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import CheckpointError, ImageError
from pose_action_ros.core.predictions import PersonBox, ScaleSource
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.geometry import Camera, crop_transform, normalise, whole_image_box
from pose_action_ros.geometry.body import SEGMENTS
from pose_action_ros.geometry.localize import SURFACE_TO_JOINT_M
from pose_action_ros.inference import PoseActionStream, StreamSettings
from pose_action_ros.inference.settings import (
    BodySettings,
    ClipSettings,
    SmoothSettings,
    TrackSettings,
)
from pose_action_ros.models.pose_net import PoseNet
from pose_action_ros.runtime import Engine
from pose_action_ros.runtime.network import FrameArrays

T = 8
PERIOD_NS = 66_666_667
BOX = whole_image_box(256, 256)
RAW = StreamSettings(
    track=TrackSettings(min_confidence=0.0, min_joint_confidence=0.0),
    smooth=SmoothSettings(joints=False),
)


@pytest.fixture(scope='module')
def net(tiny, filled):
    return filled(tiny('compact', clip_frames=T))


@pytest.fixture(scope='module')
def engine(net):
    return Engine(net, 'cpu')


@pytest.fixture
def stream(engine):
    return PoseActionStream(engine, RAW)


@pytest.fixture(scope='module')
def film():
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (2 * T, 8, 8, 3), np.uint8)
    return patches.repeat(32, axis=1).repeat(32, axis=2)


@pytest.fixture
def count_crops(monkeypatch):
    """How many crops have passed the backbone, call by call."""
    calls, forward = [], PoseNet.forward

    def counted(self, crops):
        calls.append(len(crops))
        return forward(self, crops)

    monkeypatch.setattr(PoseNet, 'forward', counted)
    return calls


def scores_of_clip(net, images):
    with torch.inference_mode():
        return net.forward_clip(torch.from_numpy(normalise(images))[None]).actions[0].numpy()


class TestClips:
    def test_streaming_gives_the_numbers_of_the_clip(self, net, stream, film):
        for index, image in enumerate(film):
            prediction = stream.process(image, index * PERIOD_NS, boxes=[BOX])
            if index >= T - 1:
                (person,) = prediction.persons
                expected = scores_of_clip(net, film[index - T + 1 : index + 1])
                np.testing.assert_allclose(person.action.scores, expected, atol=1e-5)
                assert person.action.valid
                assert person.action.frames_used == T

    def test_of_a_faster_film_every_second_frame_counts(self, net, stream, film):
        for index, image in enumerate(film):
            prediction = stream.process(image, index * PERIOD_NS // 2, boxes=[BOX])
        expected = scores_of_clip(net, film[1::2])
        np.testing.assert_allclose(prediction.persons[0].action.scores, expected, atol=1e-5)
        assert prediction.persons[0].action.clip_start_ns == PERIOD_NS // 2

    def test_a_clip_that_is_not_full_starts_with_its_first_frame(self, net, stream, film):
        for index in range(3):
            prediction = stream.process(film[index], index * PERIOD_NS, boxes=[BOX])
        padded = film[[0] * (T - 3) + [0, 1, 2]]
        action = prediction.persons[0].action
        np.testing.assert_allclose(action.scores, scores_of_clip(net, padded), atol=1e-5)
        assert not action.valid
        assert action.frames_used == 3
        assert action.best == action.scores.argmax()
        assert stream.clip_fill == pytest.approx(3 / T)

    def test_each_frame_passes_the_backbone_once(self, stream, film, count_crops):
        for index, image in enumerate(film):
            stream.process(image, index * PERIOD_NS, boxes=[BOX])
        assert count_crops == [1] * len(film)

    def test_several_people_pass_it_together(self, stream, film, count_crops):
        boxes = [PersonBox(64, 128, 100), PersonBox(192, 128, 100)]
        for index in range(3):
            prediction = stream.process(film[index], index * PERIOD_NS, boxes=boxes)
        assert count_crops == [2] * 3
        assert [person.track_id for person in prediction.persons] == [1, 2]
        assert [person.action.frames_used for person in prediction.persons] == [3, 3]

    def test_no_images_are_kept(self, stream, film):
        for index, image in enumerate(film):
            stream.process(image, index * PERIOD_NS, boxes=[BOX])
        kept = [
            array
            for person in stream._people
            for frame in person.clip._frames
            for array in (frame.joints_image, frame.probability, frame.joint_features)
        ]
        assert len(kept) <= 3 * (T + 1)
        largest = 17 * stream._config.joint_channels
        assert max(array.size for array in kept) == largest
        assert all(array.base is None or array.base.size <= largest for array in kept)

    def test_time_going_back_starts_afresh_once_it_is_confirmed(self, stream, film):
        for index in range(T):
            stream.process(film[index], (100 + index) * PERIOD_NS, boxes=[BOX])
        doubted = stream.process(film[0], 0, boxes=[BOX])
        assert doubted.persons == ()
        assert 'behind' in doubted.skipped
        action = stream.process(film[1], PERIOD_NS, boxes=[BOX]).persons[0].action
        assert (action.valid, action.frames_used) == (False, 1)

    def test_late_and_impossible_stamps_cost_their_image_alone(self, net, stream, film):
        """As if these images were not there: the clip of the others, and their scores."""
        for index, image in enumerate(film):
            stamp_ns = (100 + index) * PERIOD_NS
            prediction = stream.process(image, stamp_ns, boxes=[BOX])
            wrong_ns = (stamp_ns - PERIOD_NS, 0, stamp_ns + 5 * 10**9, stamp_ns - 1)[index % 4]
            wrong = stream.process(film[-1], wrong_ns, boxes=[BOX])
            assert wrong.skipped
            assert wrong.persons == wrong.ended_tracks == ()
        (person,) = prediction.persons
        assert person.track_id == 1
        assert person.action.valid
        np.testing.assert_allclose(person.action.scores, scores_of_clip(net, film[T:]), atol=1e-5)

    def test_another_length_of_clip(self, stream, film):
        for index in range(T):
            stream.process(film[index], index * PERIOD_NS, boxes=[BOX])
        stream.settings = StreamSettings(clip=ClipSettings(frames=4), track=RAW.track)
        for index in range(T, T + 4):
            action = stream.process(film[index], index * PERIOD_NS, boxes=[BOX]).persons[0].action
            assert action.frames_used == index - T + 1
        assert action.valid

    def test_other_settings_keep_the_clip(self, stream, film):
        for index in range(T):
            stream.process(film[index], index * PERIOD_NS, boxes=[BOX])
        stream.settings = StreamSettings(track=RAW.track)
        action = stream.process(film[T], T * PERIOD_NS, boxes=[BOX]).persons[0].action
        assert action.valid


class TestPeople:
    def test_nobody_and_then_lost(self, engine, film):
        strict = TrackSettings(min_confidence=1.0, lost_after_s=0.13)
        stream = PoseActionStream(engine, RAW)
        assert stream.process(film[0], 0).persons[0].track_id == 1
        stream.settings = StreamSettings(track=strict)
        found = [stream.process(film[0], index * PERIOD_NS) for index in range(1, 5)]
        assert [prediction.persons for prediction in found] == [()] * 4
        assert [prediction.ended_tracks for prediction in found] == [(), (1,), (), ()]

    def test_second_look_is_closer(self, stream, film):
        assert stream.process(film[0], 0).persons[0].box == BOX
        assert stream.process(film[0], PERIOD_NS).persons[0].box.size < BOX.size

    def test_reset(self, stream, film):
        stream.process(film[0], 0)
        assert stream.reset() == [1]
        assert stream.clip_fill == 0.0
        later = [stream.process(film[0], index * PERIOD_NS) for index in range(2)]
        assert later[0].persons[0].track_id == 2
        assert [prediction.ended_tracks for prediction in later] == [(1,), ()]
        assert [prediction.followed_tracks for prediction in later] == [(2,), (2,)]

    def test_the_clip_is_told(self, stream, film):
        assert stream.process(film[0], 0).clip_frames == T
        stream.settings = StreamSettings(clip=ClipSettings(frames=4), track=RAW.track)
        assert stream.process(film[0], PERIOD_NS).clip_frames == 4

    def test_closed(self, stream, film):
        stream.close()
        with pytest.raises(RuntimeError, match='closed'):
            stream.process(film[0], 0)

    def test_joints_below_the_limit_are_missing(self, engine, film):
        stream = PoseActionStream(engine, RAW)
        confidence = stream.process(film[0], 0, boxes=[BOX]).persons[0].confidence
        limit = float(np.median(confidence)) + 1e-4
        track = TrackSettings(min_confidence=0.0, min_joint_confidence=limit)
        stream.settings = StreamSettings(track=track, smooth=RAW.smooth)
        person = stream.process(film[0], 0, boxes=[BOX]).persons[0]
        hidden = np.isnan(person.joints_image_px).any(axis=1)
        assert 0 < hidden.sum() < 17
        np.testing.assert_array_equal(person.confidence, confidence)  # the network's own
        np.testing.assert_array_equal(hidden, confidence < limit)
        np.testing.assert_array_equal(person.seen, ~hidden)

    @pytest.mark.parametrize('preset', ['mpii', 'penn_action', 'h36m'])
    def test_other_networks(self, tiny, filled, film, preset):
        net = filled(tiny(preset, clip_frames=T))
        stream = PoseActionStream(Engine(net, 'cpu'), RAW)
        person = stream.process(film[0], 0).persons[0]
        assert (person.action is not None) == bool(net.config.actions)
        assert (stream.layout, stream.model_name) == (net.config.layout, preset)
        assert person.layout == net.config.layout
        if net.config.dimensions == 2:
            assert person.joints_root_m is None
            assert person.scale_source == ScaleSource.NONE


class TestImages:
    @pytest.mark.parametrize(
        'image',
        [
            np.zeros((4, 4), np.uint8),
            np.zeros((0, 4, 3), np.uint8),
            np.zeros((4, 4, 3), np.float32),
            np.zeros((1, 4, 4, 3), np.uint8),
            np.zeros((4, 4, 4), np.uint8),
            np.zeros((4, 4, 1), np.uint8),
        ],
    )
    def test_no_image(self, stream, image):
        with pytest.raises(ImageError, match=r'expected \(H, W, 3\) uint8 RGB'):
            stream.process(image, 0)

    @pytest.mark.parametrize('shape', [(1, 1, 3), (7, 900, 3), (481, 643, 3)])
    def test_any_size(self, stream, shape):
        person = stream.process(np.zeros(shape, np.uint8), 0).persons[0]
        assert np.isfinite(person.joints_image_px).all()

    def test_rows_with_gaps_and_mirrored_images(self, stream, film):
        wide = np.zeros((256, 300, 3), np.uint8)
        wide[:, :256] = film[0]
        expected = stream.process(film[0], 0, boxes=[BOX]).persons[0].joints_image_px
        found = stream.process(wide[:, :256], PERIOD_NS, boxes=[BOX]).persons[0].joints_image_px
        np.testing.assert_array_equal(found, expected)
        stream.process(film[0][:, ::-1], 2 * PERIOD_NS, boxes=[BOX])

    def test_the_image_is_not_changed(self, stream, film):
        image = film[0].copy()
        image.setflags(write=False)
        stream.process(image, 0)


def figure(height_m):
    """(17, 3) metres about the pelvis: a person mid-stride, of the prior's lengths."""
    length = {name: share * height_m for name, share in SEGMENTS.items()}
    joints = dict.fromkeys(PA17J.joint_names, np.zeros(3))
    joints['thorax'] = joints['neck'] = np.array([0.0, -length['trunk'], 0.0])
    joints['spine'] = joints['thorax'] / 2
    joints['head'] = joints['neck'] + [0.0, -0.25, 0.0]
    for side, sign in (('right', -1.0), ('left', 1.0)):
        joints[f'{side}_shoulder'] = joints['thorax'] + [0.18 * sign, 0.0, 0.0]
        joints[f'{side}_hip'] = np.array([0.12 * sign, 0.0, 0.0])
        for start, end, angle in (
            *(('shoulder', 'elbow', 40.0 * sign), ('elbow', 'wrist', 50.0)),
            *(('hip', 'knee', 20.0 * sign), ('knee', 'ankle', -15.0)),
        ):
            way = np.array([0.2 * sign, np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
            reach = length[f'{side}_{start}-{side}_{end}'] / np.linalg.norm(way)
            joints[f'{side}_{end}'] = joints[f'{side}_{start}'] + reach * way
    return np.stack([joints[name] for name in PA17J.joint_names])


class TestMetres:
    camera = Camera.from_field_of_view(640, 480, 60.0)
    box = PersonBox(375.0, 255.0, 330.0)  # 1.5 times as large as the person
    image = np.zeros((480, 640, 3), np.uint8)

    @pytest.fixture
    def truth(self):
        return figure(1.70) + np.array([0.4, 0.1, 4.0])

    @pytest.fixture
    def stream(self, engine, truth, monkeypatch):
        """A stream whose network is right: it says what the camera has seen of the truth."""
        pixels = self.camera.project(truth)
        crop = crop_transform(self.box).to_crop(pixels)
        z = (truth[:, 2] - truth[0, 2]) / 2 + 0.5
        joints = np.column_stack([crop, z]).astype(np.float32)[None]
        ones = np.ones((1, 17), np.float32)
        features = np.zeros((1, 17, engine.config.joint_channels), np.float32)
        monkeypatch.setattr(
            engine, 'frames', lambda crops: FrameArrays(joints, ones, ones, features)
        )
        return PoseActionStream(engine, StreamSettings())

    def test_from_the_size_of_the_body(self, stream, truth):
        person = stream.process(self.image, 0, camera=self.camera, boxes=[self.box]).persons[0]
        assert person.scale_source == ScaleSource.BODY
        # 2 % too far: the fit allows for noise in the joints, and these have none.
        assert person.joints_camera_m[0, 2] == pytest.approx(4.0, abs=0.1)
        np.testing.assert_allclose(person.joints_camera_m, truth, atol=0.1)
        np.testing.assert_allclose(person.joints_root_m, truth - truth[0], atol=0.03)
        np.testing.assert_allclose(person.joints_image_px, self.camera.project(truth), atol=0.01)
        assert 0.1 < person.root_depth_sigma_m < 0.4  # 5 % of 4 m, and a little more

    def test_a_taller_person_is_further_away(self, stream, truth):
        near = stream.process(self.image, 0, camera=self.camera, boxes=[self.box]).persons[0]
        stream.reset()
        stream.settings = StreamSettings(body=BodySettings(height=2.04))
        far = stream.process(self.image, 0, camera=self.camera, boxes=[self.box]).persons[0]
        assert far.joints_camera_m[0, 2] > 1.15 * near.joints_camera_m[0, 2]

    def test_from_a_depth_image(self, stream, truth):
        depth = np.full((480, 640), 4.0 - SURFACE_TO_JOINT_M, np.float32)
        person = stream.process(
            self.image, 0, camera=self.camera, boxes=[self.box], depth_m=depth
        ).persons[0]
        assert person.scale_source == ScaleSource.DEPTH
        np.testing.assert_allclose(person.joints_camera_m, truth, atol=0.01)
        assert 0.05 < person.root_depth_sigma_m < 0.06  # the skin's
        assert person.distance_problem == ''

    def test_depth_that_does_not_reach_the_person_is_said(self, stream):
        depth = np.full((480, 640), np.nan, np.float32)
        look = {'boxes': [self.box], 'depth_m': depth}
        person = stream.process(self.image, 0, camera=self.camera, **look).persons[0]
        assert person.scale_source == ScaleSource.BODY
        assert 'so the distance comes from bone lengths' in person.distance_problem
        unknown = stream.process(self.image, PERIOD_NS, **look).persons[0]
        assert unknown.distance_problem == ''  # there is no camera to ask for one

    def test_without_a_camera_only_about_the_root(self, stream, truth):
        person = stream.process(self.image, 0, boxes=[self.box]).persons[0]
        assert person.joints_camera_m is None
        assert np.isnan(person.root_depth_sigma_m)
        np.testing.assert_allclose(person.joints_root_m, truth - truth[0], atol=0.1)

    def test_what_stands_still_stays(self, stream):
        found = [
            stream.process(self.image, i * PERIOD_NS, camera=self.camera, boxes=[self.box])
            for i in range(5)
        ]
        first, *others = (prediction.persons[0] for prediction in found)
        for other in others:
            np.testing.assert_allclose(other.joints_camera_m, first.joints_camera_m, atol=1e-5)
            np.testing.assert_allclose(other.joints_root_m, first.joints_root_m, atol=1e-5)

    def test_a_steadier_distance_moves_joints_along_their_rays(self, stream, truth):
        depth = np.full((480, 640), 4.0 - SURFACE_TO_JOINT_M, np.float32)
        look = {'camera': self.camera, 'boxes': [self.box]}
        stream.process(self.image, 0, depth_m=depth, **look)
        person = stream.process(self.image, PERIOD_NS, depth_m=depth + 0.3, **look).persons[0]
        assert 4.0 < person.joints_camera_m[0, 2] < 4.3
        pixels = self.camera.project(person.joints_camera_m)
        np.testing.assert_allclose(pixels, self.camera.project(truth), atol=0.05)
        root = person.joints_camera_m - person.joints_camera_m[0]
        np.testing.assert_allclose(person.joints_root_m, root, atol=1e-5)

    def test_the_root_is_where_its_joint_is(self, stream, truth):
        person = stream.process(self.image, 0, camera=self.camera, boxes=[self.box]).persons[0]
        np.testing.assert_allclose(person.root_m, person.joints_camera_m[0], atol=1e-5)
        sizes, axes = np.linalg.eigh(person.root_covariance_m2)
        sight = truth[0] / np.linalg.norm(truth[0])
        assert abs(axes[:, 2] @ sight) == pytest.approx(1.0, abs=1e-3)
        assert np.sqrt(sizes[2]) == pytest.approx(person.root_depth_sigma_m / sight[2], rel=1e-2)
        assert np.sqrt(sizes[:2]).max() < 0.05

    def test_without_a_camera_there_is_no_root(self, stream):
        person = stream.process(self.image, 0, boxes=[self.box]).persons[0]
        for value in (person.root_m, person.root_covariance_m2, person.velocity_m_per_s):
            assert np.isnan(value).all()

    def test_a_hidden_root_still_has_a_place(self, engine, stream, truth, monkeypatch):
        arrays = engine.frames(None)
        visibility = arrays.visibility.copy()
        visibility[0, 0] = 0.1
        hidden = arrays._replace(visibility=visibility)
        monkeypatch.setattr(engine, 'frames', lambda crops: hidden)
        person = stream.process(self.image, 0, camera=self.camera, boxes=[self.box]).persons[0]
        assert np.isnan(person.joints_camera_m[0]).all()
        assert np.isnan(person.joints_root_m[0]).all()
        assert person.confidence[0] == np.float32(0.1)
        np.testing.assert_allclose(person.root_m, truth[0], atol=0.15)


class TestVelocity:
    """A network that is right sees somebody walk past a depth camera."""

    camera = Camera.from_field_of_view(640, 480, 60.0)
    box = PersonBox(320.0, 240.0, 480.0)
    image = np.zeros((480, 640, 3), np.uint8)
    walk = np.array([0.7, 0.0, -0.9])

    @pytest.fixture
    def look(self, engine, monkeypatch):
        """Calling gives the person at a moment of the walk; nobody in a skipped image."""
        stream = PoseActionStream(engine, StreamSettings())
        ones = np.ones((1, 17), np.float32)
        features = np.zeros((1, 17, engine.config.joint_channels), np.float32)

        def look(time_s):
            truth = figure(1.70) + np.array([-0.6, 0.1, 5.0]) + time_s * self.walk
            crop = crop_transform(self.box).to_crop(self.camera.project(truth))
            joints = np.column_stack([crop, (truth[:, 2] - truth[0, 2]) / 2 + 0.5])
            arrays = FrameArrays(joints.astype(np.float32)[None], ones, ones, features)
            monkeypatch.setattr(engine, 'frames', lambda crops: arrays)
            depth = np.full((480, 640), truth[0, 2] - SURFACE_TO_JOINT_M, np.float32)
            prediction = stream.process(
                self.image,
                round((1.0 + time_s) * 1e9),
                camera=self.camera,
                boxes=[self.box],
                depth_m=depth,
            )
            return prediction.persons[0] if prediction.persons else None

        return look

    def test_of_a_walk(self, look):
        found = [look(time_s).velocity_m_per_s for time_s in np.arange(0.0, 2.0, 0.05)]
        assert np.isnan(found[0]).all()  # not known
        np.testing.assert_allclose(found[-1], self.walk, atol=0.1)

    def test_after_a_gap_it_is_not_known(self, look):
        found = [look(time_s).velocity_m_per_s for time_s in np.arange(0.0, 1.0, 0.05)]
        assert np.isfinite(found[-1]).all()
        assert look(1.6) is None  # its stamp is far ahead, and not confirmed yet
        person = look(1.65)
        assert np.isnan(person.velocity_m_per_s).all()
        assert np.isfinite(person.root_m).all()


class TestOpening:
    def test_untrained(self):
        stream = PoseActionStream.open('untrained:compact', device='cpu')
        assert stream.model_name == 'compact (untrained)'
        assert stream.layout == 'pa17j'

    def test_no_such_weights(self, tmp_path):
        with pytest.raises(CheckpointError):
            PoseActionStream.open(str(tmp_path / 'none.safetensors'))
