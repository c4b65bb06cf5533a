"""Inference: image in, `FramePrediction` out; the whole product without ROS.

`stream` is the way in. It asks `people`, the one registry of who is followed, where to look, and
lets `runtime` run the network on those windows. A `person` has a `motion`, a `clip_buffer` of
recent features, and the filters of `smoothing`. `image_clock` says which stamps count. `settings`
holds every default, `annotate` draws a result, and `still_images` counts who is found in a
photograph.
"""

from pose_action_ros.inference.annotate import annotate
from pose_action_ros.inference.settings import StreamSettings
from pose_action_ros.inference.stream import PoseActionStream

__all__ = ['PoseActionStream', 'StreamSettings', 'annotate']
