"""Runtime: runs a network. Bytes of crops in, arrays out; no person, no time.

`engine` is the way in. It decides device, backend and precision and runs one `network`: on PyTorch
(`torch_network`), a GPU (`cuda_network` on `cuda_graphs`) or OpenVINO (`openvino_network`, which
takes the network as `tensor_graphs`). A reduced precision must pass the `accuracy_gate`. The
`start_cache` keeps what a start has compiled, and `release_memory` returns what a network held.
"""

from pose_action_ros.runtime.engine import Engine

__all__ = ['Engine']
