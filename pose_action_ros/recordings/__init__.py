"""Recordings: reads and writes rosbag2 without ROS.

`conversion` copies a recording and adds results. `storage_files` finds its files, `reader` reads
them (`mcap_file` even damaged ones), `topics` finds its topics, `annotator` processes the messages
in order, and `writer` keeps the new recording complete at any moment. `message_types` makes
messages of the library rosbags.
"""
