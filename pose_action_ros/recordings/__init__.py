"""Recordings: rosbag2 in, rosbag2 out, without ROS.

`conversion` copies a recording and adds results: `reader` reads it (`mcap_file` also where it is
damaged), `topics` finds what stands where, `annotator` sees the messages in order, and `writer`
keeps the new recording whole at any moment. `message_types` makes messages of the library rosbags.
"""
