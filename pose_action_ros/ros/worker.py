"""The worker: takes the newest frame, runs the stream on it and publishes, in a thread of its own.

Stream and outputs belong to this thread while it runs. Whatever changes them (settings, reset, the
end) is a command that it carries out between two frames, so nothing is shared and nothing races.
An image that can't be looked at is counted and skipped; the next one is taken.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import rclpy

from pose_action_ros.core.errors import ImageError
from pose_action_ros.ros.conversions import stamp_from_msg
from pose_action_ros.ros.diagnostics import FrameTimes
from pose_action_ros.ros.intake import Command, Intake

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rclpy.clock import Clock
    from rclpy.impl.rcutils_logger import RcutilsLogger
    from sensor_msgs.msg import CompressedImage, Image

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.inference.side_inputs import SideInputs
    from pose_action_ros.inference.stream import PoseActionStream
    from pose_action_ros.ros.diagnostics import NodeStatistics
    from pose_action_ros.ros.image_codec import ImageCodec
    from pose_action_ros.ros.outputs import Outputs
    from pose_action_ros.ros.settings import NodeSettings

__all__ = ['ArrivedImage', 'FrameWorker', 'SeenFrame']


@dataclass(frozen=True)
class ArrivedImage:
    """An image message.

    Attributes:
        msg: The message.
        arrival_ns: When it came, on the clock of `time.monotonic_ns`.
    """

    msg: Image | CompressedImage
    arrival_ns: int


@dataclass(frozen=True)
class SeenFrame:
    """A processed frame, as it is published.

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
    """Runs a stream on the newest frames.

    Args:
        stream: Image in, prediction out.
        codec: Decodes messages.
        side: What comes beside the image.
        outputs: Publishes.
        statistics: Where every image is counted.
        settings: Those of the first frame.
        clock: The node's.
        logger: The node's.

    Attributes:
        frames: Where images are put.
        image_size: Width and height of the last image, pixels; None before the first.
    """

    def __init__(
        self,
        *,
        stream: PoseActionStream,
        codec: ImageCodec,
        side: SideInputs,
        outputs: Outputs,
        statistics: NodeStatistics,
        settings: NodeSettings,
        clock: Clock,
        logger: RcutilsLogger,
    ) -> None:
        self.frames: Intake[ArrivedImage] = Intake()
        self.image_size: tuple[int, int] | None = None
        self._stream = stream
        self._codec = codec
        self._side = side
        self._outputs = outputs
        self._statistics = statistics
        self._settings = settings
        self._clock = clock
        self._logger = logger
        self._thread = threading.Thread(target=self._run, name='inference', daemon=True)
        self._thread.start()

    def change(self, settings: NodeSettings) -> None:
        """Use other settings from the next frame on."""
        self.frames.order(lambda: self._change(settings))

    def reset(self) -> None:
        """Drop tracks, clips and markers before the next frame."""
        self.frames.order(self._reset)

    def stop(self) -> None:
        """Drop tracks, clips and markers, and end the thread, after the frame at hand."""
        self.frames.order(self._reset)
        self.frames.close()
        self._thread.join()

    def _change(self, settings: NodeSettings) -> None:
        self._settings = self._stream.settings = settings
        self._outputs.redraw(settings.viz)

    def _reset(self) -> None:
        self._stream.reset()
        self._statistics.clip_fill = 0.0
        self._outputs.delete_markers()

    def _run(self) -> None:
        while (work := self.frames.take()) is not None:
            try:
                if isinstance(work, Command):
                    work.run()
                elif self._outputs.watched():
                    self._look(work)
                else:
                    self._statistics.frames_unwatched += 1
            except ImageError as error:
                self._statistics.count_bad(str(error))
                self._logger.warning(f'image skipped: {error}', throttle_duration_sec=1.0)
            except Exception as error:  # a frame must never end the node
                if not rclpy.ok():  # it is ending: nobody is there to publish to
                    return
                self._statistics.count_failed(repr(error))
                self._logger.error(f'frame skipped: {error!r}', throttle_duration_sec=1.0)

    def _look(self, image: ArrivedImage) -> None:
        stamp_ns = stamp_from_msg(image.msg.header.stamp)
        wait_s = self._settings.sync_wait_s
        self.frames.wait_while(
            lambda: self._side.awaited(stamp_ns, wait_s), image.arrival_ns * 1e-9 + wait_s
        )
        seen = self._see(image.msg, stamp_ns)
        if seen.prediction.skipped:
            self._statistics.count_skipped(seen.prediction.skipped)
            return
        start_ns = self._clock.now().nanoseconds
        self._outputs.publish(seen)
        self._count(seen, stamp_ns, start_ns)

    def _see(self, msg: Image | CompressedImage, stamp_ns: int) -> SeenFrame:
        start = time.perf_counter()
        image_rgb = self._codec.to_rgb(msg)
        decode_ms = (time.perf_counter() - start) * 1e3
        height, width = image_rgb.shape[:2]
        size, settings = (width, height), self._settings
        self.image_size = size
        depth, people = self._side.depth, self._side.people
        prediction = self._stream.process(
            image_rgb,
            stamp_ns,
            camera=self._side.calibration.for_image(width, height).camera,
            boxes=people.boxes_at(stamp_ns, size, settings.people) if people else None,
            depth_m=depth.at(stamp_ns, size, settings.depth_max_age_s) if depth else None,
        )
        return SeenFrame(msg, image_rgb, prediction, decode_ms)

    def _count(self, seen: SeenFrame, stamp_ns: int, start_ns: int) -> None:
        prediction, end_ns = seen.prediction, self._clock.now().nanoseconds
        persons = prediction.persons
        for person in persons[:1]:  # the most certain
            self._statistics.count_distance(person.root_depth_sigma_m, person.scale_source)
        valid = any(person.action is None or person.action.valid for person in persons)
        self._statistics.clip_fill = self._stream.clip_fill
        self._statistics.history.add_result(stamp_ns, len(persons), valid)
        self._statistics.count_result(
            FrameTimes(
                age=(end_ns - stamp_ns) * 1e-6,
                preprocess=seen.decode_ms + prediction.preprocess_ms,
                inference=prediction.inference_ms,
                publish=(end_ns - start_ns) * 1e-6,
            )
        )
