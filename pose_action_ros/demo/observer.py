"""A plain subscriber to the graph, which watches the demo.

It counts and times the messages, pairs every image with its pose and label by stamp, and hands the
pairs on in order, for the video and for the accuracy. Memory stays constant, because images wait
at most `_PATIENCE_NS` for their pose.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.fitting_subscription import FittingSubscription
from pose_action_ros.ros.image_decoder import ImageDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ['DemoObserver', 'ObservedFrame', 'Tally']

_PATIENCE_NS = 1_000_000_000
_LAG_NS = 250_000_000
_RECENT = 200


@dataclass
class ObservedFrame:
    """One image and its results.

    Attributes:
        stamp_ns: The image's stamp.
        image_rgb: (H, W, 3) uint8.
        pose: The node's pose; None if it published none.
        action: The label.
        true_pose: The true pose of the simulated actor; None for other sources.
        true_action: Its label.
    """

    stamp_ns: int
    image_rgb: NDArray[np.uint8]
    pose: Pose3D | None = None
    action: ActionLabel | None = None
    true_pose: Pose3D | None = None
    true_action: ActionLabel | None = None


@dataclass
class Tally:
    """Counts since the start, and the latest ages.

    Attributes:
        images: Images seen by this subscriber.
        poses: Pose3D messages.
        actions: ActionLabel messages.
        markers: MarkerArray messages.
        stamps_out: Stamps of images with a pose: first, last and number.
        ages_ms: Time from an image's stamp to the arrival of its pose, milliseconds.
        diagnostics: The node's last figures, as text by key.
        health: The node's last message of state or fault; empty before the first.
        has_failed: Whether the node cannot continue; `health` has the reason.
    """

    images: int = 0
    poses: int = 0
    actions: int = 0
    markers: int = 0
    first_image_ns: int = 0
    last_image_ns: int = 0
    first_pose_ns: int = 0
    last_pose_ns: int = 0
    frames_out: int = 0
    ages_ms: deque[float] = field(default_factory=lambda: deque(maxlen=20_000))
    diagnostics: dict[str, str] = field(default_factory=dict)
    health: str = ''
    has_failed: bool = False

    def rate_in_hz(self) -> float:
        """Return the rate of the images by their stamps."""
        return _rate(self.images, self.first_image_ns, self.last_image_ns)

    def rate_out_hz(self) -> float:
        """Return the rate of the images that got a pose, by their stamps."""
        return _rate(self.frames_out, self.first_pose_ns, self.last_pose_ns)

    def looked_at(self) -> int:
        """Return the number of images that the node has received, by its own count."""
        received, dropped = (
            float(self.diagnostics.get(f'frames_{name}', 0)) for name in ('received', 'dropped')
        )
        return round(received - dropped)

    def newest_age_ms(self) -> float:
        """Return the age of the newest pose; NaN before the first."""
        return self.ages_ms[-1] if self.ages_ms else float('nan')

    def age_ms(self, percentile: float) -> float:
        """Return a percentile of the ages; NaN before the first pose."""
        return float(np.percentile(self.ages_ms, percentile)) if self.ages_ms else float('nan')


class DemoObserver(Node):
    """Subscribes to everything that the demo's two nodes publish.

    Args:
        on_frame: Called with every image in order of stamps, once its pose has arrived or is no
            longer expected.
        name: Name of this node.
        every_image: Request lost images again. Otherwise the newest image suffices, as from a
            camera that offers best effort.
    """

    def __init__(
        self,
        on_frame: Callable[[ObservedFrame], None],
        name: str = 'demo',
        *,
        every_image: bool = True,
    ) -> None:
        super().__init__(name)
        self.tally = Tally()
        self.newest: ObservedFrame | None = None
        self._on_frame = on_frame
        self._decoder = ImageDecoder()
        self._waiting: deque[ObservedFrame] = deque()
        self._poses: dict[int, Pose3D] = {}
        self._actions: dict[int, ActionLabel] = {}
        self._true_poses: dict[int, Pose3D] = {}
        self._true_actions: dict[int, ActionLabel] = {}
        reliable = QoSProfile(depth=50)
        if every_image:
            self.create_subscription(Image, 'image', self._on_image, reliable)
        else:
            images = FittingSubscription(self, Image, 'image', lambda msg, _: self._on_image(msg))
            self.create_timer(1.0, images.fit)
        self.create_subscription(Pose3D, 'poses', self._on_pose, reliable)
        self.create_subscription(ActionLabel, 'actions', self._on_action, reliable)
        self.create_subscription(MarkerArray, 'markers', self._on_markers, reliable)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)
        self.create_subscription(
            Pose3D, 'camera/truth/poses', self._keep(self._true_poses), reliable
        )
        self.create_subscription(
            ActionLabel, 'camera/truth/actions', self._keep(self._true_actions), reliable
        )

    def flush(self) -> None:
        """Hand on the images that still wait."""
        self._release(until_ns=None)

    def _on_image(self, msg: Image) -> None:
        stamp_ns = stamp_from_msg(msg.header.stamp)
        tally = self.tally
        tally.images += 1
        tally.first_image_ns = tally.first_image_ns or stamp_ns
        tally.last_image_ns = stamp_ns
        self._waiting.append(ObservedFrame(stamp_ns, self._decoder.to_rgb(msg)))
        self._release(until_ns=stamp_ns - _PATIENCE_NS)

    def _on_pose(self, msg: Pose3D) -> None:
        stamp_ns = stamp_from_msg(msg.header.stamp)
        tally = self.tally
        tally.poses += 1
        if stamp_ns != tally.last_pose_ns:
            tally.frames_out += 1
            tally.first_pose_ns = tally.first_pose_ns or stamp_ns
            tally.last_pose_ns = stamp_ns
        tally.ages_ms.append((self.get_clock().now().nanoseconds - stamp_ns) * 1e-6)
        _remember(self._poses, stamp_ns, msg)
        # Label and truth of this image may still be on their way.
        self._release(until_ns=stamp_ns - _LAG_NS)

    def _on_action(self, msg: ActionLabel) -> None:
        self.tally.actions += 1
        _remember(self._actions, stamp_from_msg(msg.header.stamp), msg)

    def _on_markers(self, msg: MarkerArray) -> None:
        self.tally.markers += len(msg.markers)

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        own = f'{self.get_namespace().rstrip("/")}/'
        for status in msg.status:
            if status.name.startswith(own) and 'pose and action' in status.name:
                self.tally.diagnostics = {pair.key: pair.value for pair in status.values}
                self.tally.health = status.message
                self.tally.has_failed = status.level == DiagnosticStatus.ERROR

    @staticmethod
    def _keep(store: dict) -> Callable:
        return lambda msg: _remember(store, stamp_from_msg(msg.header.stamp), msg)

    def _release(self, until_ns: int | None) -> None:
        while self._waiting and (until_ns is None or self._waiting[0].stamp_ns <= until_ns):
            frame = self._waiting.popleft()
            frame.pose = self._poses.get(frame.stamp_ns)
            frame.action = self._actions.get(frame.stamp_ns)
            frame.true_pose = self._true_poses.get(frame.stamp_ns)
            frame.true_action = self._true_actions.get(frame.stamp_ns)
            self.newest = frame
            self._on_frame(frame)


def _remember(store: dict, stamp_ns: int, msg: object) -> None:
    store[stamp_ns] = msg
    while len(store) > _RECENT:
        del store[next(iter(store))]


def _rate(count: int, first_ns: int, last_ns: int) -> float:
    return (count - 1) / ((last_ns - first_ns) * 1e-9) if last_ns > first_ns else 0.0
