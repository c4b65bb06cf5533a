"""Messages: results to messages and messages to inputs, once for all libraries of messages.

rclpy and rosbags have classes of their own for the same message types. A `MessageMaker` makes a
message by its name, and every `..._to_msg` function takes one. Messages are read by the names of
their fields, so every `..._from_msg` function takes those of both. The tour: `results` makes all
messages of an image, out of `pose`, `action` and `markers`. `frames` are for tf2. `camera`,
`image` and `stamp` go both ways. `depth` and `detections` come beside the images, and
`matched_inputs` matches them by stamp.
"""

from pose_action_ros.messages.maker import MessageMaker

__all__ = ['MessageMaker']
