import cv2
import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.simulated import Framing, SimulatedClips, SimulatedPoses
from pose_action_ros.data.simulated_crops import crop_window
from pose_action_ros.geometry.camera import Camera
from pose_action_ros.geometry.crop import CropTransform, box_around, crop_transform, extract_crop
from pose_action_ros.simulation.optics import whole_window
from pose_action_ros.simulation.scene import Scene


def assert_consistent(sample):
    """Crop coordinates, metres and intrinsics tell the same story; one frame."""
    metres, joints = sample['joints_camera_m'].double(), sample['joints_crop'].double()
    fx, fy, cx, cy = sample['intrinsics'].tolist()
    pixels = Camera(fx, fy, cx, cy, 640, 480).project(metres.numpy())
    crop = CropTransform(sample['image_to_crop'].numpy()).to_crop(pixels)
    inside = ((crop > 0) & (crop < 1)).all(-1)
    np.testing.assert_array_equal(sample['visibility'].numpy() == 1, inside)
    np.testing.assert_array_equal(np.isfinite(joints.numpy()).all(-1), inside)
    np.testing.assert_allclose(joints[inside, :2], crop[inside], atol=2e-4)
    depth = (metres[:, 2] - metres[0, 2]) / 2 + 0.5
    np.testing.assert_allclose(joints[inside, 2], depth[inside], atol=1e-4)


def test_pose_samples_keep_the_contract():
    data = SimulatedPoses('train', framing=Framing(empty=0.0))
    for i in range(15):
        sample = data[i]
        assert sample['crop'].shape == (3, 256, 256)
        assert sample['crop'].dtype == torch.uint8
        assert sample['image_to_crop'].dtype == torch.float64
        assert sample['joints_crop'].dtype == torch.float32
        assert_consistent(sample)


def test_a_sample_depends_on_split_and_index_alone():
    a, b = SimulatedPoses('val', 8), SimulatedPoses('val', 100)
    b[3]
    for name, value in a[5].items():
        torch.testing.assert_close(b[5][name], value, rtol=0, atol=0, equal_nan=True)


def test_splits_have_nothing_in_common():
    framing = Framing(scale=(1.0, 1.0001), shift=0.0, angle_deg=0.0, whole_image=0.0)
    train = SimulatedPoses('train', 30, framing=framing)
    sets = [train, SimulatedPoses('val', 30), SimulatedPoses('test', 30)]
    focal = [float(s['intrinsics'][0]) for data in sets for s in map(data.__getitem__, range(6))]
    assert len(set(focal)) == len(focal)  # no camera twice, so no generator twice


def test_tidy_windows_hold_the_whole_person():
    data = SimulatedPoses('test', 30)
    for i in range(10):
        sample = data[i]
        assert (sample['visibility'] == 1).all()
        extent = np.ptp(sample['joints_crop'][:, :2].numpy(), axis=0).max()
        assert extent == pytest.approx(1 / 1.25, abs=1e-3)


@pytest.mark.parametrize('angle_deg', [0.0, 20.0])
def test_rendering_into_the_crop_is_cropping_the_rendered_image(angle_deg):
    scene = Scene(np.random.default_rng(8), 640, 480, opening=('wave',))
    truth = scene.truth(np.array([1.0]))
    box = box_around(truth.joints_image_px[0], enlarge=1.25)
    transform = crop_transform(box, angle_deg=angle_deg)

    def silhouette(window, height, width):
        black = np.zeros((height, width, 3), np.uint8)
        picture = scene.shots(truth, window[None], [black]).expose()[0].numpy()
        return 255 * picture.any(-1).astype(np.uint8)

    whole = silhouette(whole_window(scene.camera), 480, 640)
    cut = extract_crop(whole, transform) / 255.0
    direct = silhouette(crop_window(scene.camera, transform), 256, 256) / 255.0
    assert direct.mean() > 0.03
    assert np.minimum(cut, direct).sum() / np.maximum(cut, direct).sum() > 0.93
    rows, columns = np.indices(cut.shape)
    for index in (rows, columns):  # half a source pixel would be 0.3 crop pixels or more
        there = (cut * index).sum() / cut.sum()
        assert there == pytest.approx((direct * index).sum() / direct.sum(), abs=0.12)


