"""Our network against the authors' own, output by output, with the same weights.

The references lie beside the checkout (`shared/parity`); without them these tests are skipped
and `test_frozen.py` guards the numbers.
"""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pose_action_ros.models import ModelConfig, MultitaskNet, action_net, layers, soft_argmax
from pose_action_ros.models.keras_weights import (
    _fixed_arrays,
    _groups,
    convert_keras_weights,
)
from pose_action_ros.models.soft_argmax import read_heat_maps

pytestmark = pytest.mark.parity

CASES = {
    'pose2d_k2': ModelConfig.preset('mpii', blocks=2),
    'pose3d_k2': ModelConfig.preset('h36m', blocks=2),
    'penn_merge_2d': ModelConfig.preset('penn_action'),
    'mpii_2d_k8': ModelConfig.preset('mpii'),
    'h36m_3d_k8': ModelConfig.preset('h36m'),
    'ntu_merge_3d': ModelConfig.preset('ntu'),
}
OUTPUT_BOUND, JOINTS_BOUND, FEATURES_BOUND = 1e-4, 2e-5, 1e-3


@pytest.fixture(scope='module')
def load(parity_folder):
    """Case name to network, input (images or one clip) and reference outputs."""

    @functools.cache
    def load_case(case):
        if not (parity_folder / f'{case}.h5').is_file():
            pytest.skip(f'{parity_folder} has no {case}.h5')
        net, _ = convert_keras_weights(parity_folder / f'{case}.h5', CASES[case])
        with np.load(parity_folder / f'{case}_io.npz') as file:
            reference = {name: file[name] for name in sorted(file) if name.startswith('out_')}
            pixels = torch.from_numpy(file['input_u8']).float()
        return net, 2 * (pixels / 255 - 0.5).movedim(-1, -3), reference

    return load_case


@torch.inference_mode()
def outputs(net, x):
    """All outputs in the authors' order, flat."""
    if not net.config.actions:
        return [value for pose in net.forward_pose(x) for value in pose]
    clip = net.forward_clip(x)
    return [*clip.pose_actions, *clip.appearance_actions, clip.actions]


def differences(net, x, reference):
    """Rows of output name, max abs difference, bound."""
    for (name, expected), found in zip(reference.items(), outputs(net, x), strict=True):
        bound = JOINTS_BOUND if name.endswith('_pose') else OUTPUT_BOUND
        yield name, np.abs(found.numpy() - expected.reshape(found.shape)).max(), bound


@pytest.mark.parametrize('case', CASES)
def test_every_output(load, record_parity, case):
    rows = list(differences(*load(case)))
    for name, difference, bound in rows:
        record_parity(case, name.split('_', 2)[2], difference, bound)
    assert all(difference <= bound for _, difference, bound in rows), rows


@pytest.mark.parametrize('case', ['pose2d_k2', 'pose3d_k2'])
def test_features_on_the_way(load, parity_folder, record_parity, case):
    net, x, _ = load(case)
    found = {}

    def keep(name):
        return lambda _module, _inputs, output: found.setdefault(name, output)

    hooks = [net.pose_net.entry_flow.register_forward_hook(keep('stem'))]
    for number, block in enumerate(net.pose_net.blocks, start=1):
        parts = {'rBlock': block.reception, 'SepConv': block.separable, 'RegMap': block.to_maps}
        parts |= {'fReMap': block.from_maps} if block.from_maps is not None else {}
        hooks += [
            part.register_forward_hook(keep(f'{name}{number}')) for name, part in parts.items()
        ]
    with torch.inference_mode():
        net.forward_pose(x[1:])
    for hook in hooks:
        hook.remove()
    with np.load(parity_folder / f'{case}_intermediates.npz') as file:
        assert len(file) == len(found) == 8
        for name in file:
            part, _, stride = name.partition('_stride')
            step = int(stride or 1)
            features = found[part][:, :, ::step, ::step].movedim(1, -1).numpy()
            _check_features(record_parity, case, name, features, file[name])


def test_features_on_the_way_of_a_clip(load, parity_folder, record_parity):
    case = 'penn_merge_2d'
    net, clip, _ = load(case)
    with torch.inference_mode():
        frames = net.forward_frames(clip[0])
        stem = net.pose_net.entry_flow(clip[0, [1, 5]])
        maps = net.pose_net(clip[0, [1, 5]])
        softmax = read_heat_maps(maps.heat_maps[-1], net.config).probabilities
        pose_maps = net.pose_action_branch(frames.joints[None], frames.probability[None])
        appearance_maps = net.appearance_action_branch(frames.joint_features[None])
        found = {
            'pose_y': frames.joints[None],
            'pose_p': frames.probability[None, ..., None],
            'kronecker_f': frames.joint_features[None],
            'td_Stem_t1t5_stride4': stem[None, :, :, ::4, ::4].movedim(2, -1),
            'td_rBlock1_t1t5_stride4': maps.features[None, :, :, ::4, ::4].movedim(2, -1),
            'td_Model1_t1t5': maps.heat_maps[-1][None].movedim(2, -1),
            'td_ChannelSoftmax_t1t5': softmax.unflatten(-1, (32, 32))[None].movedim(2, -1),
            'merge_sum_hm': net.fusion(pose_maps[-1], appearance_maps[-1]).movedim(1, -1),
        }
        for number in range(1, 5):
            found[f'PoseAR_hm{number}'] = pose_maps[number - 1].movedim(1, -1)
            found[f'GuidedVisAR_hm{number}'] = appearance_maps[number - 1].movedim(1, -1)
    with np.load(parity_folder / f'{case}_intermediates.npz') as file:
        assert set(file) == set(found)
        for name in file:
            _check_features(record_parity, case, name, found[name].numpy(), file[name])


