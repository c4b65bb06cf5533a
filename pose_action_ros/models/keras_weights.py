"""The authors' weights files (Keras 2.1.4, HDF5) into our network, by group, position and shape.

Inside a group all trained arrays come first, in the order in which Keras built the layers, then
all moving statistics in the same order; names differ from file to file and are ignored. The tables
below are that order. Source: `dluvizon/deephar`, branch cvpr18; see ADR 0003.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from pose_action_ros.core.errors import CheckpointError
from pose_action_ros.models.config import ACTION_BLOCKS, ModelConfig
from pose_action_ros.models.keras_file import read_keras_groups
from pose_action_ros.models.layers import BatchNorm, SamePaddedConv, SeparableConv
from pose_action_ros.models.multitask import MultitaskNet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Arrays = list[NDArray[np.float32]]

__all__ = ['convert_keras_weights']

_STEM = (
    *('conv1.conv', 'conv1.norm', 'conv2.conv', 'conv2.norm', 'conv3.conv', 'conv3.norm'),
    *('down4.conv', 'down4.norm', 'long5.conv', 'long5.norm', 'long6.conv', 'long6.norm'),
    *('short5.conv', 'long7.conv', 'short5.norm', 'long7.norm'),
    *('short6.conv', 'long8.conv', 'short6.norm', 'long8.norm', 'down9.conv', 'down9.norm'),
    *('residual10.shortcut.conv', 'residual10.main.conv'),
    *('residual10.shortcut.norm', 'residual10.main.norm'),
)
_RECEPTION = (
    *('reduce.conv', 'reduce.norm', 'level2_in.main.conv', 'level2_in.main.norm'),
    *('level3.0.main.conv', 'level3.0.main.norm', 'level3.1.main.conv', 'level3.1.main.norm'),
    *('level3.2.main.conv', 'level2.main.conv', 'level3.2.main.norm', 'level2.main.norm'),
    *('level2_out.shortcut.conv', 'level2_out.main.conv', 'level1.main.conv'),
    *('level2_out.shortcut.norm', 'level2_out.main.norm', 'level1.main.norm'),
)
_POSE_BRANCH_START = (
    *('over_time.conv', 'over_both.conv', 'over_joints.conv'),
    *('over_time.norm', 'over_both.norm', 'over_joints.norm'),
    *('reduce.conv', 'reduce.norm', 'direct.conv', 'reduced.conv', 'direct.norm', 'reduced.norm'),
)
_APPEARANCE_START = ('reduce.conv', 'reduce.norm')
_ACTION_BLOCK = (
    *('squeeze.conv', 'squeeze.norm', 'expand.conv', 'expand.norm', 'refine.conv', 'refine.norm'),
    'to_maps.conv',
)
_FEED_BACK = ('from_maps.conv', 'from_maps.norm')
_GRID_TOLERANCE = 1e-6


class _Slot(NamedTuple):
    """One array of a group: its Keras shape, and the entry of our state dict that it fills."""

    shape: tuple[int, ...]
    target: str


def convert_keras_weights(
    path: Path | str, config: ModelConfig
) -> tuple[MultitaskNet, dict[str, str]]:
    """Read a file of the authors' layout into a network.

    Args:
        path: HDF5 file as Keras 2's `save_weights` writes it.
        config: The network that the file holds.

    Returns:
        The network in evaluation mode, and the origin of its weights.

    Raises:
        CheckpointError: The file is damaged, or an array is missing, extra, of another shape,
            not finite, or a fixed grid other than ours; the message names group and position.
    """
    path = Path(path)
    try:
        found = read_keras_groups(path)
    except ValueError as error:
        raise CheckpointError(f'{path} cannot be read: {error}') from error
    net = MultitaskNet(config)
    try:
        state = _match(net, found)
    except ValueError as error:
        raise CheckpointError(
            f'{path} does not hold the network {config.name!r} with {config.blocks} blocks: '
            f'{error}'
        ) from error
    net.load_state_dict(state)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    origin = {'source': f'converted from the Keras file {path.name}', 'source_sha256': digest}
    return net.eval(), origin


def _match(net: MultitaskNet, found: Mapping[str, Arrays]) -> dict[str, torch.Tensor]:
    groups = _groups(net)
    fixed = _fixed_arrays(net.config)
    names = _named_like(groups, found)
    expected = {*groups, *fixed}
    missing = sorted(expected - set(names))
    extra = sorted(set(found) - {names[group] for group in expected & set(names)})
    if missing or extra:
        raise ValueError(
            f'missing groups {", ".join(missing) or "none"}; '
            f'unexpected groups {", ".join(extra) or "none"}'
        )
    for group, grids in fixed.items():
        _check_group(names[group], found[names[group]], [grid.shape for grid in grids])
        for position, grid in enumerate(grids):
            difference = np.abs(found[names[group]][position] - grid).max()
            if not difference <= _GRID_TOLERANCE:
                raise ValueError(
                    f'array {position} of group {names[group]} is a fixed grid that differs from '
                    f'ours by {difference:.3g}; the file belongs to another version of the code'
                )
    state = {}
    for group, slots in groups.items():
        arrays = found[names[group]]
        _check_group(names[group], arrays, [slot.shape for slot in slots])
        for position, (slot, array) in enumerate(zip(slots, arrays, strict=True)):
            if not np.isfinite(array).all():
                raise ValueError(f'array {position} of group {names[group]} is not finite')
            state[slot.target] = _to_torch(array, slot.target)
    return state


def _named_like(groups: Iterable[str], found: Mapping[str, Arrays]) -> dict[str, str]:
    """The file's group names by ours; only the two fusion layers have generated names there."""
    names = {name: name for name in found if not name.startswith('separable_conv2d')}
    generated = [name for name in found if name.startswith('separable_conv2d')]
    if 'fusion.pose' in groups:
        names.update(zip(('fusion.pose', 'fusion.appearance'), generated, strict=False))
    return names


