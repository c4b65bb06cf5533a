"""Memory after rounds of configure, activate, frames and cleanup, as Markdown.

The node runs in this process, so the process's memory is that of the node. Run
`python benchmarks/cleanup_memory.py --weights demo` (a minute on two cores).
"""

from __future__ import annotations

import argparse

import numpy as np
import rclpy
import torch
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from pose_action_ros.ros.diagnostics import resident_mib
from pose_action_ros.ros.node import PoseActionNode


def main() -> None:
    """Print one row a round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--weights', default='demo')
    parser.add_argument('--device', default='auto')
    parser.add_argument('--rounds', type=int, default=4)
    parser.add_argument('--frames', type=int, default=20, help='images a round')
    options = parser.parse_args()
    rclpy.init()
    node = PoseActionNode()
    node.set_parameters(
        [
            Parameter('model.weights', value=options.weights),
            Parameter('model.device', value=options.device),
        ]
    )
    print('| round | before configure | active | after cleanup |')
    print('|---|---|---|---|')
    for index in range(options.rounds):
        before = memory()
        expect(node.trigger_configure())
        expect(node.trigger_activate())
        see_frames(node, options.frames)
        active = memory()
        expect(node.trigger_deactivate())
        expect(node.trigger_cleanup())
        print(f'| {index + 1} | {before} | {active} | {memory()} |', flush=True)
    rclpy.shutdown()


def expect(result: TransitionCallbackReturn) -> None:
    """Stop where a transition fails; the node has logged why."""
    if result is not TransitionCallbackReturn.SUCCESS:
        raise SystemExit(1)


def see_frames(node: PoseActionNode, count: int) -> None:
    """Let the stream see noise, as the worker would."""
    rng = np.random.default_rng(0)
    for index in range(count):
        image = rng.integers(0, 255, (480, 640, 3), np.uint8)
        node._stream.process(image, index * 66_666_667)


def memory() -> str:
    """Resident memory of the process and memory of the GPU that torch holds, MiB."""
    text = f'{resident_mib():.0f} MiB'
    if torch.cuda.is_available():
        text += f', GPU {torch.cuda.memory_reserved() / 2**20:.0f} MiB'
    return text


if __name__ == '__main__':
    main()
