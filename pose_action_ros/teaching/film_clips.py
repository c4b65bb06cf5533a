"""Clips cut from the features of films, drawn for training or taken all along a film.

`inference.ClipBuffer` selects the frames here and in the node, so a taught network gets the same
kind of clips in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry import crop_transform
from pose_action_ros.inference.clip_buffer import ClipBuffer, ClipFrame
from pose_action_ros.inference.settings import ClipSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pose_action_ros.inference.clip_buffer import Clip
    from pose_action_ros.models import ModelConfig
    from pose_action_ros.teaching.film_features import FilmFeatures
    from pose_action_ros.teaching.settings import TeachSettings

__all__ = ['DrawnClip', 'FilmViews', 'TaughtFilms', 'clip_at', 'clip_ends', 'clip_tensors']

_MAX_GAP_S = ClipSettings().max_gap


@dataclass(frozen=True, eq=False)
class FilmViews:
    """One film.

    Attributes:
        views: The features of the film, and perhaps of its mirror image; a person is in each.
        action: Index of its class.
    """

    views: tuple[FilmFeatures, ...]
    action: int


def clip_ends(film: FilmFeatures, config: ModelConfig) -> list[int]:
    """Return the frames at which a complete clip ends; without one, the last frame.

    Args:
        film: The features; empty if nobody was found.
        config: Length and period of a clip.
    """
    if not len(film):
        return []
    starts = {track: film.times_s[film.tracks == track][0] for track in set(film.tracks.tolist())}
    reach = (config.clip_frames - 1.5) * config.clip_period_s - 1e-6
    lived = [
        t - starts[track] for t, track in zip(film.times_s, film.tracks.tolist(), strict=True)
    ]
    return [i for i, since in enumerate(lived) if since >= reach] or [len(film) - 1]


def clip_at(film: FilmFeatures, end: int, config: ModelConfig, speed: float = 1.0) -> Clip:
    """Return the clip that the node would have at a frame.

    Args:
        film: The features.
        end: The newest frame.
        config: Length and period of a clip.
        speed: Above 1, the film runs faster.
    """
    period_s = config.clip_period_s * speed
    buffer = ClipBuffer(config.clip_frames, period_s, _MAX_GAP_S)
    reach_s = config.clip_frames * period_s + _MAX_GAP_S
    first = int(np.searchsorted(film.times_s, film.times_s[end] - reach_s))
    for i in range(first, end + 1):
        if film.tracks[i] == film.tracks[end]:
            buffer.add(
                ClipFrame(
                    round(film.times_s[i] * 1e9),
                    film.joints_image[i],
                    film.probability[i],
                    film.joint_features[i],  # type: ignore[arg-type]
                )
            )
    return buffer.clip(crop_transform(PersonBox(*(float(v) for v in film.windows[end]))))


def clip_tensors(clip: Clip) -> dict[str, Tensor]:
    """Return the inputs of the action heads: clip_joints, probability, joint_features."""
    return {
        'clip_joints': torch.from_numpy(clip.joints.astype(np.float32)),
        'probability': torch.from_numpy(clip.probability.astype(np.float32)),
        'joint_features': torch.from_numpy(clip.joint_features.astype(np.float32)),
    }


class TaughtFilms:
    """A `SampleSource` of films in which all classes are equally frequent.

    Args:
        films: The training films.
        per_class: Films of each class; those of a class with fewer repeat.
    """

    def __init__(self, films: Sequence[FilmViews], per_class: int = 0) -> None:
        classes = sorted({film.action for film in films})
        mine = [[film for film in films if film.action == action] for action in classes]
        count = per_class or max(len(of_class) for of_class in mine)
        self._films = [of_class[i % len(of_class)] for i in range(count) for of_class in mine]

    def __len__(self) -> int:
        return len(self._films)

    def __getitem__(self, index: int) -> FilmViews:
        """Return film `index`."""
        return self._films[index]


@dataclass(frozen=True)
class DrawnClip:
    """Draws a random clip of a film.

    Attributes:
        config: Length and period of a clip.
        settings: Ranges of the variation; None returns the middle clip unchanged.
    """

    config: ModelConfig
    settings: TeachSettings | None = None

    def __call__(self, film: FilmViews, rng: np.random.Generator) -> dict[str, Any]:
        """Return the tensors of a clip, and its action."""
        settings = self.settings
        view = film.views[0]
        if settings is None:
            ends = clip_ends(view, self.config)
            clip = clip_tensors(clip_at(view, ends[len(ends) // 2], self.config))
        else:
            view = film.views[int(rng.integers(len(film.views)))]
            ends = clip_ends(view, self.config)
            speed = 1.0 + settings.speed * rng.uniform(-1, 1)
            end = ends[int(rng.integers(len(ends)))]
            clip = _varied(clip_tensors(clip_at(view, end, self.config, speed)), settings, rng)
        return {**clip, 'action': torch.tensor(film.action)}


def _varied(
    clip: dict[str, Tensor], settings: TeachSettings, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Shift and scale the window, and hide some joints."""
    joints = clip['clip_joints'].clone()
    scale = 1.0 + settings.scale * rng.uniform(-1, 1)
    shift = torch.from_numpy(settings.shift * rng.uniform(-1, 1, 2)).float()
    joints[..., :2] = (joints[..., :2] - 0.5) * scale + 0.5 + shift
    shown = torch.from_numpy(rng.random(joints.shape[1]) >= settings.hidden).float()
    return {
        'clip_joints': joints,
        'probability': clip['probability'] * shown,
        'joint_features': clip['joint_features'] * shown[:, None],
    }
