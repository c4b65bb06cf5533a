"""Every choice of a lesson, with its default and its help."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.weights import SHIPPED_WEIGHTS

__all__ = ['TeachSettings']


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={'help': text})


@dataclass(frozen=True)
class TeachSettings:
    """How a network is taught."""

    weights: str = _setting(SHIPPED_WEIGHTS, 'Whose pose network is taken, as it is.')
    finder: str = _setting(
        '', 'Weights of the finder, as the node will have it; empty: one person is followed.'
    )
    left_right_matters: bool = _setting(
        False,
        'Do not learn from mirrored films: an action of the left hand is not one of the right.',
    )
    clip_seconds: float = _setting(
        0.0, 'Seconds that a clip covers; 0: as the network has it (1 s for people).'
    )
    epochs: int = _setting(6, 'Passes of training; each draws new clips of every film.')
    visits: int = _setting(1, 'Clips that an epoch draws of each film, on average.')
    batch_size: int = _setting(16, 'Clips per step.')
    learning_rate: float = _setting(2e-3, 'Highest rate of AdamW on one cycle.')
    weight_decay: float = _setting(0.05, 'Weight decay.')
    ema_decay: float = _setting(0.99, 'Average the weights with this decay.')
    fresh: bool = _setting(
        False, 'Start the action branches at random, not from those of the weights.'
    )
    speed: float = _setting(0.2, 'Clips are drawn faster or slower by up to this share.')
    shift: float = _setting(0.05, 'Joints are shifted by up to this share of the window.')
    scale: float = _setting(0.15, 'Joints are scaled by up to this share.')
    hidden: float = _setting(0.1, 'Share of joints that a drawn clip does not show.')
    seed: int = _setting(1, 'Decides the first weights and the clips that are drawn.')
    device: str = _setting('auto', 'auto, cpu, cuda or cuda:N.')
    threads: int = _setting(0, 'CPU threads; 0: all cores.')
    picture_rate: float = _setting(30.0, 'Rate of folders of pictures, Hz.')

    def __post_init__(self) -> None:
        """Refuse values that can not be meant.

        Raises:
            ConfigError: A value is out of range.
        """
        for name, low, high in (
            ('clip_seconds', 0.0, 60.0),
            ('epochs', 1, 10_000),
            ('visits', 1, 10_000),
            ('batch_size', 2, 4096),
            ('learning_rate', 1e-6, 1.0),
            ('weight_decay', 0.0, 10.0),
            ('ema_decay', 0.0, 0.9999),
            ('speed', 0.0, 0.5),
            ('shift', 0.0, 0.5),
            ('scale', 0.0, 0.5),
            ('hidden', 0.0, 0.9),
            ('picture_rate', 0.1, 1000.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f'{name} is {value}; it must lie in {low} to {high}')
