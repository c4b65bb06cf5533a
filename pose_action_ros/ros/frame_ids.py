"""The frames in the headers of an image, its calibration and its depth.

They should agree: depth is registered to the image, and a calibration is that of its camera. A
frame that is empty says nothing about that.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['FrameIds']


@dataclass
class FrameIds:
    """The `frame_id` of the last message of each input.

    Attributes:
        image: Of the image; None before the first.
        camera_info: Of the CameraInfo; empty if it is not known.
        depth: Of the depth image; empty if it is not known.
    """

    image: str | None = None
    camera_info: str = ''
    depth: str = ''

    def problems(self, camera_info_topic: str, depth_topic: str) -> dict[str, str]:
        """Return the frames that do not fit the image, by input; the inputs are used all the same.

        Args:
            camera_info_topic: Topic of the calibration, for the text.
            depth_topic: Topic of the depth image, for the text.
        """
        if self.image is None:
            return {}
        if not self.image:
            return {
                'frame': 'images have no frame (header.frame_id is empty), so people and markers '
                'have none either: set frame_id in the driver'
            }
        found = {}
        if _differ(self.image, self.camera_info):
            found['frame of camera_info'] = (
                f'mismatched CameraInfo: {camera_info_topic} is in frame {self.camera_info!r}, '
                f'the images are in {self.image!r}; is it the CameraInfo of this camera?'
            )
        if _differ(self.image, self.depth):
            found['frame of depth'] = (
                f'{depth_topic} is in frame {self.depth!r}, the images are in {self.image!r}; '
                'align the depth image to the images in the driver'
            )
        return found


def _differ(image: str, other: str) -> bool:
    """Tell whether two frames differ; ROS 1 began names with a slash."""
    return bool(other) and other.removeprefix('/') != image.removeprefix('/')
