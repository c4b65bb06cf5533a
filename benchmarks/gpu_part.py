"""Common code of the parts of `on_a_gpu.py`: device, rows of figures, the bound of a pass."""

import json
import time
from pathlib import Path

import numpy as np
import torch

BATCHES = (1, 2, 4, 8, 16, 32)
PEAK_TFLOPS, PEAK_TB_S = 800.0, 3.0  # bfloat16 and memory of an H100: the bound of shares
NARROW = {
    **{'blocks': 2, 'features': 16, 'depth_maps': 2, 'clip_frames': 4},
    **{'pose_stem_features': 2, 'pose_reduced_features': 4, 'pose_features': 8},
    'appearance_features': 8,
}


class Part:
    """Device, rehearsal mode and output of a part."""

    def __init__(self, device: str, quick: bool, file: Path) -> None:
        self.device = torch.device(device)
        self.quick = quick
        self.rounds = 2 if quick else 30
        self.batches = (1, 2) if quick else BATCHES
        self._file = file

    def row(self, name: str, **figures: object) -> None:
        """Write a row at once, so that it is kept if the part is killed later."""
        with self._file.open('a') as file:
            file.write(json.dumps({'name': name, **figures}) + '\n')

    def net(self, preset: str):
        """Random weights; a narrow network for a rehearsal."""
        from pose_action_ros.models import ModelConfig, MultitaskNet

        torch.manual_seed(0)
        changes = NARROW if self.quick else {}
        return MultitaskNet(ModelConfig.preset(preset, **changes)).eval()

    def crops(self, count: int) -> np.ndarray:
        """Windows with people in them, bytes."""
        from pose_action_ros.runtime.accuracy_gate import gate_pictures

        return np.resize(gate_pictures(), (count, 256, 256, 3))

    def wait(self) -> None:
        """Wait until the device has finished."""
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)

    def time_ms(self, run, *arguments: object) -> float:
        """Median milliseconds of a call that has been warmed up, the device's work included."""
        spent = []
        for turn in range(self.rounds + 3):
            self.wait()
            start = time.perf_counter()
            run(*arguments)
            self.wait()
            if turn >= 3:
                spent.append(1e3 * (time.perf_counter() - start))
        return float(np.median(spent))


def network_of(part: Part, preset: str, precision: str):
    """The network as the engine runs it on that device."""
    from pose_action_ros.runtime.cuda_network import CudaNetwork
    from pose_action_ros.runtime.torch_network import TorchNetwork

    net = part.net(preset)
    if part.device.type == 'cuda':
        return CudaNetwork(net, part.device, precision)
    return TorchNetwork(net, precision)


class Bound:
    """The least time of a pass on an H100: operations, or weights and pixels, in two bytes."""

    def __init__(self, config) -> None:
        from pose_action_ros.models.complexity import count_complexity

        self._cost = count_complexity(config, folded=True)

    def ms(self, batch: int) -> float:
        """Milliseconds of a batch, at least."""
        operations = 2 * batch * self._cost.frame_macs / (PEAK_TFLOPS * 1e12)
        numbers = self._cost.parameters - self._cost.clip_parameters
        moved = (2 * numbers + batch * 3 * 256 * 256) / (PEAK_TB_S * 1e12)
        return 1e3 * max(operations, moved)

    def row(self, part: Part, name: str, batch: int, ms: float) -> None:
        """Write what a batch took, and the share of the bound."""
        part.row(
            name,
            ms=round(ms, 4),
            frames_s=round(1e3 * batch / ms),
            of_the_bound=self.ms(batch) / ms,
        )
