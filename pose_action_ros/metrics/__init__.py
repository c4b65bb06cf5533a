"""Metrics: errors of joints and rates of correct labels, in numpy, under their usual names.

Unknown targets are NaN and never count. Missing predictions are NaN too; each metric states their
effect. All values are plain floats, NaN if nothing can be judged.

torchmetrics has no MPJPE or PCK, and it belongs to the extra `train`, which the scores of the demo
do not need.
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
