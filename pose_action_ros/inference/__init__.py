"""Inference: image in, `FramePrediction` out; the whole product without ROS.

`stream` is the way in. It asks `tracker` where the person is, lets `runtime` run the network on
that crop, keeps each person's recent features in a `clip_buffer`, and steadies what is shown
with `smoothing`. `image_clock` says which stamps count, `matching` and `side_inputs` what belongs
to an image beside its pixels. `settings` holds every default, `annotate` draws a result.
"""

from pose_action_ros.inference.annotate import annotate
from pose_action_ros.inference.settings import StreamSettings
from pose_action_ros.inference.stream import PoseActionStream

__all__ = ['PoseActionStream', 'StreamSettings', 'annotate']
