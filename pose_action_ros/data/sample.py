"""The contract between data sets and training: the fields of a sample.

Every reader, simulated or recorded, yields these. Coordinates are those of the network
(`joints_crop`): x, y in the crop from 0 (left, top edge) to 1 (right, bottom edge); z in a box of
2 m about the root joint, `z = depth_from_root_m / 2 + 0.5`, so the root plane is 0.5. Joints that
are not annotated, or fall outside the crop, are NaN; the loss ignores them. If the training device
renders, samples of the simulated actor have `simulated_crops.CropShots` as `shots` in place of
`crop`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ['ClipSample', 'PoseSample']


class PoseSample(TypedDict):
    """One person in one image.

    Attributes:
        crop: (3, 256, 256) uint8 RGB.
        joints_crop: (J, D) float32, NaN if invalid; D = 2 or 3.
        visibility: (J,) float32; 1 strictly inside the crop, 0 outside, NaN if unknown.
        image_to_crop: (3, 3) float64, source pixels to crop coordinates.
        joints_camera_m: (J, 3) float32 true joints in the camera's optical frame, or NaN.
        intrinsics: (4,) float32 fx, fy, cx, cy of the source image; NaN if unknown.
        depth_is_hint: () bool; z is another network's guess, which training trusts less.
    """

    crop: Tensor
    joints_crop: Tensor
    visibility: Tensor
    image_to_crop: Tensor
    joints_camera_m: Tensor
    intrinsics: Tensor
    depth_is_hint: Tensor


class ClipSample(TypedDict):
    """One person over T frames: the fields of `PoseSample` with a leading T, and the action.

    Attributes:
        crop: (T, 3, 256, 256) uint8 RGB.
        joints_crop: (T, J, D) float32, NaN if invalid.
        visibility: (T, J) float32.
        image_to_crop: (T, 3, 3) float64.
        joints_camera_m: (T, J, 3) float32.
        intrinsics: (4,) float32.
        depth_is_hint: () bool.
        action: () int64, index into the vocabulary.
    """

    crop: Tensor
    joints_crop: Tensor
    visibility: Tensor
    image_to_crop: Tensor
    joints_camera_m: Tensor
    intrinsics: Tensor
    depth_is_hint: Tensor
    action: Tensor
