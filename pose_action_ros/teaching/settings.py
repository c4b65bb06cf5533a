"""Every setting of a lesson, with its default and its help."""

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
    """The settings of a lesson."""

    weights: str = _setting(SHIPPED_WEIGHTS, 'Weights whose pose network is used unchanged.')
    finder: str = _setting(
        '', 'Weights of the finder, if the node will use one; empty: one person is tracked.'
    )
    left_right_matters: bool = _setting(
        False,
        'Do not train on mirrored films: left and right hand mean different actions.',
    )
    clip_seconds: float = _setting(
        0.0, 'Seconds that a clip covers; 0: those of the network (1 s for people).'
    )
    epochs: int = _setting(20, 'Passes of training; each draws new clips of every film.')
    visits: int = _setting(6, 'Clips that an epoch draws of each film, on average.')
    batch_size: int = _setting(32, 'Clips per step.')
    learning_rate: float = _setting(2e-3, 'Highest rate of AdamW on one cycle.')
    weight_decay: float = _setting(0.05, 'Weight decay.')
    ema_decay: float = _setting(0.99, "Decay of the weights' moving average.")
    fresh: bool = _setting(False, 'Start the action branches from random weights.')
    speed: float = _setting(0.2, 'Largest relative change of the speed of a clip.')
    shift: float = _setting(0.05, 'Largest shift of the joints, as a share of the window.')
    scale: float = _setting(0.15, 'Largest relative change of the scale of the joints.')
    hidden: float = _setting(0.1, 'Share of joints that are hidden in a training clip.')
    seed: int = _setting(1, 'Seed of the initial weights and of the drawn clips.')
    device: str = _setting('auto', 'auto, cpu, cuda or cuda:N.')
    threads: int = _setting(0, 'CPU threads; 0: all cores.')
    picture_rate: float = _setting(30.0, 'Rate of folders of pictures, Hz.')

    def __post_init__(self) -> None:
        """Check the ranges.

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
