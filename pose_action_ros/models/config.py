"""The shape of the network: one frozen dataclass and its five presets.

The four published presets are those of the released weights (`docs/adr/0002-presets.md`);
`compact` has the same shape, narrower and shallower, for two CPU cores. The config is in
the metadata of a weights file, so the file identifies its network.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pose_action_ros.core.actions import NTU60_ACTIONS, PENN_ACTIONS, SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.core.spelling import did_you_mean

__all__ = ['ACTION_BLOCKS', 'PRESETS', 'ModelConfig']

ACTION_BLOCKS = 4
"""Prediction blocks of each action branch; the same in every published model."""

_LEAST = {'context_maps': 0, 'depth_maps': 0, 'person_offset': -100.0}
_MOST = {'blocks': 64, 'clip_frames': 1024}  # largest sizes that a file may request
_MOST_CHANNELS = 8192


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a `MultitaskNet`.

    Attributes:
        name: Short name, as in messages.
        layout: Joint layout (`core.skeleton`); gives J.
        dimensions: D, 2 or 3.
        blocks: K, pose prediction blocks.
        context_maps: Context maps per joint (2D only; 0 for none).
        depth_maps: N_d, depth maps per joint (3D only).
        features: C, channels of the prediction blocks; the entry flow scales with it.
        kernel_size: Of the separable convolutions in the prediction blocks, odd.
        actions: Class names, in the order of the scores; empty for a pose-only network.
        clip_frames: T, frames of a clip.
        clip_period_s: Seconds between the frames of a clip, as trained.
        probability_gain: Factor on the logit of a joint's probability before the action heads.
        person_gain: Of the logistic function that gives the probability of a person from the most
            certain joints (`core.person_confidence`); fitted after training.
        person_offset: The same.
        pose_stem_features: Channels of the first, narrowest convolution of the pose branch; its
            neighbours have two and three times as many.
        pose_reduced_features: Channels of the pose branch's 1 x 1 reduction.
        pose_features: Channels of the pose branch's prediction blocks, even.
        appearance_features: Channels of the appearance branch's prediction blocks, even.
    """

    name: str
    layout: str
    dimensions: int
    blocks: int
    context_maps: int = 0
    depth_maps: int = 0
    features: int = 576
    kernel_size: int = 5
    actions: tuple[str, ...] = ()
    clip_frames: int = 16
    clip_period_s: float = 2 / 30
    probability_gain: float = 1.0
    person_gain: float = 1.0
    person_offset: float = 0.0
    pose_stem_features: int = 8
    pose_reduced_features: int = 32
    pose_features: int = 112
    appearance_features: int = 256

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built.

        Raises:
            ConfigError: A field is out of range or contradicts another.
        """
        get_skeleton(self.layout)
        for field in fields(self):
            if field.type in ('int', 'float'):
                _check_number(field.name, getattr(self, field.name), whole=field.type == 'int')
        if self.dimensions not in (2, 3):
            raise ConfigError(f'model dimensions must be 2 or 3; found {self.dimensions}')
        if self.depth_maps if self.dimensions == 2 else self.context_maps:
            raise ConfigError(
                'a 2D network has context maps and a 3D network depth maps; found '
                f'{self.dimensions}D with {self.context_maps} and {self.depth_maps}'
            )
        if self.dimensions == 3 and self.depth_maps < 2:
            raise ConfigError(f'a 3D network needs depth_maps >= 2; found {self.depth_maps}')
        if not all(isinstance(label, str) for label in self.actions):
            raise ConfigError(f'actions must be texts; found {self.actions}')
        if len(set(self.actions)) < len(self.actions):
            raise ConfigError(f'every action must occur once; found {", ".join(self.actions)}')
        odd = (self.features, self.pose_features, self.appearance_features)
        if any(channels % 2 for channels in odd) or self.kernel_size % 2 == 0:
            raise ConfigError(
                f'features must be even and kernel_size odd; found {odd} and {self.kernel_size}'
            )

    @classmethod
    def preset(cls, name: str, /, **changes: Any) -> ModelConfig:
        """Return a preset: `mpii`, `h36m`, `penn_action`, `ntu` or `compact`.

        Args:
            name: Name of the preset.
            **changes: Fields that differ from it.

        Raises:
            ConfigError: There is no such preset or field.
        """
        if name not in PRESETS:
            advice = did_you_mean(name, PRESETS)
            raise ConfigError(f'unknown preset {name!r}; known: {", ".join(PRESETS)}{advice}')
        unknown = set(changes) - {field.name for field in fields(cls)}
        if unknown:
            raise ConfigError(
                f'a model has no field {", ".join(sorted(unknown))}; it has '
                f'{", ".join(field.name for field in fields(cls))}'
            )
        if isinstance(changes.get('actions'), list):
            changes['actions'] = tuple(changes['actions'])
        return replace(PRESETS[name], **changes)

    @property
    def num_joints(self) -> int:
        """J."""
        return get_skeleton(self.layout).num_joints

    @property
    def heat_maps(self) -> int:
        """M, heat maps of a block: joints and their context, or joints times depth."""
        if self.dimensions == 3:
            return self.num_joints * self.depth_maps
        return self.num_joints * (1 + self.context_maps)

    @property
    def joint_channels(self) -> int:
        """Channels that a folded network gives of each joint's features, for the action heads."""
        return self.appearance_features if self.actions else self.features

    def to_json(self) -> str:
        """Return the config as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: It is no such JSON, or has unknown, missing or wrong fields.
        """
        try:
            values = json.loads(text)
            values['actions'] = tuple(values['actions'])
            return cls(**values)
        except (KeyError, TypeError, RecursionError, json.JSONDecodeError) as error:
            raise ConfigError(
                f'not the config of a network ({error}); the file comes from another program or '
                'from a newer version of this one'
            ) from error


