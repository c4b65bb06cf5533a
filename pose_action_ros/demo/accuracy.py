"""The accuracy of the node on simulated actors, measured through the ROS graph.

Images, results and truth are matched by stamp, and people with actors by place. The protocol is
that of `pose-action evaluate simulated` (Human3.6M's: true distance of the root, then
root-centred), so the two can be compared. The metres that the node publishes are measured too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pose_action_ros.demo.observed import joints_from_msg
from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.metrics.pose import mpjpe, pck_torso
from pose_action_ros.msg import Pose3D

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.demo.observed import ObservedFrame, TruePerson
    from pose_action_ros.geometry.camera import Camera
    from pose_action_ros.msg import ActionLabel

__all__ = ['DemoAccuracy']

_SHARE = 0.6  # of a clip that lies in its action; data/simulated.py has the same


class _Label(NamedTuple):
    stamp_ns: int
    true: str
    shown: str  # empty while the clip is not full
    needed_ns: float  # how long the action must have lasted to count


class DemoAccuracy:
    """Collects pairs of result and truth, and counts missed actors and false people."""

    def __init__(self) -> None:
        self._layout = ''
        self._seen: list[NDArray[np.float64]] = []  # (J, 5): u, v, x, y, z
        self._true: list[NDArray[np.float64]] = []
        self._visible: list[NDArray[np.bool_]] = []
        self._metric: list[bool] = []
        self._labels: dict[int, list[_Label]] = {}  # by actor
        self._images = self._actors = self._missed = self._false = 0

    def add(self, frame: ObservedFrame) -> None:
        """Add one frame; frames without a result or without truth do not count."""
        if not frame.people or not frame.actors:
            return
        pairs = frame.pairs()
        self._images += 1
        self._actors += len(frame.actors)
        self._missed += len(frame.actors) - len(pairs)
        self._false += len(frame.people) - len(pairs)
        for person, actor in pairs:
            self._add_label(frame.stamp_ns, person.action, actor)
            self._add_pose(person.pose, actor.pose)

    def _add_label(self, stamp_ns: int, action: ActionLabel, actor: TruePerson) -> None:
        if actor.action is None or not action.labels:
            return
        clip_ns = stamp_from_msg(action.clip_end) - stamp_from_msg(action.clip_start)
        shown = action.label if action.valid else ''
        label = _Label(stamp_ns, actor.action.label, shown, _SHARE * clip_ns)
        self._labels.setdefault(actor.pose.track_id, []).append(label)

    def _add_pose(self, pose: Pose3D, true: Pose3D) -> None:
        if [j.name for j in pose.joints] != [j.name for j in true.joints]:
            return  # another layout: not comparable joint by joint
        self._layout = pose.layout
        self._seen.append(joints_from_msg(pose))
        self._true.append(joints_from_msg(true))
        self._visible.append(np.array([j.confidence > 0.5 for j in true.joints]))
        self._metric.append(pose.reference == Pose3D.REFERENCE_CAMERA)

    def summary(self, camera: Camera | None) -> dict[str, Any] | None:
        """Return the figures, or None if nothing could be compared.

        Args:
            camera: Intrinsics of the film.
        """
        result: dict[str, Any] = {}
        if self._seen:
            result |= self._pose_figures(camera)
            result |= {
                'actors_missed': self._missed / self._actors,
                'false_people_per_image': self._false / self._images,
            }
        rows = list(self._labels.values())
        valid = [label for row in rows for label in row if label.shown]
        settled = [label for row in rows for label in _settled(row)]
        if settled:
            names, counts = np.unique([label.true for label in settled], return_counts=True)
            result |= {
                'action_accuracy': _accuracy(settled),
                'action_accuracy_all_frames': _accuracy(valid),
                'baseline_accuracy': float(counts.max() / len(settled)),
                'labels_compared': len(settled),
                'actions_seen': len(names),
                'label_delay_ms': _label_delay_ms(rows),
            }
        return result or None

    def _pose_figures(self, camera: Camera | None) -> dict[str, Any]:
        seen, true = np.stack(self._seen), np.stack(self._true)  # (N, J, 5)
        visible = np.stack(self._visible)
        offset = np.linalg.norm(seen[..., :2] - true[..., :2], axis=-1)
        mean_pose = np.nanmean(true[..., 2:] - true[:, :1, 2:], axis=0)
        metric = np.array(self._metric)
        figures = {
            'poses_compared': len(seen),
            'mpjpe_mm': _standard_mpjpe_mm(seen, true, camera),
            'pixel_error': float(np.nanmean(offset)),
            'pck_torso_10': pck_torso(
                seen[..., :2], true[..., :2], layout=self._layout, visible=visible
            ),
            'baseline_mpjpe_mm': 1e3
            * mpjpe(np.broadcast_to(mean_pose, true[..., 2:].shape), true[..., 2:]),
        }
        if metric.any():
            figures |= {
                'published_mpjpe_mm': 1e3 * mpjpe(seen[metric, :, 2:], true[metric, :, 2:]),
                'root_distance_error_mm': 1e3
                * float(np.nanmean(np.abs(seen[metric, 0, 4] - true[metric, 0, 4]))),
            }
        return figures


def _standard_mpjpe_mm(
    seen: NDArray[np.float64], true: NDArray[np.float64], camera: Camera | None
) -> float:
    """MPJPE with the true distance of the root, root-centred."""
    if camera is None:
        return float('nan')
    depth = true[:, :1, 4] + seen[..., 4] - seen[:, :1, 4]  # (N, J)
    placed = np.concatenate([camera.rays(seen[..., :2]), np.ones((*depth.shape, 1))], axis=-1)
    return 1e3 * mpjpe(placed * depth[..., None], true[..., 2:])


def _settled(labels: list[_Label]) -> list[_Label]:
    """Valid labels whose clip lies in the action to `_SHARE` at least, as in the test set."""
    kept, start_ns, current = [], None, None
    for label in labels:
        if label.true != current:
            # The first action began before the film did.
            start_ns = None if current is None else label.stamp_ns
            current = label.true
        if label.shown and (start_ns is None or label.stamp_ns - start_ns >= label.needed_ns):
            kept.append(label)
    return kept


def _accuracy(labels: list[_Label]) -> float:
    return float(np.mean([label.true == label.shown for label in labels]))


def _label_delay_ms(rows: list[list[_Label]]) -> float:
    """Median time from the first frame of an action to the first frame with its label."""
    delays = []
    for labels in rows:
        start_ns, current, waiting = 0, None, False
        for label in labels:
            if label.true != current:
                waiting = current is not None  # the first action began before the film
                current, start_ns = label.true, label.stamp_ns
            if waiting and label.shown == label.true:
                delays.append((label.stamp_ns - start_ns) * 1e-6)
                waiting = False
    return float(np.median(delays)) if delays else float('nan')
