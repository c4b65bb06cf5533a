"""The samples of the simulated actor that the settings ask for, alone or in a mix."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.data.augment import Framing
from pose_action_ros.data.simulated import SimulatedPoses
from pose_action_ros.training.augmentation import turned_and_zoomed
from pose_action_ros.training.sample_store import StoredSamples

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.training.order import SampleSource

__all__ = [
    'check_actor',
    'make_framing',
    'picture_files',
    'revisited_actor',
    'simulated_val',
]


def make_framing(values: Mapping[str, Any]) -> Framing:
    """Return the framing of a setting.

    Raises:
        ConfigError: It has unknown keys.
    """
    known = {field.name for field in dataclasses.fields(Framing)}
    if not isinstance(values, dict) or set(values) - known:
        raise ConfigError(f'found framing {values!r}; its keys are {", ".join(sorted(known))}')
    return Framing(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def picture_files(folder: str | Path) -> list[Path]:
    """Return the files of a folder of photographs, sorted; hidden ones are skipped."""
    return visible_files(Path(folder).expanduser(), '*.*')


def check_actor(model: ModelConfig) -> None:
    """Check that the simulated actor has the joints of a network.

    Raises:
        ConfigError: The layout is not pa17j.
    """
    if model.layout != 'pa17j':
        raise ConfigError(
            f'the simulated actor has the joints of pa17j, the network {model.name!r} those of '
            f'{model.layout}; choose the preset compact or h36m'
        )


def revisited_actor(
    label: str,
    options: Mapping[str, Any],
    model: ModelConfig,
    folder: Path | None,
    *,
    seed: int = 0,
) -> SampleSource:
    """Return the simulated actor as an entry of a mix: rendered once, then changed at each visit.

    Args:
        label: Name of the entry and of its file.
        options: `count`, the number of images; `framing` and `photographs`, for rendering; `zoom`
            and `turn_deg`, the changes at each visit.
        model: The network.
        folder: Folder of the kept images; None: they are rendered at each visit.
        seed: Seed of actors and places.

    Raises:
        ConfigError: The count is missing, or the network has other joints.
    """
    check_actor(model)
    count = int(options.get('count', 0))
    if count < 1:
        raise ConfigError(
            f'data.options.mix.{label} needs `count`, the number of images to render'
        )
    source: SampleSource = SimulatedPoses(
        'train',
        count,
        framing=make_framing(options.get('framing', {})),
        seed=seed,
        photographs=picture_files(options['photographs']) if 'photographs' in options else (),
    )
    if folder is not None:
        source = StoredSamples(source, folder / f'train_poses_{label}.npy')
    return _Revisited(source, options.get('zoom', 0.0), options.get('turn_deg', 0.0))


def simulated_val(options: Mapping[str, Any], model: ModelConfig, count: int) -> SampleSource:
    """Return `count` images of the simulated actor's validation set.

    Raises:
        ConfigError: The network has other joints.
    """
    check_actor(model)
    return SimulatedPoses('val', count)


class _Revisited:
    """Samples that are rotated and scaled about their centre at each visit."""

    def __init__(self, source: SampleSource, zoom: float, turn_deg: float) -> None:
        self._source = source
        self._zoom = zoom
        self._turn_deg = turn_deg

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Any:
        return self._source[index]

    def varied(self, index: int, rng: np.random.Generator) -> Any:
        scale = 1.0 + self._zoom * rng.uniform(-1, 1)
        turn_deg = self._turn_deg * rng.uniform(-1, 1)
        return turned_and_zoomed(self._source[index], scale, turn_deg)
