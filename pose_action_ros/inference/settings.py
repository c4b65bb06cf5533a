"""All settings of a stream with default, description and range; they become ROS parameters.

The metadata of a field are `help` and, for numbers, `min` and `max`. Every setting may change
while a stream runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from pose_action_ros.core.errors import ConfigError

__all__ = [
    'BodySettings',
    'ClipSettings',
    'DetectionSettings',
    'FindSettings',
    'SmoothSettings',
    'StreamSettings',
    'TimeSettings',
    'TrackSettings',
]


_MIN_CLIP_FRAMES = 4


def _setting(default: Any, text: str, low: float = 0.0, high: float = 0.0) -> Any:
    metadata: dict[str, Any] = {'help': text}
    if high > low:
        metadata |= {'min': low, 'max': high}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class _Checked:
    """Base of all settings: checks every number against its range."""

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises:
            ConfigError: With the setting's name, value and range.
        """
        for item in fields(self):
            value, low = getattr(self, item.name), item.metadata.get('min')
            if low is not None and not low <= value <= item.metadata['max']:
                raise ConfigError(
                    f'{item.name} is {value}; it must lie in {low} to {item.metadata["max"]}'
                )


@dataclass(frozen=True)
class ClipSettings(_Checked):
    """The images from which the action is read; times are differences of image stamps."""

    frames: int = _setting(
        0, 'Samples in a clip; 0: the number that the network was trained with.', 0, 256
    )
    period: float = _setting(
        0.0, 'Seconds between the samples of a clip; 0: the value of the training.', 0.0, 2.0
    )
    max_gap: float = _setting(
        0.5, 'A longer pause between two images empties the clip, seconds.', 0.02, 10.0
    )

    def __post_init__(self) -> None:
        """Refuse clips that the action heads can't read.

        Raises:
            ConfigError: A value is out of range.
        """
        super().__post_init__()
        if 0 < self.frames < _MIN_CLIP_FRAMES:
            raise ConfigError(
                f'clip.frames is {self.frames}; expected 0 or {_MIN_CLIP_FRAMES} and more: '
                'the action heads halve the clip twice'
            )


@dataclass(frozen=True)
class TimeSettings(_Checked):
    """Treatment of stamps that do not fit."""

    back_after: int = _setting(
        3,
        'After this many images in a row whose stamps do not follow the newest one, the new time '
        'is accepted. Fewer such images are skipped as late or wrong.',
        1,
        100,
    )


@dataclass(frozen=True)
class TrackSettings(_Checked):
    """How a person is found and followed."""

    enlarge: float = _setting(
        1.4, "Side of the window, relative to the larger side of the last pose's box.", 1.0, 3.0
    )
    velocity: bool = _setting(True, 'Move the window ahead with the speed of the person.')
    min_confidence: float = _setting(
        0.4, 'A person counts as seen if the probability of a person is at least this.', 0.0, 1.0
    )
    min_joint_confidence: float = _setting(
        0.2,
        'A joint with a lower confidence counts as not seen and is NaN in the messages.',
        0.0,
        1.0,
    )
    lost_after_s: float = _setting(
        0.3, 'A track ends when its person was not seen for this long, seconds.', 0.0, 60.0
    )
    max_people: int = _setting(
        4,
        'Largest number of tracked people; the farthest are dropped, of detections the least '
        'certain.',
        1,
        64,
    )
    budget_ms: float = _setting(
        25.0,
        'Time for all people of one live image, milliseconds. If they need longer, the nearest '
        'person is processed in every image and the others take turns. 0: no limit.',
        0.0,
        10000.0,
    )


@dataclass(frozen=True)
class FindSettings(_Checked):
    """Search for untracked people in a whole image."""

    period_s: float = _setting(
        0.3,
        'Time between two searches while somebody is tracked, seconds; otherwise every image is '
        'searched.',
        0.0,
        60.0,
    )
    min_score: float = _setting(
        0.15,
        'Candidates with a lower score are ignored; find.min_confidence then decides about a '
        'person.',
        0.0,
        1.0,
    )
    min_confidence: float = _setting(
        0.9,
        'A track begins if the probability of a person is at least this in both of two looks at '
        'a candidate. Small people need more in the second look. track.min_confidence then '
        'decides how long the track continues.',
        0.0,
        1.0,
    )
    hidden_s: float = _setting(
        1.0,
        'A track ends when its person was hidden behind another one for this long, seconds; '
        'replaces track.lost_after_s.',
        0.0,
        60.0,
    )


@dataclass(frozen=True)
class SmoothSettings(_Checked):
    """Smoothing of the results; the action heads read the joints unsmoothed."""

    joints: bool = _setting(True, 'Smooth the joints with a one-euro filter.')
    min_cutoff: float = _setting(
        0.5,
        'Cut-off frequency of the filter for a joint at rest, Hz; lower is steadier.',
        0.01,
        100.0,
    )
    beta: float = _setting(
        64.0,
        'Rise of the cut-off with speed, Hz per window side per second; higher lags less.',
        0.0,
        1000.0,
    )
    label_margin: float = _setting(
        0.1,
        'A new label replaces the shown one only if it is more probable by this much.',
        0.0,
        1.0,
    )
    label_duration: float = _setting(
        0.15,
        'Other labels must stay more probable by this margin for this long, seconds.',
        0.0,
        10.0,
    )


@dataclass(frozen=True)
class BodySettings(_Checked):
    """Assumed size of the person, for distances without a depth image."""

    height: float = _setting(
        1.70, 'Assumed height of the person, metres; distances scale with it.', 0.3, 3.0
    )
    height_sigma: float = _setting(0.06, 'Standard deviation of that height, relative.', 0.0, 0.5)


@dataclass(frozen=True)
class DetectionSettings(_Checked):
    """Selection of people from the detections of a detector."""

    class_id: str = _setting(
        'person',
        'Class id of people in the detections; empty: every detection is a person.',
    )
    min_score: float = _setting(0.5, 'Detections with a lower score are skipped.', 0.0, 1.0)
    max_age_s: float = _setting(
        0.5,
        'Largest difference between the stamps of an image and its detections, seconds. Without '
        'detections nobody is seen.',
        0.0,
        10.0,
    )


@dataclass(frozen=True)
class StreamSettings:
    """All settings of a stream."""

    clip: ClipSettings = field(default_factory=ClipSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    track: TrackSettings = field(default_factory=TrackSettings)
    find: FindSettings = field(default_factory=FindSettings)
    smooth: SmoothSettings = field(default_factory=SmoothSettings)
    body: BodySettings = field(default_factory=BodySettings)
