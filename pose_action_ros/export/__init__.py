"""Export: the network as ONNX or OpenVINO files with a description.

`writer` writes a folder of graphs with their `description`. Then `check` runs the files as users
will run them, and compares them with PyTorch.
"""

from pose_action_ros.export.writer import export_network

__all__ = ['export_network']
