"""The interface between the network, on any device, and the other code: plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ['BACKENDS', 'PRECISIONS', 'FrameArrays', 'Network']

BACKENDS = ('auto', 'torch', 'openvino')
PRECISIONS = ('auto', 'float32', 'bfloat16', 'float16')


class FrameArrays(NamedTuple):
    """The outputs of the network for N crops; float32.

    Attributes:
        joints: (N, J, D) in crop coordinates.
        visibility: (N, J).
        probability: (N, J), sharpened for the action heads.
        joint_features: (N, J, C).
    """

    joints: NDArray[np.float32]
    visibility: NDArray[np.float32]
    probability: NDArray[np.float32]
    joint_features: NDArray[np.float32]


class Network(Protocol):
    """A network that is ready to run.

    Attributes:
        precision: Precision of its convolutions.
    """

    precision: str

    @property
    def device(self) -> str:
        """Description of the device, for display."""

    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network on (N, 256, 256, 3) RGB bytes."""

    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads on clips (N, T, J, ...); (N, A) probabilities."""