def _check_group(name: str, arrays: Arrays, shapes: list[tuple[int, ...]]) -> None:
    for position, shape in enumerate(shapes):
        if position >= len(arrays):
            raise ValueError(
                f'group {name} ends after {len(arrays)} arrays; array {position} of shape {shape} '
                f'is missing'
            )
        if arrays[position].shape != shape:
            raise ValueError(
                f'array {position} of group {name} has shape {arrays[position].shape}; '
                f'expected {shape}'
            )
    if len(arrays) > len(shapes):
        raise ValueError(
            f'group {name} has {len(arrays)} arrays; array {len(shapes)} of shape '
            f'{arrays[len(shapes)].shape} and what follows are unexpected'
        )


def _groups(net: MultitaskNet) -> dict[str, list[_Slot]]:
    """The file's groups, by our network's modules."""
    layers = {'Stem': _under('pose_net.entry_flow', _STEM)}
    for index in range(net.config.blocks):
        block = f'pose_net.blocks.{index}'
        layers[f'rBlock{index + 1}'] = _under(f'{block}.reception', _RECEPTION)
        layers[f'SepConv{index + 1}'] = [f'{block}.separable.conv', f'{block}.separable.norm']
        layers[f'RegMap{index + 1}'] = [f'{block}.to_maps.conv']
        if index + 1 < net.config.blocks:
            layers[f'fReMap{index + 1}'] = [f'{block}.from_maps.conv', f'{block}.from_maps.norm']
    if net.config.actions:
        layers = _merged(layers)
    return {name: _slots(net, modules) for name, modules in layers.items()}


def _merged(layers: dict[str, list[str]]) -> dict[str, list[str]]:
    """The layout of a file with actions: everything after the first block is one group."""
    stem, first, *rest = layers.values()
    merged = {
        'td_Stem': stem,
        'td_rBlock1': first,
        'td_Model1': [module for modules in rest for module in modules],
    }
    for name, branch, start in (
        ('PoseAR', 'pose_action_branch', _POSE_BRANCH_START),
        ('GuidedVisAR', 'appearance_action_branch', _APPEARANCE_START),
    ):
        merged[name] = _under(branch, start)
        for index in range(ACTION_BLOCKS):
            rows = _ACTION_BLOCK if index + 1 == ACTION_BLOCKS else (*_ACTION_BLOCK, *_FEED_BACK)
            merged[name] += _under(f'{branch}.blocks.{index}', rows)
    merged['fusion.pose'] = ['fusion.pose']
    merged['fusion.appearance'] = ['fusion.appearance']
    return merged


def _under(prefix: str, names: Iterable[str]) -> list[str]:
    return [f'{prefix}.{name}' for name in names]


def _slots(net: MultitaskNet, modules: Iterable[str]) -> list[_Slot]:
    """Trained arrays of the modules in order, then the moving statistics in the same order."""
    trained, moving = [], []
    for name in modules:
        module = net.get_submodule(name)
        if isinstance(module, BatchNorm):
            shape = (module.num_features,)
            trained.append(_Slot(shape, f'{name}.bias'))
            moving += [_Slot(shape, f'{name}.running_mean'), _Slot(shape, f'{name}.running_var')]
        elif isinstance(module, SeparableConv):
            c_out, c_in = module.pointwise.weight.shape[:2]
            rows, columns = module.depthwise.kernel_size
            trained.append(_Slot((rows, columns, c_in, 1), f'{name}.depthwise.weight'))
            trained.append(_Slot((1, 1, c_in, c_out), f'{name}.pointwise.weight'))
        elif isinstance(module, SamePaddedConv):
            c_out, c_in, rows, columns = module.weight.shape
            trained.append(_Slot((rows, columns, c_in, c_out), f'{name}.weight'))
    return trained + moving


def _to_torch(array: NDArray[np.float32], target: str) -> torch.Tensor:
    """Kernels from rows, columns, in, out to out, in, rows, columns; depthwise to C, 1, ..."""
    if array.ndim == 4:
        array = array.transpose((2, 3, 0, 1) if 'depthwise' in target else (3, 2, 0, 1))
    return torch.from_numpy(np.array(array, order='C'))


def _fixed_arrays(config: ModelConfig) -> dict[str, Arrays]:
    """The grids that the authors store as kernels: soft-argmax, context sums, depth."""
    J = config.num_joints
    fixed = {'sSAM': _grids(J)}
    if config.dimensions == 3:
        depth = np.zeros((config.depth_maps, J, J), np.float32)
        depth[:, range(J), range(J)] = np.linspace(0, 1, config.depth_maps)[:, None]
        return {**fixed, 'zSAM': [depth]}
    context = config.context_maps
    if context:
        fixed['cSAM'] = _grids(context * J)
        fixed['Agg'] = [np.repeat(np.eye(J, dtype=np.float32), context, axis=0)]
    return fixed


def _grids(maps: int) -> Arrays:
    steps = np.linspace(0, 1, 32, dtype=np.float32)
    columns = np.broadcast_to(steps[None, :, None, None], (32, 32, maps, 1))
    rows = np.broadcast_to(steps[:, None, None, None], (32, 32, maps, 1))
    identity = np.eye(maps, dtype=np.float32)[None, None]
    return [columns, identity, rows, identity]
