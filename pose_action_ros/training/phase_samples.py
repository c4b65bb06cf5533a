"""The samples of a run, opened once and shared by its phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.mixing import ENDLESS
from pose_action_ros.data.sound_samples import sound_parts
from pose_action_ros.training.appearance import Appearance
from pose_action_ros.training.augmentation import Augmentation
from pose_action_ros.training.order import OrderedSamples
from pose_action_ros.training.sources import clip_source, pose_source

if TYPE_CHECKING:
    from pathlib import Path

    from pose_action_ros.data.sound_samples import SoundSamples
    from pose_action_ros.models import ModelConfig
    from pose_action_ros.training.config import DataSettings, TrainConfig

__all__ = ['POSE_PHASES', 'PhaseSamples', 'SampleSets']

POSE_PHASES = ('half_size', 'pose')
"""The phases that train on single images; the others train on clips."""


class SampleSets(NamedTuple):
    """The training and the validation samples of a phase."""

    train: OrderedSamples
    val: OrderedSamples


class PhaseSamples:
    """Samples by phase. Nothing is written before the first sample is read.

    Args:
        config: The run's settings.
        model: The network.
        folder: Folder of the kept samples (`data.pool`).
    """

    def __init__(self, config: TrainConfig, model: ModelConfig, folder: Path) -> None:
        self._config = config
        self._model = model
        self._folder = folder
        self._sets: dict[tuple[bool, bool], SampleSets] = {}

    def of(self, phase: str) -> SampleSets:
        """Return the samples of a phase.

        Raises:
            ConfigError: The settings name no such data set, or contradict each other.
            DatasetError: A file is missing or damaged.
        """
        poses = phase in POSE_PHASES
        cached = phase == 'action' and self._config.action.cache_features
        key = (poses, cached)
        if key not in self._sets:
            train, val = (self._open(poses, split, kept=not cached) for split in ('train', 'val'))
            if cached and len(train) >= ENDLESS:
                raise ConfigError(
                    'action.cache_features keeps a number of clips; set data.clips above 0'
                )
            self._sets[key] = SampleSets(train, val)
        return self._sets[key]

    def recorded(self, phase: str) -> list[SoundSamples]:
        """Return the recorded data sets of a phase."""
        return [sound for samples in self.of(phase) for sound in sound_parts(samples.source)]

    def validation(self, phase: str) -> str:
        """Return the recorded data that choose the best epoch of a phase; '' if there are none."""
        names = dict.fromkeys(sound.name for sound in sound_parts(self.of(phase).val.source))
        return ', '.join(
            f'{name}, the test set' if name.endswith(' test') else f'{name}, held out of training'
            for name in names
        )

    def _open(self, poses: bool, split: str, *, kept: bool) -> OrderedSamples:
        config, source = self._config, pose_source if poses else clip_source
        folder = self._folder if kept else None
        samples: Any = source(config.data, self._model, split, folder, seed=config.seed)
        if split == 'val':
            return OrderedSamples(samples, config.seed, shuffle=False)
        change = Augmentation(
            get_skeleton(self._model.layout),
            flip=config.data.flip,
            colour_power=config.data.colour_power,
            zoom=config.data.zoom if config.data.pool else 0.0,
            turn_deg=config.data.turn_deg if config.data.pool else 0.0,
            appearance=_appearance(config.data),
        )
        return OrderedSamples(samples, config.seed, augmentation=change)


def _appearance(data: DataSettings) -> Appearance:
    appearance = Appearance(data.light, data.saturation, data.blur, data.covered)
    if appearance.changes and data.render_on_device:
        raise ConfigError(
            'data.light, saturation, blur and covered change finished crops; set them to 0, or '
            'data.render_on_device to false'
        )
    return appearance
