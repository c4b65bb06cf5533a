"""The node's settings: every parameter of the ROS interface, its default, text and range.

The groups `clip`, `time`, `track`, `smooth`, `body` and `people` are those of
`inference.settings`, so what the command line and the node use cannot differ.
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
    """Which network runs where."""

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
            'help': 'What runs the network; auto: OpenVINO on a CPU where it is installed, else '
            'torch.',
            'choices': BACKENDS,
        },
    )
    precision: str = field(
        default='auto',
        metadata={
            'at_configure': True,
            'help': 'Of the arithmetic; auto: reduced where the hardware gains by it and joints '
            'and scores stay (docs/performance.md).',
            'choices': PRECISIONS,
        },
    )


@dataclass(frozen=True)
class NodeSettings(MatchSettings, StreamSettings):
    """Parameters of `pose_action_node`; the stream's own groups are inherited."""

    autostart: bool = field(
        default=True,
        metadata={
            'help': 'Configure and activate at start; false leaves it to a lifecycle manager.',
            'read_only': True,
        },
    )
    image_transport: str = field(
        default='raw',
        metadata={
            'at_configure': True,
            'help': 'How the image arrives; compressed subscribes to IMAGE/compressed, after '
            'remapping.',
            'choices': ('raw', 'compressed'),
        },
    )
    image_rectified: bool = field(
        default=False,
        metadata={'help': 'The image is rectified: P of CameraInfo holds, nothing is distorted.'},
    )
    image_infrared: bool = field(
        default=False,
        metadata={
            'at_configure': True,
            'help': 'The image is infrared: 16UC1 is taken as grey, and images of 16 bits are '
            'stretched to their brightest pixels.',
        },
    )
    use_depth: bool = field(
        default=False,
        metadata={
            'at_configure': True,
            'help': 'Take the metric scale from the topic "depth", registered to the image.',
        },
    )
    person_source: str = field(
        default='track',
        metadata={
            'at_configure': True,
            'help': 'Where people are sought: find (many, wherever they are in the image), track '
            '(one person, in the whole image, then around the last pose), roi (one, topic "roi") '
            'or detections (many, topic "people", needs vision_msgs).',
            'choices': ('find', 'track', 'roi', 'detections'),
        },
    )
    target_frame: str = field(
        default='',
        metadata={
            'at_configure': True,
            'help': 'Frame of poses and markers, by tf2 at the stamp of the image; empty: that of '
            'the image.',
        },
    )
    model: ModelSettings = field(default_factory=ModelSettings)
    viz: MarkerSettings = field(default_factory=MarkerSettings)
