"""A plain subscriber to the graph, which watches the demo.

It counts and times the messages, joins every image with its people and its truth by stamp, and
returns them in order, for the video and for the accuracy. Memory stays constant, because images
wait at most `_PATIENCE_NS` for their people.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from pose_action_ros.demo.observed import ObservedFrame, TruePerson
from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.msg import ActionLabel, PersonArray, Pose3D
from pose_action_ros.ros.fitting_subscription import FittingSubscription
from pose_action_ros.ros.image_decoder import ImageDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['DemoObserver', 'Tally']

_PATIENCE_NS = 1_000_000_000
_LAG_NS = 250_000_000
_RECENT = 200


@dataclass
class Tally:
    """Counts since the start, and the latest ages.

    Attributes:
        images: Images seen by this subscriber.
        poses: Poses of people.
        actions: Valid labels of people.
        most_people: Most people in one image.
        markers: Markers.
        first_image_ns: Stamp of the first image.
        last_image_ns: Stamp of the last image.
        first_pose_ns: Stamp of the first image with people.
        last_pose_ns: Stamp of the last image with people.
        frames_out: Images with people.
        ages_ms: Time from an image's stamp to the arrival of its people, milliseconds.
        diagnostics: The node's last figures, as text by key.
        health: The node's last message of state or fault; empty before the first.
        has_failed: Whether the node cannot continue; `health` has the reason.
    """

    images: int = 0
    poses: int = 0
    actions: int = 0
    most_people: int = 0
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
    """Subscribes to the topics of the demo's two nodes.

    Args:
        on_frame: Called with every image in order of stamps, once its people have arrived or are
            no longer expected.
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
        self._people: dict[int, PersonArray] = {}
        self._true_poses: dict[int, dict[int, Pose3D]] = {}
        self._true_actions: dict[int, dict[int, ActionLabel]] = {}
        reliable = QoSProfile(depth=50)
        if every_image:
            self.create_subscription(Image, 'image', self._on_image, reliable)
        else:
            images = FittingSubscription(self, Image, 'image', lambda msg, _: self._on_image(msg))
            self.create_timer(1.0, images.fit)
        self.create_subscription(PersonArray, 'people', self._on_people, reliable)
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

    def _on_people(self, msg: PersonArray) -> None:
        stamp_ns = stamp_from_msg(msg.header.stamp)
        tally = self.tally
        if msg.people:
            tally.poses += len(msg.people)
            tally.actions += sum(person.action.valid for person in msg.people)
            tally.most_people = max(tally.most_people, len(msg.people))
            tally.frames_out += 1
            tally.first_pose_ns = tally.first_pose_ns or stamp_ns
            tally.last_pose_ns = stamp_ns
            tally.ages_ms.append((self.get_clock().now().nanoseconds - stamp_ns) * 1e-6)
        _remember(self._people, stamp_ns, msg)
        # The truth of this image may still be on its way.
        self._release(until_ns=stamp_ns - _LAG_NS)

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
    def _keep(store: dict[int, dict[int, Any]]) -> Callable[[Any], None]:
        def keep(msg: Any) -> None:
            stamp_ns = stamp_from_msg(msg.header.stamp)
            _remember(store, stamp_ns, {**store.get(stamp_ns, {}), msg.track_id: msg})

        return keep

    def _release(self, until_ns: int | None) -> None:
        while self._waiting and (until_ns is None or self._waiting[0].stamp_ns <= until_ns):
            frame = self._waiting.popleft()
            if frame.stamp_ns in self._people:
                # People who wait for a turn come with the pose of an older image.
                frame.people = tuple(
                    person
                    for person in self._people[frame.stamp_ns].people
                    if stamp_from_msg(person.pose.header.stamp) == frame.stamp_ns
                )
            actions = self._true_actions.get(frame.stamp_ns, {})
            frame.actors = tuple(
                TruePerson(pose, actions.get(actor))
                for actor, pose in self._true_poses.get(frame.stamp_ns, {}).items()
            )
            self.newest = frame
            self._on_frame(frame)


def _remember(store: dict, stamp_ns: int, msg: object) -> None:
    store[stamp_ns] = msg
    while len(store) > _RECENT:
        del store[next(iter(store))]


def _rate(count: int, first_ns: int, last_ns: int) -> float:
    return (count - 1) / ((last_ns - first_ns) * 1e-9) if last_ns > first_ns else 0.0
