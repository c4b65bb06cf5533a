"""What keeps a node at work from its results: a text for each cause.

Every fault ends by itself once its cause is gone. Faults that only a processed image can renew,
such as those of depth, are forgotten when no image is processed, so they have no age of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rclpy.clock import Clock

    from pose_action_ros.inference.stream import PoseActionStream
    from pose_action_ros.messages.camera import Calibration
    from pose_action_ros.ros.diagnostics import NodeStatistics
    from pose_action_ros.ros.inputs import Inputs
    from pose_action_ros.ros.target_frame import TargetFrame

__all__ = ['Health']

_SILENCE_S = 2.0


@dataclass(frozen=True)
class Health:
    """The health of a node at work.

    Attributes:
        inputs: The subscriptions.
        statistics: The images and results so far.
        stream: The network.
        target: The frame of the results; None: that of the image.
        clock: The node's clock.
    """

    inputs: Inputs
    statistics: NodeStatistics
    stream: PoseActionStream
    target: TargetFrame | None
    clock: Clock

    def problems(self, calibration: Calibration, max_gap_s: float) -> dict[str, str]:
        """Return the present faults, by cause.

        Args:
            calibration: That of the images.
            max_gap_s: `clip.max_gap`.
        """
        history, found = self.statistics.history, {'clock': self._clock_problem()}
        if self.statistics.seconds_since_arrival() > _SILENCE_S:
            found['silence'] = self.inputs.silence(_SILENCE_S)
        else:
            found |= history.problems(self.stream.clip_s, max_gap_s)
            if 'frames' not in found:  # of several cameras
                found |= self.inputs.frame_problems()
            found['calibration'] = self._calibration_problem(calibration)
        found |= self.inputs.misfits()
        if history.has_results():
            found |= self.inputs.matched.problems()
            found['tf'] = self.target.problem if self.target is not None else ''
        return {cause: text for cause, text in found.items() if text}

    def _clock_problem(self) -> str:
        if not self.clock.ros_time_is_active or self.clock.now().nanoseconds:
            return ''
        return (
            'use_sim_time is true, but no time has come on /clock: start the simulation, or '
            'play the recording with --clock'
        )

    def _calibration_problem(self, calibration: Calibration) -> str:
        is_early = self.statistics.seconds_since_start() <= _SILENCE_S
        if not self.stream.is_3d or is_early or not calibration.problem:
            return ''
        return (
            f'{self.inputs.camera_info_topic}: {calibration.problem}; positions are relative to '
            'the root joint only'
        )