def _check_features(record_parity, case, name, found, expected):
    assert found.shape == expected.shape
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    record_parity(case, f'{name} (relative)', difference, FEATURES_BOUND)
    assert difference <= FEATURES_BOUND


@pytest.mark.parametrize('case', CASES)
def test_order_and_shapes_of_the_weights(parity_folder, case):
    """The authors' own list of arrays, also for the networks whose files are too large to keep."""
    listed = {}
    for line in (parity_folder / f'{case}_weights.tsv').read_text().splitlines()[1:]:
        group, index, _, shape, slot = line.split('\t')
        arrays = listed.setdefault(group, [])
        assert int(index) == len(arrays)
        arrays.append((tuple(int(size) for size in shape.split('x')), slot))
    with torch.device('meta'):
        net = MultitaskNet(CASES[case])
    ours = {
        name: [(slot.shape, slot.target) for slot in slots] for name, slots in _groups(net).items()
    }
    fixed = _fixed_arrays(CASES[case])
    ours |= {name: [(grid.shape, 'fixed') for grid in grids] for name, grids in fixed.items()}
    generated = iter(['fusion.pose', 'fusion.appearance'])
    kinds = {'beta': 'bias', 'moving_mean': 'running_mean', 'moving_variance': 'running_var'}
    for group, arrays in listed.items():
        name = next(generated) if group.startswith('separable_conv2d') else group
        found = ours.pop(name)
        assert [shape for shape, _ in found] == [shape for shape, _ in arrays]
        for (_, target), (_, slot) in zip(found, arrays, strict=True):
            kind = kinds.get(slot.rsplit('.')[-1], 'weight')
            assert target == 'fixed' or target.endswith(kind)
    assert not ours


# What typical mistakes do, and that the comparison finds them: each breaks the network in one
# place and says which case shows it.
def _batch_norm_epsilon(net, patch):
    for module in net.modules():
        if isinstance(module, layers.BatchNorm):
            patch.setattr(module, 'eps', 1e-5)


def _symmetric_padding(net, patch):
    patch.setattr(layers, '_same_padding', lambda size, kernel, stride: (kernel // 2, kernel // 2))


def _grid_of_cell_centres(net, patch):
    right = soft_argmax.soft_argmax_2d

    def wrong(probabilities, height, width):
        return (right(probabilities, height, width) * (width - 1) + 0.5) / width

    patch.setattr(soft_argmax, 'soft_argmax_2d', wrong)


def _depth_grid_of_cell_centres(net, patch):
    right = soft_argmax.soft_argmax_1d

    def wrong(logits):
        cells = logits.shape[-1]
        return (right(logits) * (cells - 1) + 0.5) / cells

    patch.setattr(soft_argmax, 'soft_argmax_1d', wrong)


def _relu_in_place(net, patch):
    patch.setattr(layers.F, 'relu', F.relu_)


def _no_context(net, patch):
    patch.setattr(soft_argmax, 'CONTEXT_ALPHA', 1.0)


def _bilinear_upsampling(net, patch):
    right = F.interpolate
    patch.setattr(
        layers.F,
        'interpolate',
        lambda x, scale_factor, mode: right(x, None, scale_factor, 'bilinear'),
    )


def _no_probability_gain(net, patch):
    patch.setattr(net, 'config', replace(net.config, probability_gain=1.0))


def _max_without_min(net, patch):
    patch.setattr(action_net, 'max_min_pool', layers.max_pool)


MISTAKES = [
    ('pose2d_k2', _batch_norm_epsilon),
    ('pose3d_k2', _batch_norm_epsilon),
    ('pose2d_k2', _symmetric_padding),
    ('pose2d_k2', _grid_of_cell_centres),
    ('pose3d_k2', _depth_grid_of_cell_centres),
    ('pose3d_k2', _relu_in_place),
    ('pose2d_k2', _no_context),
    ('pose2d_k2', _bilinear_upsampling),
    ('penn_merge_2d', _no_probability_gain),
    ('penn_merge_2d', _max_without_min),
]


@pytest.mark.parametrize(
    ('case', 'mistake'), MISTAKES, ids=lambda value: getattr(value, '__name__', value).strip('_')
)
def test_a_mistake_is_found(load, monkeypatch, case, mistake):
    net, x, reference = load(case)
    with monkeypatch.context() as patch:
        mistake(net, patch)
        rows = differences(net, x[-1:], {name: value[-1:] for name, value in reference.items()})
        worst = max(difference / bound for _, difference, bound in rows)
    assert worst > 10.0
