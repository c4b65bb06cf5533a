"""From the network's 2.5D pose to metres: about the root, and in the camera's frame.

The network gives x, y in the crop and a depth relative to the root joint, in metres (z runs over
a box of 2 m). Only the distance of the root is missing. It comes from a depth image if there is
one, otherwise from the lengths of the bones and the intrinsics. Without a camera only the pose
relative to the root is known. Frames and limits: docs/coordinates.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pose_action_ros.core.predictions import ScaleSource
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.geometry.body import BodyPrior, segment_matrix
from pose_action_ros.geometry.root_covariance import root_covariance
from pose_action_ros.geometry.scale_fit import Segments, fit_scale

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pose_action_ros.geometry.camera import Camera

__all__ = [
    'DEPTH_BOX_M',
    'SURFACE_TO_JOINT_M',
    'Location',
    'Pose25D',
    'depth_from_root',
    'localize',
    'localize_by_body',
    'localize_by_depth',
    'root_relative',
]

DEPTH_BOX_M = 2.0
"""Depth that z from 0 to 1 spans, centred on the root."""

SURFACE_TO_JOINT_M = 0.15
"""Distance of a joint of the trunk behind the surface that a depth camera sees, averaged over all
viewing directions of an adult. Half of the depth of the hips is about 0.10 m, and half of their
breadth 0.17 m. From the side an arm may hang in front of them. So it is uncertain by 0.05 m."""

_SURFACE_SIGMA_M = 0.05
_VOTE_SIGMA_M = 0.02  # of one vote, if all agree by chance
_TRUNK_JOINTS = ('pelvis', 'spine', 'thorax', 'right_hip', 'left_hip')
_MIN_PATCH_SHARE = 0.2  # of the pixels around a joint must carry a depth
_FITTING_WINDOW = 1.5  # side of a window over the extent of its person
_ROOT_NOISE_PX = 1.0  # of the root in an image of any size: its resolution
_ROOT_NOISE_OVER_EXTENT = 0.006  # of the root, which lies between the joints
_MIN_NOISE_PX = 0.1  # a person of a few pixels has no measurable bones
_PATCH_OVER_HEIGHT = 0.02  # half a patch over the height of the person in the image


@dataclass(frozen=True, eq=False)
class Pose25D:
    """One person as the network sees it.

    Attributes:
        layout: Name of the joint layout; it has a root.
        joints_image_px: (J, 2) pixels of the source image; NaN if missing.
        depth_m: (J,) depth relative to the root in metres (`depth_from_root`).
        confidence: (J,) 0 to 1.
        min_confidence: Joints below do not vote on the scale; they are still converted.
        noise_px: One sigma of a joint in the image; None for 1.5 % of the person's extent.
        window_px: Side of the window that the network saw; None for one that fits the person.
        noise_depth_m: One sigma of a joint's depth.
    """

    layout: str
    joints_image_px: NDArray[np.floating]
    depth_m: NDArray[np.floating]
    confidence: NDArray[np.floating]
    min_confidence: float = 0.3
    noise_px: float | None = None
    window_px: float | None = None
    noise_depth_m: float = 0.04

    @property
    def root(self) -> int:
        """Index of the root joint."""
        return get_skeleton(self.layout).root or 0

    @property
    def finite(self) -> NDArray[np.bool_]:
        """(J,) bool, the joints with finite numbers."""
        numbers = np.column_stack([self.joints_image_px, self.depth_m])
        return np.asarray(np.isfinite(numbers).all(axis=1))

    @property
    def extent_px(self) -> float:
        """Larger side of the box around the joints, 0 without joints."""
        points = np.asarray(self.joints_image_px, np.float64)[self.finite]
        return float(np.ptp(points, axis=0).max()) if len(points) else 0.0

    @property
    def sigma_px(self) -> float:
        """`noise_px`, or its default."""
        return (
            max(0.015 * self.extent_px, _MIN_NOISE_PX) if self.noise_px is None else self.noise_px
        )

    @property
    def root_sigma_px(self) -> float:
        """One sigma of the root in the image."""
        return float(np.hypot(_ROOT_NOISE_PX, _ROOT_NOISE_OVER_EXTENT * self.extent_px))

    @property
    def looseness(self) -> float:
        """Noise of the joints relative to a window that fits, at least 1.

        In the window that searches a whole image a person covers few of the network's pixels.
        """
        if self.window_px is None or self.extent_px <= 0.0:
            return 1.0
        return max(1.0, self.window_px / (_FITTING_WINDOW * self.extent_px)) ** 2


def _unknown_covariance() -> NDArray[np.float64]:
    return np.full((3, 3), np.nan)


class _Distance(NamedTuple):
    """Sigmas of a root's distance along the optical axis, metres: total, and the changing part."""

    depth_m: float
    sigma_m: float
    noise_m: float