def test_empty_windows_are_the_same_places_with_nobody_there():
    there, away = SimulatedPoses('val', 6), SimulatedPoses('val', 6, empty=True)
    for i in range(3):
        person, nobody = there[i], away[i]
        torch.testing.assert_close(person['image_to_crop'], nobody['image_to_crop'])
        assert nobody['joints_crop'].isnan().all()
        assert nobody['joints_camera_m'].isnan().all()
        assert (nobody['visibility'] == 0).all()
        changed = (person['crop'].int() - nobody['crop'].int()).abs().amax(0) > 40
        assert 0.02 < changed.float().mean() < 0.6  # the person and the shadow, nothing else
    shares = [SimulatedPoses('train', framing=Framing(empty=e)) for e in (1.0, 0.0)]
    assert [float(data[0]['visibility'].max()) for data in shares] == [0.0, 1.0]


def test_photographs_stand_behind_the_actor(tmp_path):
    picture = np.zeros((90, 120, 3), np.uint8)
    picture[..., 0] = 250  # blue in OpenCV's order
    cv2.imwrite(str(tmp_path / 'sky.png'), picture)
    data = SimulatedPoses('train', 20, photographs=(tmp_path / 'sky.png',))
    blue = torch.stack([data[i]['crop'].float().mean(dim=(-2, -1)) for i in range(20)])  # (20, 3)
    shows = (blue[:, 2] > blue[:, 0] + 60) & (blue[:, 2] > blue[:, 1] + 60)
    assert 10 <= int(shows.sum()) < 20  # four in five, the others are drawn


def test_clip_samples_keep_the_contract():
    data = SimulatedClips('train')
    for i in (0, 5, 6):
        sample = data[i]
        assert sample['crop'].shape == (16, 3, 256, 256)
        assert int(sample['action']) == i
        assert sample['action'].dtype == torch.int64
        assert sample['intrinsics'].shape == (4,)
        whole = ('intrinsics', 'depth_is_hint', 'action')
        assert not sample['depth_is_hint']
        frames = {name: v for name, v in sample.items() if name not in whole}
        for t in (0, 7, 15):
            one = {name: value[t] for name, value in frames.items()}
            assert_consistent({**one, 'intrinsics': sample['intrinsics']})


def test_classes_are_balanced():
    data = SimulatedClips('val', 60, frames=2)
    actions = [int(data[i]['action']) for i in range(30)]
    assert actions == [*range(15), *range(15)]


def test_windows_follow_the_person():
    sample = SimulatedClips('val', 15)[1]  # walking
    assert (sample['visibility'] == 1).float().mean() > 0.98
    sizes = sample['image_to_crop'].numpy()[:, 0, 0]
    assert (sizes > 0).all()


def test_outside_the_source_image_is_black():
    framing = Framing(whole_image=1.0)
    crop = SimulatedPoses('train', 4, framing=framing)[2]['crop']
    assert (crop[:, :30] == 0).all()
    assert (crop[:, -30:] == 0).all()
    assert crop[:, 40:-40].float().std() > 1


def test_wrong_arguments_say_so():
    with pytest.raises(DatasetError, match='dev'):
        SimulatedPoses('dev', 3)
    with pytest.raises(DatasetError, match='fixed size'):
        SimulatedClips('test')
    with pytest.raises(DatasetError, match=r'every 0\.500 s'):
        SimulatedClips('train', period_s=0.5)
    with pytest.raises(IndexError):
        SimulatedPoses('val', 3)[3]
    assert len(SimulatedPoses('train')) > 10**9
