"""Image messages to RGB arrays, by cv_bridge if it is installed.

The package's own decoder (`messages.image`) has the same results and is used in these cases:

* cv_bridge is missing, or was built for numpy 1 and does not load under numpy 2.
* cv_bridge can't read the image: uyvy, yuyv, nv12, nv21, nv24, 8UC1, 8UC3, 8UC4, and big-endian
  pixels under numpy 2.
* cv_bridge would shear the image: rows whose padding is not a whole number of pixels.
* The image has 16 bits: cv_bridge shows images that use only 10 or 12 of them as black.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.geometry.image import bytes_per_pixel
from pose_action_ros.messages.image import is_compressed, rgb_from_msg

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sensor_msgs.msg import CompressedImage, Image

__all__ = ['ImageDecoder']


class ImageDecoder:
    """Decodes image messages.

    Attributes:
        infrared: The images are infrared, `16UC1` among them, as `decode_image` has it.
        decoder: `cv_bridge` or `built-in`.
        reason: Reason for the built-in decoder; empty with cv_bridge.
    """

    def __init__(self) -> None:
        self.infrared = False
        self._bridge, self.reason = _load_cv_bridge()
        self.decoder = 'cv_bridge' if self._bridge else 'built-in'

    def to_rgb(self, msg: Image | CompressedImage) -> NDArray[np.uint8]:
        """Decode a colour or grey image to (H, W, 3) uint8 RGB.

        Raises:
            ImageError: The message is damaged, empty, or no colour image.
        """
        if self._bridge is not None and not is_compressed(msg) and _is_sound(msg):
            try:
                return np.asarray(self._bridge.imgmsg_to_cv2(msg, 'rgb8'))
            except Exception:  # cv2.error, AttributeError and its own
                pass  # our decoder reads it, or names the fault
        return rgb_from_msg(msg, infrared=self.infrared)


def _is_sound(msg: Image) -> bool:
    """Tell whether cv_bridge reads the message correctly."""
    pixel = bytes_per_pixel(msg.encoding)
    if msg.encoding.endswith('16'):
        return False
    without_padding = pixel is not None and msg.step == msg.width * pixel > 0
    return without_padding and msg.height > 0 and len(msg.data) == msg.step * msg.height


def _load_cv_bridge() -> tuple[Any, str]:
    try:
        from cv_bridge import CvBridge
    except ImportError as error:
        return None, f'cv_bridge does not import ({error})'
    except (AttributeError, RuntimeError) as error:
        return None, f'cv_bridge was built for another numpy ({error})'
    return CvBridge(), ''
