"""The worker: takes the newest frame, decodes it, runs the stream and hands the result on.

One thread, one frame at a time. An image that can't be decoded is counted, said at most once a
second, and left; whatever else goes wrong with a frame is said too, and the next frame is taken.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import rclpy

from pose_action_ros.core.errors import ImageError, PoseActionError
from pose_action_ros.ros.conversions import stamp_from_msg
from pose_action_ros.ros.intake import NewestFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from rclpy.impl.rcutils_logger import RcutilsLogger
    from sensor_msgs.msg import CompressedImage, Image

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.inference.side_inputs import SideInputs
    from pose_action_ros.inference.stream import PoseActionStream
    from pose_action_ros.ros.diagnostics import NodeStatistics
    from pose_action_ros.ros.image_codec import ImageCodec
    from pose_action_ros.ros.settings import NodeSettings

__all__ = ['FrameWorker', 'SeenFrame']


@dataclass(frozen=True)
class SeenFrame:
    """A processed frame, for whoever publishes it.

    Attributes:
        msg: The image message.
        image_rgb: Its (H, W, 3) uint8 pixels.
        prediction: What the network saw.
        decode_ms: How long decoding took.
    """

    msg: Image | CompressedImage
    image_rgb: NDArray[np.uint8]
    prediction: FramePrediction
    decode_ms: float


class FrameWorker:
    """Runs a stream on the newest frames, in a thread of its own.

    Args:
        stream: Image in, prediction out.
        codec: Decodes messages.
        side: What comes beside the image.
        publish: Called in the worker's thread with every processed frame.
        watched: Tells whether anyone wants a result; while not, frames are left alone.
        statistics: Where bad and unwatched frames are counted.
        logger: The node's logger.
        settings: Called for the settings of the moment.
    """

    def __init__(
        self,
        *,
        stream: PoseActionStream,
        codec: ImageCodec,
        side: SideInputs,
        publish: Callable[[SeenFrame], None],
        watched: Callable[[], bool],
        statistics: NodeStatistics,
        logger: RcutilsLogger,
        settings: Callable[[], NodeSettings],
    ) -> None:
        self.frames: NewestFrame[Image | CompressedImage] = NewestFrame()
        self.stream_lock = threading.Lock()
        self._stream = stream
        self._codec = codec
        self._side = side
        self._publish = publish
        self._watched = watched
        self._statistics = statistics
        self._logger = logger
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name='inference', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the frame at hand."""
        self.frames.close()
        self._thread.join()

    def _run(self) -> None:
        while (msg := self.frames.take()) is not None:
            if not self._watched():
                self._statistics.frames_unwatched += 1
                continue
            try:
                self._publish(self._see(msg))
            except ImageError as error:
                self._statistics.frames_bad += 1
                self._logger.warning(f'image left out: {error}', throttle_duration_sec=1.0)
            except PoseActionError as error:
                self._logger.error(str(error), throttle_duration_sec=1.0)
            except Exception as error:  # a frame must never end the node
                if not rclpy.ok():  # it is ending: nobody is there to publish to
                    return
                self._logger.error(f'frame left out: {error!r}', throttle_duration_sec=1.0)

    def _see(self, msg: Image | CompressedImage) -> SeenFrame:
        start = time.perf_counter()
        image_rgb = self._codec.to_rgb(msg)
        decode_ms = (time.perf_counter() - start) * 1e3
        stamp_ns = stamp_from_msg(msg.header.stamp)
        side, settings = self._side, self._settings()
        height, width = image_rgb.shape[:2]
        size = width, height
        depth, people = side.depth, side.people
        with self.stream_lock:
            prediction = self._stream.process(
                image_rgb,
                stamp_ns,
                camera=side.calibration.for_image(width, height).camera,
                boxes=people.boxes_at(stamp_ns, size, settings.people) if people else None,
                depth_m=depth.at(stamp_ns, size, settings.depth_max_age_s) if depth else None,
            )
        return SeenFrame(msg, image_rgb, prediction, decode_ms)
