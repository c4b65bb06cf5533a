"""How right the node is about the simulated actor, measured through the ROS graph.

Images, results and truth are matched by stamp. The protocol is that of `pose-action evaluate
simulated` (Human3.6M's: true distance of the root, then root-centred), so the two can be
compared; what the node publishes in metres by itself is measured besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.metrics.pose import mpjpe, pck_torso
from pose_action_ros.msg import Pose3D

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.geometry.camera import Camera
    from pose_action_ros.ros.demo_observer import ObservedFrame

__all__ = ['DemoAccuracy', 'joints_from_msg']


class DemoAccuracy:
    """Collects pairs of result and truth."""

    def __init__(self) -> None:
        self._layout = ''
        self._seen: list[NDArray[np.float64]] = []  # (J, 5): u, v, x, y, z
        self._true: list[NDArray[np.float64]] = []
        self._visible: list[NDArray[np.bool_]] = []
        self._metric: list[bool] = []
        self._labels: list[tuple[int, str, str]] = []  # stamp, true, shown ('' while not valid)

    def add(self, frame: ObservedFrame) -> None:
        """Take in one frame; frames without a result or without truth do not count."""
        if frame.true_action is not None and frame.action is not None:
            shown = frame.action.label if frame.action.valid else ''
            self._labels.append((frame.stamp_ns, frame.true_action.label, shown))
        if frame.pose is None or frame.true_pose is None:
            return
        if [j.name for j in frame.pose.joints] != [j.name for j in frame.true_pose.joints]:
            return  # another layout: not comparable joint by joint
        self._layout = frame.pose.layout
        self._seen.append(joints_from_msg(frame.pose))
        self._true.append(joints_from_msg(frame.true_pose))
        self._visible.append(np.array([j.confidence > 0.5 for j in frame.true_pose.joints]))
        self._metric.append(frame.pose.reference == Pose3D.REFERENCE_CAMERA)

    def summary(self, camera: Camera | None) -> dict[str, Any] | None:
        """Return the figures, or None where nothing could be compared.

        Args:
            camera: Intrinsics of the film.
        """
        result: dict[str, Any] = {}
        if self._seen:
            result |= self._pose_figures(camera)
        valid = [(true, shown) for _, true, shown in self._labels if shown]
        if valid:
            names, counts = np.unique([true for true, _ in valid], return_counts=True)
            result |= {
                'action_accuracy': float(np.mean([true == shown for true, shown in valid])),
                'baseline_accuracy': float(counts.max() / len(valid)),
                'labels_compared': len(valid),
                'actions_seen': len(names),
                'label_delay_ms': _label_delay_ms(self._labels),
            }
        return result or None

    def _pose_figures(self, camera: Camera | None) -> dict[str, Any]:
        seen, true = np.stack(self._seen), np.stack(self._true)  # (N, J, 5)
        visible = np.stack(self._visible)
        offset = np.linalg.norm(seen[..., :2] - true[..., :2], axis=-1)
        mean_pose = np.nanmean(true[..., 2:] - true[:, :1, 2:], axis=0)
        metric = np.array(self._metric)
        figures = {
            'frames_compared': len(seen),
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


def joints_from_msg(pose: Pose3D) -> NDArray[np.float64]:
    """Return (J, 5): u, v in pixels, then x, y, z in metres."""
    return np.array(
        [(j.u, j.v, j.position.x, j.position.y, j.position.z) for j in pose.joints], np.float64
    )


def _standard_mpjpe_mm(
    seen: NDArray[np.float64], true: NDArray[np.float64], camera: Camera | None
) -> float:
    """MPJPE with the true distance of the root, root-centred."""
    if camera is None:
        return float('nan')
    depth = true[:, :1, 4] + seen[..., 4] - seen[:, :1, 4]  # (N, J)
    placed = np.concatenate([camera.rays(seen[..., :2]), np.ones((*depth.shape, 1))], axis=-1)
    return 1e3 * mpjpe(placed * depth[..., None], true[..., 2:])


def _label_delay_ms(labels: list[tuple[int, str, str]]) -> float:
    """Median time from the first frame of an action to the first frame with its label."""
    delays, start_ns, current = [], 0, None
    waiting = False
    for stamp_ns, true, shown in labels:
        if true != current:
            waiting = current is not None  # the first action began before the film
            current, start_ns = true, stamp_ns
        if waiting and shown == true:
            delays.append((stamp_ns - start_ns) * 1e-6)
            waiting = False
    return float(np.median(delays)) if delays else float('nan')
