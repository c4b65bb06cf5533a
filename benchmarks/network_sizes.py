"""Time the backbone at several widths and depths: the cost that a larger network would have.

    python benchmarks/network_sizes.py

All networks have random weights and run in turns on OpenVINO, one image of 256 x 256 pixels at a
time. The size is that of the backbone's weights; the action heads add 5 MB to each.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from pose_action_ros.models.complexity import count_complexity
from pose_action_ros.models.config import ModelConfig
from pose_action_ros.models.multitask import MultitaskNet
from pose_action_ros.runtime.openvino_network import OpenVinoNetwork, OpenVinoSource

SIZES = ((160, 2), (160, 3), (160, 4), (192, 2), (192, 3), (192, 4), (224, 3), (224, 4))
RUNS = (('float32', 1), ('float32', 2), ('bfloat16', 1), ('bfloat16', 2))
ROUNDS = 30


def main() -> None:
    """Print a table of sizes and milliseconds."""
    networks = {
        (size, run): _network(*size, precision=run[0], threads=run[1])
        for size in SIZES
        for run in RUNS
    }
    seconds: dict[object, list[float]] = {key: [] for key in networks}
    crops = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    for _ in range(ROUNDS):
        for key, network in networks.items():
            start = time.perf_counter()
            network.frames(crops)
            seconds[key].append(time.perf_counter() - start)
    columns = ''.join(f'{f"{precision} x{threads}":>13}' for precision, threads in RUNS)
    print(f'{"features":>8} {"blocks":>6} {"MMAC":>5} {"MB":>4}{columns}   (ms, x threads)')
    for size in SIZES:
        counts = count_complexity(_config(*size), folded=True)
        megabytes = 4e-6 * (counts.parameters - counts.clip_parameters)
        times = ''.join(f'{1e3 * statistics.median(seconds[size, run]):13.2f}' for run in RUNS)
        print(f'{size[0]:8} {size[1]:6} {1e-6 * counts.frame_macs:5.0f} {megabytes:4.1f}{times}')


def _config(features: int, blocks: int) -> ModelConfig:
    return ModelConfig.preset('compact', features=features, blocks=blocks)


def _network(features: int, blocks: int, *, precision: str, threads: int) -> OpenVinoNetwork:
    net = MultitaskNet(_config(features, blocks)).eval()
    return OpenVinoNetwork(OpenVinoSource(net, threads), precision)


if __name__ == '__main__':
    main()
