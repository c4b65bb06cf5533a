"""All parameters of `camera_node` with default, description and range."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ['CameraSettings']


@dataclass(frozen=True)
class CameraSettings:
    """Parameters of `camera_node`."""

    source: str = field(
        default='synthetic',
        metadata={
            'help': 'Source of the images: "synthetic" (the simulated actor), a video file, a '
            'folder of images, or a device number.',
            'read_only': True,
        },
    )
    frame_id: str = field(
        default='camera_optical_frame',
        metadata={'help': 'Frame of the images: x right, y down, z forward.', 'read_only': True},
    )
    world_frame_id: str = field(
        default='world',
        metadata={
            'help': 'Frame on the ground below the camera, x ahead, z up. If tf2_msgs is '
            'installed, a static transform places the camera in it. Empty: no transform.',
            'read_only': True,
        },
    )
    camera_height_m: float = field(
        default=1.2,
        metadata={
            'help': 'Height of the camera of a file or device above the ground, metres; it is '
            'assumed level. The simulated actor has its own camera.',
            'min': 0.0,
            'max': 100.0,
            'read_only': True,
        },
    )
    rate_hz: float = field(
        default=0.0,
        metadata={
            'help': "Images per second; 0: the film's own rate.",
            'min': 0.0,
            'max': 240.0,
            'read_only': True,
        },
    )
    width: int = field(
        default=640,
        metadata={
            'help': 'Width of the images of a device or of the actor, pixels.',
            'min': 16,
            'max': 7680,
            'read_only': True,
        },
    )
    height: int = field(
        default=480,
        metadata={
            'help': 'Height of the images of a device or of the actor, pixels.',
            'min': 16,
            'max': 4320,
            'read_only': True,
        },
    )
    loop: bool = field(
        default=True,
        metadata={'help': 'Repeat a file or folder at its end.', 'read_only': True},
    )
    seed: int = field(
        default=1,
        metadata={
            'help': 'Selects the actor, the scene and the order of the actions.',
            'min': 0,
            'max': 2**31 - 1,
            'read_only': True,
        },
    )
    actors: int = field(
        default=1,
        metadata={
            'help': 'Number of simulated actors. Several walk across each other.',
            'min': 1,
            'max': 6,
            'read_only': True,
        },
    )
    visitor: bool = field(
        default=True,
        metadata={
            'help': 'With one simulated actor: a second one comes for 5 s of every 15 s.',
            'read_only': True,
        },
    )
    field_of_view_deg: float = field(
        default=0.0,
        metadata={
            'help': 'Horizontal field of view of a file or device, degrees; CameraInfo follows '
            'from it. 0: unknown, so CameraInfo is uncalibrated.',
            'min': 0.0,
            'max': 150.0,
            'read_only': True,
        },
    )
