"""Geometry: turns images and boxes into crops and metres; numpy and OpenCV only.

In the order of a frame: `image` turns images of ROS into RGB or metres of depth (with `image_file`
and `compressed_depth` for compressed images). `image_source` opens a film, a folder, a picture or
a camera; `film` reads films and `film_writer` writes them. `crop` cuts the person's square out and
maps points both ways. `camera` (with `distortion`) describes the lens, and `camera_placement` its
position. `localize` turns the network's joints into metres. Human3.6M's own camera is in
`human36m_camera`. Frames and pixel conventions: docs/coordinates.md.
"""

from pose_action_ros.geometry.body import BodyPrior
from pose_action_ros.geometry.camera import Camera
from pose_action_ros.geometry.compressed_depth import decode_compressed_depth
from pose_action_ros.geometry.crop import (
    CROP_PX,
    CropTransform,
    box_around,
    crop_transform,
    extract_crop,
    normalise,
    whole_image_box,
)
from pose_action_ros.geometry.film import Film
from pose_action_ros.geometry.human36m_camera import Human36mCamera
from pose_action_ros.geometry.image import decode_compressed, decode_depth, decode_image
from pose_action_ros.geometry.localize import Location, Pose25D, depth_from_root, localize

__all__ = [
    'CROP_PX',
    'BodyPrior',
    'Camera',
    'CropTransform',
    'Film',
    'Human36mCamera',
    'Location',
    'Pose25D',
    'box_around',
    'crop_transform',
    'decode_compressed',
    'decode_compressed_depth',
    'decode_depth',
    'decode_image',
    'depth_from_root',
    'extract_crop',
    'localize',
    'normalise',
    'whole_image_box',
]
