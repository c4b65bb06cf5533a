"""All parameters of the node with default, description and range.

The groups `clip`, `time`, `track`, `find`, `smooth`, `body` and `detections` are those of
`inference.settings`, so the command line and the node use the same defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pose_action_ros.core.weights import FINDER_WEIGHTS, SHIPPED_WEIGHTS
from pose_action_ros.inference.settings import StreamSettings
from pose_action_ros.messages.markers import MarkerSettings
from pose_action_ros.messages.matched_inputs import MatchSettings
from pose_action_ros.runtime.network import BACKENDS, PRECISIONS

__all__ = ['ModelSettings', 'NodeSettings']


@dataclass(frozen=True)
class ModelSettings:
    """The network, and the device that runs it."""

    weights: str = field(
        default=SHIPPED_WEIGHTS,
        metadata={
            'at_configure': True,
            'help': 'Weights: "people", "demo" (the simulated actor alone), a .safetensors file, '
            'a fetched preset (mpii, h36m, penn_action, ntu), or "untrained:PRESET" for random '
            'weights.',
        },
    )
    finder: str = field(
        default=FINDER_WEIGHTS,
        metadata={
            'at_configure': True,
            'help': 'Weights of the finder, for person_source "find": "finder" or a .safetensors '
            'file.',
        },
    )
    device: str = field(
        default='auto',
        metadata={
            'at_configure': True,
            'help': '"auto", "cpu", "cuda" or "cuda:N"; auto prefers a GPU.',
        },
    )
    threads: int = field(
        default=0,
        metadata={
            'at_configure': True,
            'help': 'CPU threads of the network; 0: all cores.',
            'min': 0,
            'max': 256,
        },
    )
    backend: str = field(
        default='auto',
        metadata={
            'at_configure': True,
            'help': 'Library that runs the network; auto: OpenVINO on a CPU if it is installed, '
            'otherwise torch.',
            'choices': BACKENDS,
        },
    )
    precision: str = field(
        default='auto',
        metadata={
            'at_configure': True,
            'help': 'Numeric precision; auto: reduced if it is faster and within the accuracy '
            'limits (docs/performance.md).',
            'choices': PRECISIONS,
        },
    )


@dataclass(frozen=True)
class NodeSettings(MatchSettings, StreamSettings):
    """Parameters of `pose_action_node`; the stream's own groups are inherited."""

    autostart: bool = field(
        default=True,
        metadata={
            'help': 'Configure and activate at the start; false: a lifecycle manager does it.',
            'read_only': True,
        },
    )
    image_transport: str = field(
        default='raw',
        metadata={
            'at_configure': True,
            'help': 'Transport of the image; compressed subscribes to IMAGE/compressed, where '
            'IMAGE is the remapped topic.',
            'choices': ('raw', 'compressed'),
        },
    )
    image_rectified: bool = field(
        default=False,
        metadata={'help': 'The image is rectified: use P of CameraInfo, and no distortion.'},
    )
    image_infrared: bool = field(
        default=False,
        metadata={
            'at_configure': True,
            'help': 'The image is infrared: read 16UC1 as grey, and scale 16-bit images to their '
            'brightest pixels.',
        },
    )
    use_depth: bool = field(
        default=False,
        metadata={
            'at_configure': True,
            'help': 'Take distances from the topic "depth", registered to the image.',
        },
    )
    person_source: str = field(
        default='track',
        metadata={
            'at_configure': True,
            'help': 'Source of the windows around people: find (several people, found in the '
            'whole image), track (one person, found in the whole image), roi (one person, topic '
            '"roi") or detections (several people, topic "detections", needs vision_msgs).',
            'choices': ('find', 'track', 'roi', 'detections'),
        },
    )
    target_frame: str = field(
        default='',
        metadata={
            'at_configure': True,
            'help': 'Frame of people, poses and markers, by tf2 at the stamp of the image; empty: '
            'the frame of the image.',
        },
    )
    publish_tf: bool = field(
        default=False,
        metadata={
            'at_configure': True,
            'help': 'Publish the frame person_TRACK_ID of each person on /tf, at the pelvis; '
            'needs tf2_ros.',
        },
    )
    model: ModelSettings = field(default_factory=ModelSettings)
    viz: MarkerSettings = field(default_factory=MarkerSettings)
