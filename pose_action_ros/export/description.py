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
    'probability': 'the same, sharpened; an input of `actions` only',
    'joint_features': 'appearance of each joint; an input of `actions` only',
    'probabilities': 'of each action, in the order of `actions` above; they sum to 1',
}

_INPUT = {
    'layout': f'N x {CROP_PX} rows x {CROP_PX} columns x 3 channels, bytes, contiguous',
    'colours': 'red, green, blue',
    'normalisation': 'inside the graph: it takes bytes',
    'resampling': (
        'bilinear; the edges of the window are the edges of the crop. If the window is larger '
        f'than {CROP_PX} pixels, apply a low-pass filter first (area averaging is enough). '
        'Pixels outside the image are black'
    ),
}

_WINDOW = (
    'a square in the image, `left`, `top` and `size` in pixels, around the whole person with a '
    'margin: {} times the larger side of the box around all joints'
)

_REFERENCE = (
    'reference.npz: fixed pictures and clips, and the results of PyTorch in float32; '
    'arrays of a batch of 4, by `GRAPH.TENSOR`'
)

_COORDINATES = {
    'x, y': (
        'from (0, 0), top left of the crop, to (1, 1), bottom right; in the image '
        'u = left + size * x, v = top + size * y, in pixels; all values are from 0 to 1'
    ),
    'z': (
        '3D only: (z - 0.5) * 2 is the depth in metres along the view, from the root joint; '
        'positive is farther away than the root'
    ),
}

_CLIP = {
    'samples': (
        '`clip_frames` samples, oldest first, `clip_period_s` apart; the last one is the newest '
        'frame, each other one is the stored frame nearest in time, for any frame rate'
    ),
    'joints': (
        'all of them in the crop of the newest frame: map x, y of each stored frame to the image '
        'with the window of that frame, then x = (u - left) / size, y = (v - top) / size with '
        'the window of the newest frame; z stays; values below 0 and above 1 are correct here'
    ),
    'probability, joint_features': 'the output of `frames` for that frame',
    'beginning': (
        'until the stored frames cover a whole clip, the oldest one fills the beginning and the '
        'labels are unreliable'
    ),
    'one person': 'each person has a separate clip; one row of the batch is one person',
}


def describe_network(
    config: ModelConfig, graphs: Sequence[Graph], files: Mapping[str, str], window_enlarge: float
) -> Any:
    """Return the whole description, ready for JSON.

    Args:
        config: Of the network.
        graphs: The exported graphs.
        files: Names of the files by graph.
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
    """Return the part that is stored inside each file, as texts; lists are JSON."""
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