@dataclass(frozen=True, eq=False)
class Location:
    """A pose in metres.

    Attributes:
        joints_root_m: (J, 3) float32 relative to the root, camera axes; None if not even the
            scale is known.
        joints_camera_m: (J, 3) float32 in the optical frame, or None.
        scale_source: Source of the metres.
        root_depth_m: Distance of the root along the optical axis, NaN if unknown.
        root_depth_sigma_m: One standard deviation of it, NaN if unknown.
        root_m: (3,) float64, the root in the optical frame; NaN if unknown.
        root_covariance_m2: (3, 3) float64, optical frame: covariance of `root_m`. NaN if
            unknown.
        root_noise_m2: (3, 3) float64: the part of it that changes from image to image, without
            the error that all images of a person share.
        reason: The reason if something is None, or if a depth image was given and the distance is
            not from it; otherwise empty.
    """

    joints_root_m: NDArray[np.float32] | None = None
    joints_camera_m: NDArray[np.float32] | None = None
    scale_source: ScaleSource = ScaleSource.NONE
    root_depth_m: float = float('nan')
    root_depth_sigma_m: float = float('nan')
    root_m: NDArray[np.float64] = field(default_factory=lambda: np.full(3, np.nan))
    root_covariance_m2: NDArray[np.float64] = field(default_factory=_unknown_covariance)
    root_noise_m2: NDArray[np.float64] = field(default_factory=_unknown_covariance)
    reason: str = ''


def depth_from_root(joints_crop: ArrayLike) -> NDArray[np.float64]:
    """Return the depth relative to the root, metres, (...) from joints (..., 3) of a 3D model."""
    return DEPTH_BOX_M * (np.asarray(joints_crop, np.float64)[..., 2] - 0.5)


def localize(
    pose: Pose25D,
    *,
    camera: Camera | None = None,
    depth_image_m: NDArray[np.float32] | None = None,
    body: BodyPrior | None = None,
) -> Location:
    """Use the best source of distance: depth image, bone lengths, or none without a camera.

    Args:
        pose: The person.
        camera: Intrinsics of the image, or None if unknown.
        depth_image_m: (H, W) depth registered to the image, NaN invalid; needs `camera`.
        body: Assumed size of the person.

    Returns:
        The pose in metres as far as it can be known.
    """
    body = body or BodyPrior()
    if camera is None:
        return root_relative(pose, body)
    no_depth = ''
    if depth_image_m is not None:
        location = localize_by_depth(pose, camera, depth_image_m)
        if location.joints_camera_m is not None:
            return location
        no_depth = location.reason
    location = localize_by_body(pose, camera, body)
    if location.joints_camera_m is not None:
        instead = f'{no_depth}, so the distance comes from bone lengths' if no_depth else ''
        return replace(location, reason=instead)
    reason = '; '.join(filter(None, (no_depth, location.reason)))
    return replace(root_relative(pose, body), reason=f'the distance is unknown: {reason}')


def localize_by_body(pose: Pose25D, camera: Camera, body: BodyPrior | None = None) -> Location:
    """Find the distance at which the bones have the lengths of a body; then full perspective.

    Args:
        pose: The person.
        camera: Intrinsics of the image.
        body: Assumed size; its error goes into the distance in proportion.

    Returns:
        The pose in both frames, or a `Location` with a reason and no joints.
    """
    body = body or BodyPrior()
    rays = camera.rays(pose.joints_image_px)
    focal = float(np.sqrt(camera.fx * camera.fy))
    fit = fit_scale(_segments(pose, rays, pose.depth_m, pose.sigma_px / focal, body))
    if fit.reason:
        return Location(reason=fit.reason)
    sigma = float(np.hypot(fit.sigma, body.height_sigma * fit.scale))
    distance = _Distance(fit.scale, sigma, fit.noise_sigma)
    return _perspective(pose, camera, rays, distance, ScaleSource.BODY)


def localize_by_depth(
    pose: Pose25D, camera: Camera, depth_image_m: NDArray[np.float32]
) -> Location:
    """Take the distance from a registered depth image at the joints of the trunk.

    Each confident joint of the trunk votes: median of the valid depths in a patch around it, plus
    `SURFACE_TO_JOINT_M`, minus its own depth relative to the root. The median vote wins, so an
    arm in front of one joint or a hole in the depth image does no harm.

    Args:
        pose: The person.
        camera: Intrinsics of the image.
        depth_image_m: (H, W) metres, NaN invalid, registered to the image of `pose`.

    Returns:
        The pose in both frames, or a `Location` with a reason and no joints.
    """
    skeleton = get_skeleton(pose.layout)
    usable = pose.finite & (pose.confidence >= pose.min_confidence)
    trunk = np.flatnonzero(usable & np.isin(skeleton.joint_names, _TRUNK_JOINTS))
    if not trunk.size:
        return Location(reason='no joint of the trunk is seen well enough')
    half = max(1, round(_PATCH_OVER_HEIGHT * pose.extent_px))
    surface = _patch_medians(depth_image_m, pose.joints_image_px[trunk], half)
    votes = surface + SURFACE_TO_JOINT_M - np.asarray(pose.depth_m)[trunk]
    votes = votes[np.isfinite(votes)]
    if not votes.size:
        return Location(reason='the depth camera does not measure the trunk of the person')
    depth = float(np.median(votes))
    scatter = 1.4826 * float(np.median(np.abs(votes - depth)))
    noise = float(np.hypot(_VOTE_SIGMA_M, scatter) / np.sqrt(votes.size))
    sigma = float(np.hypot(_SURFACE_SIGMA_M, noise))
    rays = camera.rays(pose.joints_image_px)
    return _perspective(pose, camera, rays, _Distance(depth, sigma, noise), ScaleSource.DEPTH)


