"""The network of Luvizon, Picard and Tabia (CVPR 2018), one file per figure of the paper.

From the bottom up: `layers`, `entry_flow`, `prediction_block` and `pose_net` turn a crop into heat
maps. `soft_argmax` reads joints from them. `action_net` reads actions from clips of joints.
`multitask` is the whole network. `config` has its shape, `checkpoint` stores it in a file, and
`keras_weights` reads the authors' own files.
"""

from pose_action_ros.models.checkpoint import (
    find_weights,
    load_model,
    open_model,
    read_config,
    read_metadata,
    save_model,
)
from pose_action_ros.models.config import ModelConfig
from pose_action_ros.models.multitask import (
    ActionOutput,
    ClipOutput,
    FrameFeatures,
    MultitaskNet,
    PoseOutput,
)

__all__ = [
    'ActionOutput',
    'ClipOutput',
    'FrameFeatures',
    'ModelConfig',
    'MultitaskNet',
    'PoseOutput',
    'find_weights',
    'load_model',
    'open_model',
    'read_config',
    'read_metadata',
    'save_model',
]
