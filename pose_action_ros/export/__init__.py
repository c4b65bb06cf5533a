"""Export: the network as ONNX or OpenVINO files with a description.

`writer` writes a folder of graphs with the `description` of them. Then `check` runs the files as
others run them and compares them with PyTorch.
"""

from pose_action_ros.export.writer import export_network

__all__ = ['export_network']
