"""The images of a recording, one after the other, with their stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_action_ros.core.errors import DatasetError, ImageError
from pose_action_ros.inference.image_clock import ImageClock
from pose_action_ros.inference.settings import ClipSettings, TimeSettings
from pose_action_ros.messages.image import rgb_from_msg
from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.recordings.message_types import encoding_problem, load_types
from pose_action_ros.recordings.reader import opened
from pose_action_ros.recordings.topics import RecordingTopics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ['recorded_images']


def recorded_images(path: Path, topic: str = '') -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield stamp in seconds and RGB image of each image that can be read.

    Stamps are judged as in the node: late images and single wrong stamps are skipped. Where time
    goes back, the images continue after a pause. Without a stamp the time of recording serves.

    Args:
        path: A rosbag2 folder, .mcap or .db3 file.
        topic: Topic of the images; by default the only one.

    Raises:
        ConfigError: There is no such topic, or several and none is named.
        DatasetError: There is no recording that can be read, or no image in it.
    """
    store = load_types()
    clock, gap_s, back_after = ImageClock(), ClipSettings().max_gap, TimeSettings().back_after
    last_ns, shift_ns, problem = -1, 0, 'the topic is silent'
    with opened(path) as reader:
        image_topic = RecordingTopics(topic).image_in(reader)
        for connection, time_ns, data in reader.messages():
            if connection.topic != image_topic:
                continue
            if encoding_problem(connection):
                problem = encoding_problem(connection)
                continue
            try:
                message = store.deserialize_cdr(data, connection.msgtype)
                image = rgb_from_msg(message)
            except ImageError as error:
                problem = str(error)
                continue
            except Exception as error:  # any error of rosbags on damaged bytes
                problem = f'the message is damaged: {error!r}'
                continue
            stamp_ns = stamp_from_msg(message.header.stamp) or time_ns
            admission = clock.admit(stamp_ns, gap_s, back_after)
            if admission.went_back:
                shift_ns = last_ns + round(gap_s * 1e9) - stamp_ns
            if not admission.reason and stamp_ns + shift_ns > last_ns:
                last_ns = stamp_ns + shift_ns
                yield last_ns * 1e-9, image
    if last_ns < 0:
        raise DatasetError(f'{path} has no image on {image_topic} that can be read: {problem}')
