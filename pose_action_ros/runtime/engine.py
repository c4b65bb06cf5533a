"""Runs the network: turns bytes of crops into arrays. Decides device, backend and precision.

A reduced precision must pass the accuracy gate. Otherwise float32 is used and the reason reported.
"""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_action_ros.core.cores import usable_threads
from pose_action_ros.core.errors import ConfigError, DeviceError
from pose_action_ros.runtime.accuracy_gate import MAX_JOINT_PX, MAX_SCORE, as_clip, deviation
from pose_action_ros.runtime.cuda_network import CudaNetwork
from pose_action_ros.runtime.network import BACKENDS, PRECISIONS
from pose_action_ros.runtime.openvino_network import (
    OpenVinoNetwork,
    OpenVinoSource,
    has_fast_bfloat16,
    why_no_openvino,
)
from pose_action_ros.runtime.torch_network import TorchNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.runtime.network import FrameArrays, Network
    from pose_action_ros.runtime.start_cache import StartCache

__all__ = ['Engine', 'choose_device']

_log = logging.getLogger(__name__)


class Engine:
    """A network that is ready to run, warmed up.

    Args:
        net: The network; a folded copy of it is kept.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        threads: CPU threads; 0 for all cores. Holds for the whole process.
        backend: `torch`, `openvino` (CPU only), or `auto`: OpenVINO on a CPU where installed.
        precision: `auto`, `float32`, `bfloat16` or `float16`.
        report: Called with a sentence about each step.

    Raises:
        ConfigError: There is no such backend or precision.
        DeviceError: There is no such device, its memory is full, or the backend does not fit.
    """

    def __init__(
        self,
        net: MultitaskNet,
        device: str = 'auto',
        threads: int = 0,
        *,
        backend: str = 'torch',
        precision: str = 'float32',
        report: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._report = report
        self.config = net.config
        self.notes: list[str] = []
        """Return decisions that differ from the request, with the reason."""
        if backend not in BACKENDS or precision not in PRECISIONS:
            raise ConfigError(
                f'found backend {backend!r} and precision {precision!r}; expected one of '
                f'{", ".join(BACKENDS)} and one of {", ".join(PRECISIONS)}'
            )
        place = choose_device(device)
        if (usable := usable_threads(threads)) < threads:
            self._note(f'{threads} threads are more than the cores: {usable} are used')
        if threads := usable:
            torch.set_num_threads(threads)
        try:
            self._network = self._choose(net, place, threads, backend, precision)
            self._warm_up()
            self.notes += getattr(self._network, 'notes', [])
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(
                f'{place} has no memory left for {net.config.name}: {error}; free some, '
                'or use device cpu'
            ) from error

    @property
    def device(self) -> str:
        """Description of the device, for display."""
        return self._network.device

    @property
    def precision(self) -> str:
        """Precision of the convolutions: `float32`, `bfloat16` or `float16`."""
        return self._network.precision

    def frames(self, crops: NDArray[np.uint8]) -> FrameArrays:
        """Run the pose network.

        Args:
            crops: (N, 256, 256, 3) RGB bytes.
        """
        return self._network.frames(crops)

    def actions(
        self,
        joints: NDArray[np.float32],
        probability: NDArray[np.float32],
        joint_features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Run the action heads.

        Args:
            joints: (N, T, J, D) in crop coordinates.
            probability: (N, T, J).
            joint_features: (N, T, J, C).

        Returns:
            (N, A) probabilities.
        """
        return self._network.actions(joints, probability, joint_features)

    def _choose(
        self, net: MultitaskNet, place: torch.device, threads: int, backend: str, precision: str
    ) -> Network:
        if backend == 'openvino' and place.type != 'cpu':
            raise DeviceError(f'the backend openvino runs on a CPU; found device {place}')
        if backend == 'auto':
            backend = 'openvino' if place.type == 'cpu' else 'torch'
            if backend == 'openvino' and (reason := why_no_openvino()):
                self._note(f'{reason}: the slower backend torch is used')
                backend = 'torch'

        source = OpenVinoSource(net, threads) if backend == 'openvino' else None

        def build(precision: str) -> Network:
            self._report(f'preparing {backend} in {precision} on {place}')
            if source:
                return OpenVinoNetwork(source, precision)
            if place.type == 'cuda':
                return CudaNetwork(net, place, precision)
            return TorchNetwork(net, precision)

        if precision != 'auto':
            return build(precision)
        reduced = _reduced_precision(place, backend)
        if not reduced:
            return build('float32')
        return self._through_the_gate(build, reduced, source.kept if source else None)

    def _through_the_gate(
        self, build: Callable[[str], Network], reduced: str, kept: StartCache | None
    ) -> Network:
        """Return the network in the reduced precision, or in float32 if it must be.

        The result of the gate is kept for the next start, which then builds one network.
        """
        build = cache(build)
        try:
            if self._is_near(build, reduced, kept):
                return build(reduced)
        except RuntimeError as error:  # a CPU can be capped below what OpenVINO lists
            reason = str(error).strip().splitlines()[-1]
            self._note(f'{reduced} does not compile here ({reason}): float32 is used')
        return build('float32')

    def _is_near(
        self, build: Callable[[str], Network], reduced: str, kept: StartCache | None
    ) -> bool:
        """Whether the reduced precision moves joints and scores little enough."""
        name = f'gate-{reduced}'
        if kept and (measured := kept.read(name)):
            joint_px, score = json.loads(measured)
        else:
            networks = build(reduced), build('float32')
            self._report(f'comparing {reduced} with float32')
            joint_px, score = deviation(*networks, self.config)
            if kept:
                kept.write(name, json.dumps([joint_px, score]).encode())
        if joint_px <= MAX_JOINT_PX and score <= MAX_SCORE:
            return True
        self._note(
            f'{reduced} moves joints by {joint_px:.2f} px and scores by {score:.3f} '
            f'(at most {MAX_JOINT_PX} and {MAX_SCORE} are allowed): float32 is used'
        )
        return False

    def _note(self, text: str) -> None:
        self.notes.append(text)
        _log.info(text)

    def _warm_up(self) -> None:
        """Run twice at the real shapes, so that the first frame is as fast as the rest."""
        self._report('warming up')
        for _ in range(2):
            frames = self.frames(np.zeros((1, 256, 256, 3), np.uint8))
            if self.config.actions:
                self.actions(*as_clip(frames, self.config.clip_frames))


def choose_device(name: str) -> torch.device:
    """Return the device of that name; `auto` prefers a GPU.

    Raises:
        DeviceError: There is no such device here.
    """
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(
            f'unknown device {name!r}; expected auto, cpu, cuda or cuda:N'
        ) from error
    if device.type not in ('cpu', 'cuda'):
        raise DeviceError(f'device {name!r} is not supported; expected auto, cpu, cuda or cuda:N')
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f'device {name!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices; '
            'use cpu or auto'
        )
    return device


def _reduced_precision(place: torch.device, backend: str) -> str:
    """The precision worth trying; empty if float32 is as fast."""
    if place.type == 'cuda':
        return 'float16'
    return 'bfloat16' if backend == 'openvino' and has_fast_bfloat16() else ''
