"""Makes all messages of an image from its result, for the node and for recordings.

`people` contains all persons and the ended tracks. `poses` and `actions` are parts of it. A
person who waits for a turn is in `people` as in their last image, with its stamp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pose_action_ros.messages.action import action_to_msg
from pose_action_ros.messages.markers import MarkerBuilder, MarkerSettings, person_text
from pose_action_ros.messages.pose import pose_to_msg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_action_ros.core.predictions import FramePrediction, PersonPrediction
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.messages.maker import MessageMaker
    from pose_action_ros.messages.pose import SourceImage

__all__ = ['OutputFrame', 'ResultBuilder', 'ResultMessages']


class OutputFrame(Protocol):
    """Another frame than that of the image, and the transform to it."""

    def header(self, header: Any) -> Any:
        """Return a header with the name of this frame."""

    def move_pose(self, pose: Any) -> None:
        """Move a Pose3D into this frame, in place."""

    def move_markers(self, markers: Sequence[Any]) -> None:
        """Move markers into this frame, in place."""


@dataclass(frozen=True)
class ResultMessages:
    """The messages of one image.

    Attributes:
        people: The PersonArray.
        seen: Number of its people who were looked at in this image; they come first.
        markers: Markers of everybody, and DELETEs; empty if nothing changes in RViz.
    """

    people: Any
    seen: int
    markers: list[Any] = field(default_factory=list)

    @property
    def poses(self) -> list[Any]:
        """The Pose3D of each person who was looked at."""
        return [person.pose for person in self.people.people[: self.seen]]

    @property
    def actions(self) -> list[Any]:
        """The ActionLabel of each of them; none if the network knows no actions."""
        seen = self.people.people[: self.seen]
        return [person.action for person in seen if len(person.action.labels)]


class ResultBuilder:
    """Makes the messages of each image in turn, and keeps track of the shown markers.

    Args:
        make: Makes messages.
        skeleton: The joint layout of the network.
        markers: Style of the markers.
    """

    def __init__(self, make: MessageMaker, skeleton: Skeleton, markers: MarkerSettings) -> None:
        self._make = make
        self._skeleton = skeleton
        self._shown: dict[int, Any] = {}  # header of the last image, by track
        self._last: dict[int, Any] = {}  # Person of the last image, by track
        self.redraw(markers)

    def redraw(self, markers: MarkerSettings) -> None:
        """Change the style of the markers."""
        self._markers = MarkerBuilder(self._make, self._skeleton, markers)

    def build(
        self,
        prediction: FramePrediction,
        source: SourceImage,
        frame: OutputFrame | None = None,
        *,
        with_markers: bool = True,
    ) -> ResultMessages:
        """Return the messages of an image.

        Args:
            prediction: The results for it.
            source: The image.
            frame: The frame of the results; None: that of the image.
            with_markers: Make markers too.
        """
        people, markers = [], []
        for person in prediction.persons:
            pose = pose_to_msg(self._make, person, self._skeleton, source)
            drawn = self._markers.build(pose, person_text(person)) if with_markers else []
            if frame is not None:
                frame.move_pose(pose)
                frame.move_markers(drawn)
            if with_markers:
                markers += drawn
                self._shown[person.track_id] = source.header
            people.append(self._person(person, pose, source))
        seen = len(people)
        people += [self._last[p.track_id] for p in prediction.waiting if p.track_id in self._last]
        self._last = {person.track_id: person for person in people}
        array = self._make(
            'pose_action_ros/PersonArray',
            header=source.header if frame is None else frame.header(source.header),
            people=people,
            ended_tracks=list(prediction.ended_tracks),
            clip_frames=prediction.clip_frames,
            model=source.model,
        )
        return ResultMessages(array, seen, markers + self._delete(prediction.ended_tracks))

    def delete_all(self) -> list[Any]:
        """Return the markers that remove everybody from RViz."""
        return self._delete(list(self._shown))

    def _delete(self, tracks: Sequence[int]) -> list[Any]:
        shown = [track for track in tracks if track in self._shown]
        return [
            marker
            for track in shown
            for marker in self._markers.delete(self._shown.pop(track), track)
        ]

    def _person(self, person: PersonPrediction, pose: Any, source: SourceImage) -> Any:
        return self._make(
            'pose_action_ros/Person',
            track_id=person.track_id,
            confidence=person.person_confidence,
            pose=pose,
            action=action_to_msg(
                self._make, person.action, person.track_id, source.header, source.model
            ),
        )
