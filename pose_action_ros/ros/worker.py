"""The worker: a thread that takes the newest frame, runs the stream on it and publishes.

Stream and outputs belong to this thread while it runs. Every change (of settings, a reset, the
end) is a command that it carries out between two frames, so there are no races. An image that
can't be processed is counted and skipped.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import rclpy

from pose_action_ros.core.errors import ImageError
from pose_action_ros.ros.diagnostics import FrameTimes
from pose_action_ros.ros.frame_slot import ArrivedImage, FrameSlot

if TYPE_CHECKING:
    from rclpy.clock import Clock
    from rclpy.impl.rcutils_logger import RcutilsLogger

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.inference.stream import PoseActionStream
    from pose_action_ros.messages.matched_inputs import MatchedInputs
    from pose_action_ros.ros.diagnostics import NodeStatistics
    from pose_action_ros.ros.image_decoder import ImageDecoder
    from pose_action_ros.ros.outputs import Outputs
    from pose_action_ros.ros.settings import NodeSettings

__all__ = ['FrameWorker']


class FrameWorker:
    """Runs a stream on the newest frames.

    Args:
        decoder: Decodes images.
        matched: The inputs beside the images.
        stream: Image in, prediction out.
        outputs: The publishers.
        statistics: Counts every image.
        settings: Settings of the first frame.
        clock: The node's clock.
        logger: The node's logger.

    Attributes:
        slot: Receives images and commands.
        image_size: Width and height of the last image, pixels; None before the first.
    """

    def __init__(
        self,
        *,
        decoder: ImageDecoder,
        matched: MatchedInputs,
        stream: PoseActionStream,
        outputs: Outputs,
        statistics: NodeStatistics,
        settings: NodeSettings,
        clock: Clock,
        logger: RcutilsLogger,
    ) -> None:
        self.image_size: tuple[int, int] | None = None
        self.slot = FrameSlot()
        self._decoder = decoder
        self._matched = matched
        self._stream = stream
        self._outputs = outputs
        self._statistics = statistics
        self._settings = settings
        self._clock = clock
        self._logger = logger
        self._thread = threading.Thread(target=self._run, name='inference', daemon=True)
        self._thread.start()

    def change(self, settings: NodeSettings) -> None:
        """Use other settings from the next frame on."""
        self.slot.order(lambda: self._change(settings))

    def reset(self) -> None:
        """Drop tracks, clips and markers before the next frame."""
        self.slot.order(self._reset)

    def stop(self) -> None:
        """Drop tracks, clips and markers, and end the thread, after the frame at hand."""
        self.slot.order(self._reset)
        self.slot.close()
        self._thread.join()

    def _change(self, settings: NodeSettings) -> None:
        self._settings = self._stream.settings = settings
        self._outputs.redraw(settings.viz)

    def _reset(self) -> None:
        self._stream.reset()
        self._statistics.clip_fill = 0.0
        self._outputs.delete_markers()

    def _run(self) -> None:
        while (work := self.slot.take()) is not None:
            try:
                if not isinstance(work, ArrivedImage):
                    work()
                elif self._outputs.watched():
                    self._process(work)
                else:
                    self._statistics.frames_unwatched += 1
            except ImageError as error:
                self._statistics.count_bad(str(error))
                self._logger.warning(f'image skipped: {error}', throttle_duration_sec=1.0)
            except Exception as error:  # a frame must never end the node
                if not rclpy.ok():  # it is ending, and its publishers may be gone
                    return
                self._statistics.count_failed(repr(error))
                self._logger.error(f'frame skipped: {error!r}', throttle_duration_sec=1.0)

    def _process(self, image: ArrivedImage) -> None:
        stamp_ns, wait_s = image.stamp_ns, self._settings.sync_wait_s
        self.slot.wait_while(
            lambda: self._matched.awaited(stamp_ns, wait_s), image.arrival_ns * 1e-9 + wait_s
        )
        start_s = time.perf_counter()
        image_rgb = self._decoder.to_rgb(image.msg)
        decode_ms = (time.perf_counter() - start_s) * 1e3
        height, width = image_rgb.shape[:2]
        self.image_size = size = (width, height)
        boxes, depth_m = self._matched.boxes_and_depth(stamp_ns, size, self._settings)
        prediction = self._stream.process(
            image_rgb,
            stamp_ns,
            camera=self._matched.calibration.for_image(width, height).camera,
            boxes=boxes,
            depth_m=depth_m,
            budget_ms=self._settings.track.budget_ms,
        )
        if prediction.skipped:
            self._statistics.count_skipped(prediction.skipped)
            return
        start_ns = self._clock.now().nanoseconds
        self._outputs.publish(image.msg.header, image_rgb, prediction)
        self._count(prediction, decode_ms, start_ns)
        if prediction.is_crowded:
            self._logger.warning(
                'there are more people than track.max_people: the farthest are not followed',
                throttle_duration_sec=10.0,
            )
        self._stream.look_ahead(image_rgb, stamp_ns)

    def _count(self, prediction: FramePrediction, decode_ms: float, start_ns: int) -> None:
        end_ns, stamp_ns, persons = (
            self._clock.now().nanoseconds,
            prediction.stamp_ns,
            prediction.persons,
        )
        for person in persons[:1]:
            self._statistics.count_distance(person.root_depth_sigma_m, person.scale_source)
        valid = any(person.action is None or person.action.valid for person in persons)
        self._statistics.clip_fill = self._stream.clip_fill
        problems = [p.distance_problem for p in persons if p.distance_problem]
        self._statistics.history.add_result(stamp_ns, len(persons), valid, problems)
        self._statistics.count_result(
            FrameTimes(
                age=(end_ns - stamp_ns) * 1e-6,
                preprocess=decode_ms + prediction.preprocess_ms,
                inference=prediction.inference_ms,
                publish=(end_ns - start_ns) * 1e-6,
            )
        )
