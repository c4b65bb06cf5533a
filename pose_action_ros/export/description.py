"""The description for running the network without this package: `model.json`.

Its numbers come from the network. Its sentences describe facts that no graph contains: the input
pixels, the meaning of the outputs, and how frames form a clip.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.geometry import CROP_PX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pose_action_ros.models import ModelConfig
    from pose_action_ros.runtime.tensor_graphs import Graph

__all__ = ['describe_network', 'in_short']

_TENSORS = {
    'crops': 'the person cut out of the image, see `input`',
    'joints': 'x, y and for 3D z of each joint, see `coordinates`',
    'visibility': 'confidence of each joint, 0 to 1',
    'probability': 'the same, sharpened; for `actions` only',
    'joint_features': 'what each joint looks like; for `actions` only',
    'probabilities': 'of each action, in the order of `actions` above; they sum to 1',
}

_INPUT = {
    'layout': f'N x {CROP_PX} rows x {CROP_PX} columns x 3 channels, bytes, contiguous',
    'colours': 'red, green, blue',
    'normalisation': 'inside the graph: bytes go in as they are',
    'resampling': (
        f'bilinear, edges of the window on edges of the crop; where the window is larger than '
        f'{CROP_PX} pixels, low-pass filter first (area averaging will do); black outside of the '
        'image'
    ),
}

_WINDOW = (
    'a square in the image, `left`, `top` and `size` in pixels, about the whole person with some '
    'room: {} times the larger side of the box around all joints'
)

_REFERENCE = (
    'reference.npz: fixed pictures and clips, and what PyTorch makes of them in float32; '
    '`GRAPH.TENSOR` to array, a batch of 4'
)

_COORDINATES = {
    'x, y': (
        'from (0, 0), top left of the crop, to (1, 1), bottom right; in the image '
        'u = left + size * x, v = top + size * y, in pixels; values outside of 0 to 1 do not occur'
    ),
    'z': (
        '3D only: (z - 0.5) * 2 is the depth in metres along the view, from the root joint; '
        'positive is farther away than the root'
    ),
}

_CLIP = {
    'samples': (
        '`clip_frames` samples, oldest first, `clip_period_s` apart; the last one is the newest '
        'frame, each other one the stored frame nearest in time, whatever the frame rate'
    ),
    'joints': (
        'all of them in the crop of the newest frame: map x, y of each stored frame to the image '
        'with the window it was seen in, then x = (u - left) / size, y = (v - top) / size with '
        'the window of the newest frame; z stays; values outside of 0 to 1 are right here'
    ),
    'probability, joint_features': 'as `frames` gave them for that frame',
    'beginning': (
        'before the stored frames reach back far enough the oldest one fills the beginning; '
        'labels are not to be trusted until then'
    ),
    'one person': 'each person has a clip of their own; one row of the batch is one person',
}


def describe_network(
    config: ModelConfig, graphs: Sequence[Graph], files: Mapping[str, str], window_enlarge: float
) -> Any:
    """Return all there is to know, ready for JSON.

    Args:
        config: Of the network.
        graphs: The exported graphs.
        files: Name of a graph to the name of its file.
        window_enlarge: Side of the window over the larger side of the box around all joints.
    """
    skeleton = get_skeleton(config.layout)
    described = {
        'name': config.name,
        'layout': config.layout,
        'dimensions': config.dimensions,
        'joint_names': list(skeleton.joint_names),
        'root_joint': skeleton.root,
        'links': [list(link) for link in skeleton.links],
        'actions': list(config.actions),
        'graphs': {
            graph.name: {
                'file': files[graph.name],
                'inputs': _tensors(graph, config, graph.inputs),
                'outputs': _tensors(graph, config, graph.outputs),
            }
            for graph in graphs
        },
        'reference': _REFERENCE,
        'input': {**_INPUT, 'window': _WINDOW.format(window_enlarge)},
        'coordinates': _COORDINATES,
    }
    if config.actions:
        lengths = {'clip_frames': config.clip_frames, 'clip_period_s': config.clip_period_s}
        described |= {**lengths, 'clip': _CLIP}
    return described


def in_short(described: Mapping[str, Any]) -> dict[str, str]:
    """Return the part that travels inside of each file, as texts; lists are JSON."""
    keys = ('name', 'layout', 'dimensions', 'joint_names', 'root_joint', 'actions')
    short = {
        key: described[key] for key in (*keys, 'clip_frames', 'clip_period_s') if key in described
    }
    short['input'] = ', '.join(
        described['input'][key] for key in ('layout', 'colours', 'normalisation')
    )
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in short.items()
    }


def _tensors(graph: Graph, config: ModelConfig, names: Any) -> dict[str, Any]:
    joints, clip = config.num_joints, [config.clip_frames] if graph.name == 'actions' else []
    shapes = {
        'crops': [CROP_PX, CROP_PX, 3],
        'joints': [*clip, joints, config.dimensions],
        'visibility': [joints],
        'probability': [*clip, joints],
        'joint_features': [*clip, joints, config.joint_channels],
        'probabilities': [len(config.actions)],
    }
    return {
        name: {
            'shape': ['N', *shapes[name]],
            'type': 'uint8' if name == 'crops' else 'float32',
            'meaning': _TENSORS[name],
        }
        for name in names
    }
