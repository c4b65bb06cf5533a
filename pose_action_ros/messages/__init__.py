"""Messages: conversion of results and inputs, with one code for all libraries of messages.

rclpy and rosbags have different classes for the same message types. A `MessageMaker` makes a
message by its name, and every `..._to_msg` function takes one. Messages are read by the names of
their fields, so every `..._from_msg` function accepts the messages of both. `results` makes all
messages of an image, with `pose`, `action` and `markers`. `frames` makes transforms for tf2.
`camera`, `image` and `stamp` convert both ways. `depth` and `detections` read the inputs beside
the images, and `matched_inputs` matches them by stamp.
"""

from pose_action_ros.messages.maker import MessageMaker

__all__ = ['MessageMaker']
