"""Metrics: how far joints are off, how often labels are right; numpy, the field's names.

Targets that are not known are NaN and never count; predictions that are missing are NaN too, and
each metric says what they cost. All values are plain floats, NaN if nothing can be judged.

torchmetrics has no MPJPE or PCK, and it belongs to the extra `train`, which the demo's scores do
not need.
"""

from pose_action_ros.metrics.action import accuracy, confusion_matrix, multiply_clips
from pose_action_ros.metrics.pose import (
    auc,
    head_size,
    joint_errors,
    mpjpe,
    p_mpjpe,
    pck,
    pck3d,
    pck_torso,
    pckh,
)

__all__ = [
    'accuracy',
    'auc',
    'confusion_matrix',
    'head_size',
    'joint_errors',
    'mpjpe',
    'multiply_clips',
    'p_mpjpe',
    'pck',
    'pck3d',
    'pck_torso',
    'pckh',
]
