"""Every setting of a stream, with its default, text and range; ROS parameters are made of these.

A field's metadata: `help`, and for numbers `min` and `max`. All may change while a stream runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from pose_action_ros.core.errors import ConfigError

__all__ = [
    'BodySettings',
    'ClipSettings',
    'FindSettings',
    'PeopleSettings',
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
    """Checks every number against its own range."""

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
    """Which frames the action is read from; times are differences of image stamps."""

    frames: int = _setting(
        0, 'Samples in a clip; 0: as many as the network was trained with.', 0, 256
    )
    period: float = _setting(
        0.0, 'Seconds between the samples of a clip; 0: as the network was trained.', 0.0, 2.0
    )
    max_gap: float = _setting(
        0.5, 'A pause between two frames that is longer empties the clip, seconds.', 0.02, 10.0
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
    """When stamps that do not fit are believed."""

    back_after: int = _setting(
        3,
        'Images in a row with stamps that do not follow the newest one, after which time has '
        'jumped; fewer are skipped as late or wrong.',
        1,
        100,
    )


@dataclass(frozen=True)
class TrackSettings(_Checked):
    """How a person is found and followed."""

    enlarge: float = _setting(
        1.4, "Side of the window over the larger side of the last pose's box.", 1.0, 3.0
    )
    velocity: bool = _setting(True, 'Move the window ahead with the speed of the person.')
    min_confidence: float = _setting(
        0.4, 'Mean confidence of the joints below which a person is not seen.', 0.0, 1.0
    )
    min_joint_confidence: float = _setting(
        0.2, 'A joint below this confidence counts as not seen: NaN in the messages.', 0.0, 1.0
    )
    lost_after_s: float = _setting(
        0.3, 'A person who is not seen for this long is lost, seconds: the track ends.', 0.0, 60.0
    )
    max_people: int = _setting(
        4,
        'Most people that are followed; of more, those who are farthest away are dropped.',
        1,
        64,
    )
    budget_ms: float = _setting(
        25.0,
        'Time for the people of one live frame, milliseconds; where more would take longer, the '
        'nearest is looked at in each frame and the others take turns. 0: no limit.',
        0.0,
        10000.0,
    )


@dataclass(frozen=True)
class FindSettings(_Checked):
    """How people are found in a whole image who are not followed yet."""

    period_s: float = _setting(
        0.3,
        'Time between two searches while somebody is followed, seconds; while nobody is, each '
        'image is searched.',
        0.0,
        60.0,
    )
    min_score: float = _setting(
        0.2,
        'Places with a lower score are not looked at. Who is a person track.min_confidence '
        'decides.',
        0.0,
        1.0,
    )
    hidden_s: float = _setting(
        1.0,
        'Somebody hidden behind another person is waited for this long, seconds, in place of '
        'track.lost_after_s.',
        0.0,
        60.0,
    )


@dataclass(frozen=True)
class SmoothSettings(_Checked):
    """How jitter is taken out of what is shown; the action heads see raw joints."""

    joints: bool = _setting(True, 'Filter the joints (one-euro filter).')
    min_cutoff: float = _setting(
        0.5, 'Cut-off of the filter for a joint at rest, Hz: lower is steadier.', 0.01, 100.0
    )
    beta: float = _setting(
        64.0,
        'How much the cut-off rises with speed, Hz per window side a second: higher lags less.',
        0.0,
        1000.0,
    )
    label_margin: float = _setting(
        0.1, 'A new label must beat the shown one by this much probability.', 0.0, 1.0
    )
    label_duration: float = _setting(
        0.15, 'Other labels must beat it by that for this long, seconds.', 0.0, 10.0
    )


@dataclass(frozen=True)
class BodySettings(_Checked):
    """What is assumed of the person where no depth image says how far away they are."""

    height: float = _setting(
        1.70, "The person's height in metres; distances scale with it.", 0.3, 3.0
    )
    height_sigma: float = _setting(
        0.05, 'One standard deviation of that height, relative.', 0.0, 0.5
    )


@dataclass(frozen=True)
class PeopleSettings(_Checked):
    """Which detections are people, where a detector says where they are."""

    class_id: str = _setting(
        'person',
        'The class id that the detector gives people; empty: every detection is a person.',
    )
    min_score: float = _setting(0.5, 'Detections with a lower score are skipped.', 0.0, 1.0)
    max_age_s: float = _setting(
        0.5,
        'Detections serve an image whose stamp differs by at most this, seconds; without any '
        'nobody is seen.',
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
