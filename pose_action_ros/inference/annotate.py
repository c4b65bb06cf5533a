"""Draws a result into its image: window, skeleton, label; for people, not for measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pose_action_ros.core.skeleton import get_skeleton

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.core.predictions import FramePrediction
    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['annotate', 'draw_skeleton', 'draw_text', 'side_colour']

_RIGHT, _LEFT, _MIDDLE = (255, 120, 40), (40, 170, 255), (90, 230, 90)  # RGB
_WINDOW = (200, 200, 200)


def annotate(image_rgb: NDArray[np.uint8], prediction: FramePrediction) -> NDArray[np.uint8]:
    """Return a copy of the image with every person drawn into it.

    Args:
        image_rgb: (H, W, 3) uint8.
        prediction: The results for it.
    """
    drawn = np.array(image_rgb)
    for person in (*prediction.persons, *prediction.waiting):
        half = person.box.size / 2
        corners = np.rint(
            [
                (person.box.center_x - half, person.box.center_y - half),
                (person.box.center_x + half, person.box.center_y + half),
            ]
        ).astype(int)
        cv2.rectangle(drawn, corners[0].tolist(), corners[1].tolist(), _WINDOW, 1)
        draw_skeleton(drawn, person.joints_image_px, get_skeleton(person.layout))
        text = f'{person.track_id}'
        if person.action is not None:
            best, carried = person.action.best, person.action.carried
            label = f'{person.action.labels[best]} {person.action.scores[best]:.0%}'
            text += f' {label}' if carried else ' ...'
            text += '' if person.action.valid else ' (clip not full)'
        x, y = np.clip(corners[0], 4, None).tolist()
        draw_text(drawn, text, (x, y + 18))
    return drawn


def draw_skeleton(
    image_rgb: NDArray[np.uint8],
    joints_px: NDArray[np.floating],
    skeleton: Skeleton,
    colour: tuple[int, int, int] | None = None,
) -> None:
    """Draw bones and joints into an image, in place.

    Args:
        image_rgb: (H, W, 3) uint8.
        joints_px: (J, 2) pixels; joints that are NaN are skipped.
        skeleton: The layout.
        colour: One RGB colour for everything; by default right, left and middle differ.
    """
    scale = max(image_rgb.shape[0] / 480.0, 0.5)
    seen = np.isfinite(joints_px).all(axis=1)
    points = np.rint(np.nan_to_num(np.clip(joints_px, -1e4, 1e4))).astype(int).tolist()
    for start, end in skeleton.drawn_links:
        if seen[start] and seen[end]:
            bone = colour or side_colour(skeleton.joint_names[end])
            cv2.line(
                image_rgb, points[start], points[end], bone, max(1, round(2 * scale)), cv2.LINE_AA
            )
    for name, point, visible in zip(skeleton.joint_names, points, seen, strict=True):
        if visible:
            dot = colour or side_colour(name)
            cv2.circle(image_rgb, point, max(2, round(3 * scale)), dot, -1, cv2.LINE_AA)


def draw_text(
    image_rgb: NDArray[np.uint8],
    text: str,
    origin: tuple[int, int],
    colour: tuple[int, int, int] = (255, 255, 255),
) -> None:
    """Write a line with a dark rim, its lower left corner at `origin`, in place."""
    scale = max(image_rgb.shape[0] / 480.0, 0.6) * 0.55
    for rim, tint in ((4, (0, 0, 0)), (1, colour)):
        cv2.putText(
            image_rgb, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, tint, rim, cv2.LINE_AA
        )


def side_colour(joint_name: str) -> tuple[int, int, int]:
    """Return the RGB colour of a joint: right orange, left blue, middle green."""
    if joint_name.startswith('right_'):
        return _RIGHT
    return _LEFT if joint_name.startswith('left_') else _MIDDLE
