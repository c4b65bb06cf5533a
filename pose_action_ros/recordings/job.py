"""The conversion of one recording by `pose-action bag`, in this process or in a worker.

`convert` depends on its arguments alone, so the result of a worker equals that of a single run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.weights import NetworkChoice
from pose_action_ros.inference.settings import StreamSettings
from pose_action_ros.messages.matched_inputs import MatchSettings
from pose_action_ros.recordings.conversion import add_results, watch_part
from pose_action_ros.recordings.parts import Replay
from pose_action_ros.recordings.reader import opened
from pose_action_ros.recordings.topics import RecordingTopics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pose_action_ros.inference import PoseActionStream
    from pose_action_ros.recordings.annotator import Counts
    from pose_action_ros.recordings.parts import Part, Watched

__all__ = ['ConversionSettings', 'convert', 'notes_of', 'watch']

_NOTES = 20  # largest number of listed reasons


@dataclass(frozen=True)
class ConversionSettings:
    """Everything that a conversion depends on besides the recording.

    Attributes:
        network: The networks, and the place where they run.
        topics: The topics that are read and added.
        matching: Rules for matching depth images and detections to an image.
        stream: Settings of the stream.
    """

    network: NetworkChoice = field(default_factory=NetworkChoice)
    topics: RecordingTopics = field(default_factory=RecordingTopics)
    matching: MatchSettings = field(default_factory=MatchSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)


def convert(
    recording: Path,
    output: Path,
    settings: ConversionSettings,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda messages, _: messages,
    watched: Sequence[Watched] = (),
) -> tuple[RecordingTopics, Counts]:
    """Copy a recording and add the results.

    Args:
        recording: Folder or file.
        output: Folder that is made.
        settings: The settings of the conversion.
        progress: As `add_results`.
        watched: The results of all parts, if the recording was processed in parts.

    Returns:
        The topics, and the counts.

    Raises:
        PoseActionError: As `add_results` and `PoseActionStream.open`.
    """
    with opened(recording) as reader:
        topics = settings.topics.found_in(reader)  # before the network is loaded
    stream = Replay(watched) if watched else _stream(settings)
    return topics, add_results(recording, output, stream, topics, progress, settings.matching)


def watch(recording: Path, part: Part, settings: ConversionSettings) -> Watched:
    """Process a part of a recording.

    Args:
        recording: Folder or file.
        part: The part.
        settings: The settings of the conversion.

    Raises:
        PoseActionError: As `convert`.
    """
    return watch_part(recording, part, _stream(settings), settings.topics, settings.matching)


def _stream(settings: ConversionSettings) -> PoseActionStream:
    from pose_action_ros.inference.shared_network import stream_of  # torch loads here

    return stream_of(settings.network, settings.stream)


def notes_of(counts: Counts, topics: RecordingTopics) -> list[str]:
    """Return notes for the user about the results."""
    notes = [f'{count} images: {problem}' for problem, count in counts.problems.most_common()]
    notes += [f'{count} {problem}' for problem, count in counts.damaged.most_common()]
    if len(notes) > _NOTES:
        notes[_NOTES:] = [f'and {len(notes) - _NOTES} further reasons']
    if not counts.calibrated:
        notes.append(
            f'no calibration on {topics.camera_info}: positions are relative to the root joint'
        )
    for name in sorted(topics.moved):
        notes.append(f'{name} are on {topics.output(name)}: the recording has another {name}')
    return notes
