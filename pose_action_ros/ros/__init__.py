"""The edge to ROS 2: the node `pose_action_node` and its parts.

It takes images in and publishes people, poses, actions and markers. Needs rclpy and the built
messages.
"""

import os

# Threads that spin while they wait cost tenfold on cores that are shared with a camera; torch
# reads this once, when it is loaded, and every node is loaded from this room.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
