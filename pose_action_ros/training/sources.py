"""The samples that the settings ask for: data set, split, kept in a file or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.data.augment import Framing, Ranges, chosen_ranges
from pose_action_ros.data.simulated import SimulatedPoses
from pose_action_ros.training.clip_sources import mixed_clips, simulated_clips
from pose_action_ros.training.recorded_sources import recorded_clips, recorded_poses
from pose_action_ros.training.sample_store import StoredSamples
from pose_action_ros.training.simulated_sources import check_actor, make_framing, picture_files

if TYPE_CHECKING:
    from pathlib import Path

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.training.config import DataSettings
    from pose_action_ros.training.order import SampleSource

__all__ = ['clip_source', 'pose_source']


def pose_source(
    data: DataSettings,
    model: ModelConfig,
    split: str,
    folder: Path | None = None,
    *,
    seed: int = 0,
) -> SampleSource:
    """Return the single images of a split.

    Args:
        data: The settings.
        model: The network; its joints must be those of the data set.
        split: train or val.
        folder: Folder of the kept samples; None: none are kept.
        seed: Seed of the run, for the training samples and their order.

    Raises:
        ConfigError: The settings name no such data set, or contradict each other.
    """
    on_device = _rendered_on_device(data, split)
    if data.name != 'simulated' or 'mix' in data.options:
        recorded = recorded_poses(data, model, split, folder, seed=seed)
        count = len(recorded) if split == 'val' else data.poses or None
        return (
            _stored(recorded, count, folder, split, 'poses') if folder and data.pool else recorded
        )
    options = _simulated_options(data, model)
    framing = _framing(options, 'poses')
    count = data.val_poses if split == 'val' else data.poses or None
    source = SimulatedPoses(
        split, count, framing=framing, developed=not on_device,
        backdrop_in_crop=on_device, seed=seed, **options,
    )  # fmt: skip
    return _stored(source, count, folder, split, 'poses') if folder and data.pool else source


def clip_source(
    data: DataSettings,
    model: ModelConfig,
    split: str,
    folder: Path | None = None,
    *,
    seed: int = 0,
) -> SampleSource:
    """Return the clips of a split, with the network's frames and period; otherwise as above.

    Raises:
        ConfigError: As above, or the network's actions are not those of the data set.
    """
    on_device = _rendered_on_device(data, split)
    count = data.val_clips if split == 'val' else data.clips or None
    if 'clips' in data.options:
        source: SampleSource = mixed_clips(data, model, split, seed=seed)
    elif data.name != 'simulated':
        source = recorded_clips(data, model, split, seed=seed)
        count = len(source) if split == 'val' else count
    else:
        options = _simulated_options(data, model)
        framing = _framing(options, 'clips')
        ranges = framing if isinstance(framing, Ranges) else None
        source = simulated_clips(
            model, split, count, developed=not on_device, seed=seed, ranges=ranges, **options
        )
    return _stored(source, count, folder, split, 'clips') if folder and data.pool else source


def _framing(options: dict[str, Any], kind: str) -> Framing | Ranges:
    """Remove the ranges of the windows from the options, and return them."""
    framing = make_framing(options.pop('framing', {}))
    if 'augmentation' not in options:
        return framing
    return chosen_ranges(options.pop('augmentation'), 'simulated', kind) or Ranges()


def _rendered_on_device(data: DataSettings, split: str) -> bool:
    """Whether the device renders the samples; validation samples are always complete."""
    if data.render_on_device and (data.name != 'simulated' or 'mix' in data.options):
        raise ConfigError(
            f'data.render_on_device is for the simulated actor; {data.name} has pictures: set it '
            'to false'
        )
    if data.render_on_device and data.pool:
        raise ConfigError(
            'data.pool keeps finished samples, data.render_on_device finishes each anew; set one '
            'of them to false'
        )
    return data.render_on_device and split == 'train'


def _stored(
    source: SampleSource, count: int | None, folder: Path, split: str, kind: str
) -> SampleSource:
    if count is None:
        raise ConfigError(f'data.pool keeps a number of samples; set data.{kind} above 0')
    return StoredSamples(source, folder / f'{split}_{kind}.npy')


def _simulated_options(data: DataSettings, model: ModelConfig) -> dict[str, Any]:
    """The further arguments of the simulated actor, checked."""
    if data.name != 'simulated':
        raise ConfigError(f'unknown data set {data.name!r}; expected simulated')
    check_actor(model)
    options = dict(data.options)
    for name in ('mix', 'validate', 'seed', 'clips'):
        options.pop(name, None)
    unknown = set(options) - {'augmentation', 'framing', 'photographs'}
    if unknown:
        raise ConfigError(
            'data.options of simulated are augmentation, framing and photographs; found '
            f'{", ".join(sorted(unknown))}'
        )
    if {'augmentation', 'framing'} <= set(options):
        raise ConfigError('data.options has augmentation and framing; give one of them')
    if 'photographs' in options:
        options['photographs'] = picture_files(options['photographs'])
    return options