def root_relative(pose: Pose25D, body: BodyPrior | None = None) -> Location:
    """Without a camera: one scale for the whole person (weak perspective), about the root.

    Args:
        pose: The person.
        body: Assumed size.

    Returns:
        `joints_root_m` only, or a `Location` with a reason and no joints.
    """
    body = body or BodyPrior()
    pixels = np.asarray(pose.joints_image_px, np.float64)
    depth = np.asarray(pose.depth_m, np.float64)
    fit = fit_scale(_segments(pose, pixels, np.zeros(len(depth)), pose.sigma_px, body))
    if fit.reason:
        return Location(reason=fit.reason)
    if not pose.finite[pose.root]:
        return Location(reason='the root joint is missing')
    joints = np.column_stack([fit.scale * pixels, depth])
    return Location(
        joints_root_m=(joints - joints[pose.root]).astype(np.float32),
        scale_source=ScaleSource.BODY,
        reason='no camera: intrinsics are needed for the camera frame',
    )


def _segments(
    pose: Pose25D,
    plane: NDArray[np.floating],
    plane_depth_m: NDArray[np.floating],
    sigma: float,
    body: BodyPrior,
) -> Segments:
    """The segments whose joints are all confident; `plane` is rays, or pixels for no camera."""
    matrix = segment_matrix(pose.layout)
    usable = pose.finite & (pose.confidence >= pose.min_confidence)
    usable &= np.isfinite(plane).all(axis=-1)
    keep = ~(matrix[:, ~usable] != 0.0).any(axis=1)
    matrix = np.where(usable, matrix, 0.0)[keep]
    points = np.where(usable[:, None], plane, 0.0).astype(np.float64)
    shift = np.where(usable, plane_depth_m, 0.0)
    return Segments(
        across_slope=matrix @ points,
        across_offset=matrix @ (points * shift[:, None]),
        along=matrix @ np.where(usable, pose.depth_m, 0.0),
        length=body.lengths_m[keep],
        length_sigma=body.segment_sigma,
        noise_gain=(matrix**2).sum(axis=1),
        slope_sigma=sigma,
        along_sigma=pose.noise_depth_m,
    )


def _perspective(
    pose: Pose25D,
    camera: Camera,
    rays: NDArray[np.float64],
    distance: _Distance,
    source: ScaleSource,
) -> Location:
    depth = distance.depth_m + np.asarray(pose.depth_m, np.float64)
    depth = np.where((depth > 0.0) & np.isfinite(rays).all(axis=1), depth, np.nan)
    joints = np.concatenate([rays, np.ones((len(rays), 1))], axis=1) * depth[:, None]
    noise_m = pose.looseness * distance.noise_m
    sigma_m = float(np.sqrt(distance.sigma_m**2 - distance.noise_m**2 + noise_m**2))
    known, changing = (
        root_covariance(
            camera,
            pose.joints_image_px[pose.root],
            depth_m=distance.depth_m,
            depth_sigma_m=along_m,
            sigma_px=pose.looseness * pose.root_sigma_px,
        )
        for along_m in (sigma_m, noise_m)
    )
    return Location(
        joints_root_m=(joints - joints[pose.root]).astype(np.float32),
        joints_camera_m=joints.astype(np.float32),
        scale_source=source,
        root_depth_m=distance.depth_m,
        root_depth_sigma_m=sigma_m,
        root_m=joints[pose.root],
        root_covariance_m2=known,
        root_noise_m2=changing,
    )


def _patch_medians(
    depth_m: NDArray[np.float32], centers_px: NDArray[np.floating], half: int
) -> NDArray[np.float64]:
    """(N,) median of the valid depths around each centre; NaN if too few are valid."""
    height, width = depth_m.shape
    offsets = np.arange(-half, half + 1)
    columns = np.rint(centers_px[:, 0]).astype(int)[:, None] + offsets  # (N, P)
    rows = np.rint(centers_px[:, 1]).astype(int)[:, None] + offsets
    inside = ((rows >= 0) & (rows < height))[:, :, None]
    inside = inside & ((columns >= 0) & (columns < width))[:, None, :]
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    patches = depth_m[rows[:, :, None], columns[:, None, :]].astype(np.float64)
    patches = np.sort(np.where(inside, patches, np.nan).reshape(len(patches), -1), axis=1)
    valid = np.isfinite(patches).sum(axis=1)  # NaN sorts last
    middle = patches[np.arange(len(patches)), np.maximum(valid - 1, 0) // 2]
    return np.where(valid >= _MIN_PATCH_SHARE * patches.shape[1], middle, np.nan)
