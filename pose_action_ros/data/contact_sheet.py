"""A picture of many samples with their skeletons: it shows at a glance if data is read right.

Right limbs are red, left limbs are green, the middle is white. A filled dot is a joint in the
crop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pose_action_ros.geometry.media import write_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton

__all__ = ['contact_sheet', 'draw_sample', 'save_sheet']

_RIGHT, _LEFT, _MIDDLE = (255, 80, 60), (80, 230, 80), (255, 255, 255)
_CAPTION_PX = 18
_WEBP_QUALITY = 75  # by default WebP is lossless, and twenty times as large


def draw_sample(sample: Mapping[str, Any], skeleton: Skeleton) -> NDArray[np.uint8]:
    """Return (H, W, 3) RGB: a crop with its joints.

    Args:
        sample: A `PoseSample`.
        skeleton: Its layout.
    """
    image = np.ascontiguousarray(sample['crop'].numpy().transpose(1, 2, 0))
    points = sample['joints_crop'][..., :2].numpy() * image.shape[0]
    valid = np.isfinite(points).all(-1)
    for one, other in skeleton.links:
        if valid[one] and valid[other]:
            ends = [tuple(int(v) for v in points[i]) for i in (one, other)]
            cv2.line(image, *ends, _colour(skeleton.joint_names[other]), 2, cv2.LINE_AA)
    for name, point, known in zip(skeleton.joint_names, points, valid, strict=True):
        if known:
            place = (int(point[0]), int(point[1]))
            cv2.circle(image, place, 4, (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(image, place, 3, _colour(name), -1, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


def contact_sheet(
    samples: Sequence[Mapping[str, Any]],
    captions: Sequence[str],
    skeleton: Skeleton,
    columns: int = 6,
) -> NDArray[np.uint8]:
    """Return (H, W, 3) RGB: all samples in rows.

    Args:
        samples: `PoseSample`s, at least one.
        captions: One line for each.
        skeleton: Their layout.
        columns: Samples per row.
    """
    tiles = []
    for sample, caption in zip(samples, captions, strict=True):
        image = draw_sample(sample, skeleton)
        strip = np.zeros((_CAPTION_PX, image.shape[1], 3), np.uint8)
        place = (3, _CAPTION_PX - 5)
        readable = caption.encode('ascii', 'replace').decode()  # OpenCV's font has no more
        cv2.putText(strip, readable, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, _MIDDLE, 1, cv2.LINE_AA)
        tiles.append(np.concatenate([strip, image]))
    columns = min(columns, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [
        np.concatenate(tiles[at : at + columns], axis=1) for at in range(0, len(tiles), columns)
    ]
    return np.asarray(np.concatenate(rows), np.uint8)


def save_sheet(image: NDArray[np.uint8], path: Path) -> None:
    """Write an RGB picture in the format of the name's ending; create its folder.

    Raises:
        ImageError: The ending is unknown, or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY] if path.suffix.lower() == '.webp' else []
    write_picture(path, image, quality)


def _colour(joint_name: str) -> tuple[int, int, int]:
    side = joint_name.partition('_')[0]
    return {'right': _RIGHT, 'left': _LEFT}.get(side, _MIDDLE)
