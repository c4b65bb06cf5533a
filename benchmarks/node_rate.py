"""Frames per second of the whole node: separate processes over DDS, 640 x 480.

This process publishes images at rising rates like a camera driver, counts the poses, and measures
their age from the image's stamp to the arrival of the pose. It shares the cores with the node.

Run: .venv/bin/python benchmarks/node_rate.py --weights demo
     .venv/bin/python benchmarks/node_rate.py --weights untrained:ntu --rates 15,20,25,30
"""

import os
import random

os.environ.setdefault('ROS_DOMAIN_ID', str(random.randrange(1, 100)))

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import rclpy
import typer
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
from rich.table import Table
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header

from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.message_types import MAKE
from pose_action_ros.simulation.scene import SimulatedFilm

_FRAMES = 40


class Driver:
    """Publishes a short film repeatedly, and subscribes to the results of the node."""

    def __init__(self, weights: str) -> None:
        film = SimulatedFilm(seed=1)
        shots = (film.frame(index / 20.0).image_rgb for index in range(_FRAMES))
        self.node = rclpy.create_node('driver')
        self.messages = [
            image_to_msg(MAKE, shot, Header(frame_id='camera'), 'rgb8') for shot in shots
        ]
        self.images = self.node.create_publisher(Image, 'image', 2)
        self.regions = self.node.create_publisher(RegionOfInterest, 'roi', 2)
        self.ages_ms: list[float] = []
        self.said: dict[str, str] = {}
        self.node.create_subscription(Pose3D, 'poses', self._on_pose, 10)
        self.node.create_subscription(ActionLabel, 'actions', lambda msg: None, 10)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        # A random network sees nobody to follow: it looks at a fixed region instead.
        source = 'roi' if weights.startswith('untrained') else 'track'
        parameters = {
            'model.weights': weights,
            'person_source': source,
            'qos_overrides./image.subscription.reliability': 'reliable',
        }
        words = [w for name, value in parameters.items() for w in ('-p', f'{name}:={value}')]
        module = 'pose_action_ros.ros.pose_action_node'
        self.process = subprocess.Popen([sys.executable, '-m', module, '--ros-args', *words])

    def run(self, rate_hz: float, seconds: float) -> dict[str, float]:
        """Publish at a rate; return the results without those of the first second."""
        start, next_s, sent, cpu_s, counted_s = time.perf_counter(), 0.0, 0, 0.0, 0.0
        while (now := time.perf_counter() - start) < seconds + 1.0:
            if now < 1.0:
                self.ages_ms.clear()
                sent, cpu_s, counted_s = 0, self.cpu_seconds(), now
            if now >= next_s:
                self.publish()
                sent, next_s = sent + 1, next_s + 1.0 / rate_hz
            self.executor.spin_once(timeout_sec=max(0.0, min(next_s - now, 0.01)))
        lasted_s = time.perf_counter() - start - counted_s
        ages = np.array(self.ages_ms or [np.nan])
        return {
            'rate_in_hz': sent / lasted_s,
            'rate_out_hz': len(self.ages_ms) / lasted_s,
            'age_ms_p50': float(np.percentile(ages, 50)),
            'age_ms_p95': float(np.percentile(ages, 95)),
            'inference_ms_p50': float(self.said.get('inference_ms_p50', 'nan')),
            'node_cores': (self.cpu_seconds() - cpu_s) / lasted_s,
        }

    def publish(self) -> None:
        """Publish the next image of the film, stamped now."""
        message = self.messages[0]
        self.messages.append(self.messages.pop(0))
        message.header.stamp = self.node.get_clock().now().to_msg()
        self.regions.publish(RegionOfInterest(x_offset=140, y_offset=60, width=360, height=360))
        self.images.publish(message)

    def wait_for_pose(self, timeout_s: float = 120.0) -> None:
        """Publish slowly until the first pose is there."""
        end_s = time.perf_counter() + timeout_s
        while not self.ages_ms:
            if self.process.poll() is not None or time.perf_counter() > end_s:
                raise SystemExit('no pose came through; the messages above say why')
            self.publish()
            self.executor.spin_once(timeout_sec=0.2)

    def cpu_seconds(self) -> float:
        """Computed seconds of the node so far."""
        fields = Path(f'/proc/{self.process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def _on_pose(self, message: Pose3D) -> None:
        now_ns = self.node.get_clock().now().nanoseconds
        self.ages_ms.append((now_ns - stamp_from_msg(message.header.stamp)) * 1e-6)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.said |= {pair.key: pair.value for s in message.status for pair in s.values}


def main(
    weights: Annotated[str, typer.Option(help="As the node's model.weights.")] = 'demo',
    rates: Annotated[str, typer.Option(help='Images a second, rising.')] = '20,30,45,60,75',
    seconds: Annotated[float, typer.Option(help='At each rate.')] = 10.0,
    json_path: Annotated[Path | None, typer.Option('--json', help='Write figures there.')] = None,
) -> None:
    """Measure, and print the table."""
    rclpy.init()
    driver = Driver(weights)
    try:
        driver.wait_for_pose()
        rows = [driver.run(float(rate), seconds) for rate in rates.split(',')]
    finally:
        driver.process.terminate()
        driver.process.wait(20)
        rclpy.shutdown()
    table = Table(title=f'{weights}, {driver.said.get("device", "")}')
    for column in rows[0]:
        table.add_column(column.replace('_', ' '), justify='right')
    for row in rows:
        table.add_row(*(f'{value:.1f}' for value in row.values()))
    Console().print(table)
    if json_path is not None:
        json_path.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    typer.run(main)
