"""The edge to ROS 2: two executables and what they are made of.

`pose_action_node` takes images in and publishes poses, actions and markers; `camera_node` films.
`parameters`, `conversions`, `image_codec`, `markers` and `diagnostics` are the parts of them;
`demo` runs both and shows what came through. Needs rclpy and the built messages.
"""

import os

# Threads that spin while they wait cost tenfold on cores that are shared with a camera; torch
# reads this once, when it is loaded, and every node is loaded from this room.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