def _check_number(name: str, value: float, *, whole: bool) -> None:
    """Refuse impossible values; a config may come from an untrusted file."""
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise ConfigError(f'model {name} must be a {"whole " * whole}number; found {value!r}')
    if not math.isfinite(value):
        raise ConfigError(f'model {name} must be finite; found {value}')
    lowest = _LEAST.get(name, 1 if whole else 1e-6)
    if value < lowest:
        raise ConfigError(f'model {name} must be >= {lowest}; found {value}')
    most = _MOST.get(name, _MOST_CHANNELS)
    if value > most:
        raise ConfigError(f'model {name} must be at most {most}; found {value}')


_MPII = ModelConfig('mpii', 'pa16j', dimensions=2, blocks=8, context_maps=2)
_H36M = ModelConfig('h36m', 'pa17j', dimensions=3, blocks=8, depth_maps=16)
_PENN = replace(
    _MPII, name='penn_action', blocks=4, actions=PENN_ACTIONS, clip_frames=16, probability_gain=4.0
)
_NTU = ModelConfig(
    'ntu',
    'pa20j',
    dimensions=3,
    blocks=4,
    depth_maps=8,
    actions=NTU60_ACTIONS,
    clip_frames=20,
    probability_gain=2.0,
    pose_stem_features=12,
    pose_reduced_features=64,
    pose_features=224,
)
_COMPACT = ModelConfig(
    'compact',
    'pa17j',
    dimensions=3,
    blocks=2,
    depth_maps=8,
    features=160,
    actions=SIMULATED_ACTIONS,
    clip_frames=16,
    clip_period_s=1 / 15,
    probability_gain=2.0,
    pose_features=96,
    appearance_features=96,
)

PRESETS = {config.name: config for config in (_MPII, _H36M, _PENN, _NTU, _COMPACT)}
"""`ModelConfig` by name; penn_action and ntu are filmed at 30 Hz and use every second frame."""
