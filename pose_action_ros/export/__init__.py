"""Export: the network as ONNX or OpenVINO files that say what they are.

`folder` writes a whole export: `writer` the graphs, `description` the text of `model.json`. Then
`check` runs the files (`exported_network`) and compares them with PyTorch.
"""

from pose_action_ros.export.folder import export_network

__all__ = ['export_network']
