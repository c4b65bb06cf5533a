"""Batches that the device develops are those that loader workers would have finished."""

import pytest
import torch

from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.simulated import SimulatedClips, SimulatedPoses
from pose_action_ros.data.simulated_crops import _noise
from pose_action_ros.training.augmentation import Augmentation
from pose_action_ros.training.batches import develop_batch, join_samples
from pose_action_ros.training.config import DataSettings, PosePhase
from pose_action_ros.training.data_module import PhaseData
from pose_action_ros.training.order import OrderedSamples
from pose_action_ros.training.sources import clip_source, pose_source

CHANGE = Augmentation(PA17J, colour_power=0.3)


def ordered(kind, developed, **options):
    return OrderedSamples(kind('train', 6, developed=developed, **options), 1, augmentation=CHANGE)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    ('kind', 'options'), [(SimulatedPoses, {}), (SimulatedClips, {'frames': 3})]
)
def test_developed_in_the_batch_or_before(kind, options):
    whole, parts = (ordered(kind, developed, **options) for developed in (True, False))
    batch = join_samples([parts[i] for i in range(6)])
    assert batch['look'].mirrored.any()
    assert not batch['look'].mirrored.all()
    assert_same(develop_batch(batch), join_samples([whole[i] for i in range(6)]))
    assert 'shots' in batch  # it stays as it was


def test_without_augmentation_there_is_no_look():
    parts = SimulatedPoses('train', 2, developed=False)
    batch = develop_batch(join_samples([parts[0], parts[1]]))
    assert torch.equal(batch['crop'][1], SimulatedPoses('train', 2)[1]['crop'])


def test_finished_batches_pass():
    batch = {'crop': torch.zeros(2, 3, 4, 4)}
    assert develop_batch(batch) is batch


@pytest.mark.filterwarnings('ignore:This DataLoader will create')  # more than there are cores
@pytest.mark.parametrize('workers', [0, 2])
def test_loaders_of_a_phase_carry_both(workers):
    phase = PosePhase(steps_per_epoch=2, batch_size=3)
    val = OrderedSamples(SimulatedPoses('val', 2), 1, shuffle=False)
    data = PhaseData(ordered(SimulatedPoses, False), val, phase, workers=workers)
    batches = [data.on_after_batch_transfer(batch, 0) for batch in data.train_dataloader()]
    whole = ordered(SimulatedPoses, True)
    assert_same(batches[1], join_samples([whole[i] for i in (3, 4, 5)]))
    (batch,) = data.val_dataloader()
    assert batch['crop'].shape == (2, 3, 256, 256)


def test_only_training_samples_are_left_undeveloped(tiny_net):
    settings = DataSettings(render_on_device=True)
    for source in (pose_source, clip_source):
        assert 'shots' in source(settings, tiny_net.config, 'train')[0]
        assert 'crop' in source(settings, tiny_net.config, 'val')[0]
    near = SimulatedPoses('train', developed=False, backdrop_in_crop=True)[4]['shots']
    found = pose_source(settings, tiny_net.config, 'train')[4]['shots']
    assert torch.equal(found.shots.backdrops, near.shots.backdrops)


def test_what_development_makes_it_makes_on_the_device_of_the_batch():
    parts = ordered(SimulatedPoses, False)
    batch = join_samples([parts[i] for i in range(3)])
    expected = develop_batch(batch)
    _noise.cache_clear()
    with torch.device('meta'):  # where all goes that says not where it belongs
        assert torch.zeros(1).is_meta
        assert_same(develop_batch(batch), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_the_gpu_finishes_batches_the_same():
    parts = ordered(SimulatedPoses, False)
    batch = join_samples([parts[i] for i in range(6)])
    there = {name: value.pin_memory().to('cuda') for name, value in batch.items()}
    found, here = develop_batch(there)['crop'], develop_batch(batch)['crop']
    assert found.device.type == 'cuda'
    assert ((found.cpu().int() - here.int()).abs() > 2).float().mean() < 1e-3
