"""Crops taken first and developed later: the same pixels, whoever develops how many of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.data.simulated import Framing, SimulatedClips, SimulatedPoses
from pose_action_ros.data.simulated_crops import CropShots, _crop_camera, crop_window
from pose_action_ros.geometry.crop import crop_transform, extract_crop
from pose_action_ros.simulation.backdrop import _below
from pose_action_ros.simulation.scene import Scene

FROZEN = Path(__file__).parent / 'simulated_samples.npz'
"""Every eighth pixel and all joints of samples as version 0.1 drew them."""

VARIED = Framing(whole_image=0.3, empty=0.2, angle_deg=15.0)


def thumbnail(crop):
    return crop[..., 4::8, 4::8].numpy()


@pytest.mark.parametrize('split', ['val', 'test'])
def test_published_samples_stay_what_they_were(split):
    frozen = np.load(FROZEN)
    poses = SimulatedPoses(split, 6), SimulatedPoses(split, 1, empty=True)
    samples = [source[i] for source in poses for i in range(len(source))]
    clip = SimulatedClips(split, 5)[4]
    found = {
        'poses': np.stack([thumbnail(sample['crop']) for sample in samples]),
        'clip': thumbnail(clip['crop'][::8]),
    }
    for name, pixels in found.items():
        difference = np.abs(pixels.astype(int) - frozen[f'{split}_{name}'])
        # One level for the rounding of other processors; a ray that just misses there is rare.
        assert (difference > 1).mean() < 1e-3
    joints = np.stack([sample['joints_crop'].numpy() for sample in samples])
    np.testing.assert_allclose(joints, frozen[f'{split}_joints'], atol=1e-6)


@pytest.mark.parametrize('backdrop_in_crop', [False, True])
def test_a_batch_of_poses_is_its_crops_one_by_one(backdrop_in_crop):
    options = {'framing': VARIED, 'backdrop_in_crop': backdrop_in_crop}
    whole = SimulatedPoses('train', 12, **options)
    parts = SimulatedPoses('train', 12, developed=False, **options)
    samples = [parts[i] for i in range(12)]
    assert all('crop' not in sample for sample in samples)
    assert len({sample['shots'].shots.solids.length.shape for sample in samples}) > 1
    crops = CropShots.join([sample['shots'] for sample in samples]).develop()
    assert crops.shape == (12, 3, 256, 256)
    for i, sample in enumerate(samples):
        complete = whole[i]
        assert torch.equal(crops[i], complete.pop('crop'))
        for name, value in complete.items():
            torch.testing.assert_close(sample[name], value, rtol=0, atol=0, equal_nan=True)


def test_a_batch_of_clips_is_its_frames_one_by_one():
    whole = SimulatedClips('train', 4, frames=3)
    parts = SimulatedClips('train', 4, frames=3, developed=False)
    crops = CropShots.join([parts[i]['shots'] for i in range(4)]).develop()
    assert crops.dtype == torch.uint8
    for i, clip in enumerate(crops.unflatten(0, (4, 3))):
        assert torch.equal(clip, whole[i]['crop'])
        assert parts[i]['action'] == whole[i]['action']


def test_backdrops_in_the_crop_change_nothing_but_the_backdrop():
    framing = Framing(empty=0.0)
    far = SimulatedPoses('train', 6, framing=framing, developed=False)
    near = SimulatedPoses('train', 6, framing=framing, developed=False, backdrop_in_crop=True)
    for i in range(6):
        a, b = far[i], near[i]
        shots = a.pop('shots'), b.pop('shots')
        for name, value in a.items():
            torch.testing.assert_close(b[name], value, rtol=0, atol=0, equal_nan=True)
        assert torch.equal(shots[0].shots.windows, shots[1].shots.windows)
        assert torch.equal(shots[0].shots.solids.start_m, shots[1].shots.solids.start_m)
        assert not torch.equal(shots[0].shots.backdrops, shots[1].shots.backdrops)
        assert shots[1].shots.backdrops.float().std() > 1


@pytest.mark.parametrize('angle_deg', [0.0, 12.0])
def test_the_camera_of_a_crop_sees_what_the_crop_shows(angle_deg):
    camera = Scene(np.random.default_rng(3), 640, 480).camera
    transform = crop_transform(PersonBox(350.0, 220.0, 330.0), angle_deg=angle_deg)
    points = np.random.default_rng(0).uniform((-1, -1, 2), (1, 1, 5), (20, 3))
    lens, roll = _crop_camera(crop_window(camera, transform))
    expected = 256 * transform.to_crop(camera.project(points) + 0.5) - 0.5
    np.testing.assert_allclose(lens.project(points @ roll.T), expected, atol=1e-6)


@pytest.mark.parametrize('angle_deg', [0.0, 12.0])
def test_the_ground_drawn_into_a_crop_lies_where_it_lies_in_the_image(angle_deg):
    scene = Scene(np.random.default_rng(3), 640, 480)
    transform = crop_transform(PersonBox(330.0, 250.0, 380.0), angle_deg=angle_deg)
    lens, roll = _crop_camera(crop_window(scene.camera, transform))
    cut = extract_crop(255 * _below(scene.camera, scene.to_camera, 5.0), transform) > 127
    drawn = _below(lens, roll @ scene.to_camera, 5.0) > 0
    assert 0.1 < drawn.mean() < 0.9
    assert (cut != drawn).mean() < 0.01


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_the_gpu_develops_the_same():
    parts = SimulatedPoses('train', 70, framing=VARIED, developed=False)
    shots = CropShots.join([parts[i]['shots'] for i in range(70)])
    here = shots.develop()
    there = shots.pin_memory().to('cuda').develop()
    assert there.device.type == 'cuda'
    difference = (there.cpu().int() - here.int()).abs().amax(1)  # (70, 256, 256)
    # Colours within rounding; a silhouette may win or lose a pixel, which blurs into its eight.
    assert (difference > 1).float().mean() < 1e-3
    assert torch.equal(there, shots.to('cuda').develop())
