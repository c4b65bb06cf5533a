"""The demo as a newcomer starts it: processes, a folder of results, an honest exit status."""

import json
import os
import subprocess
import sys

import cv2
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

pytestmark = pytest.mark.ros


def run_demo(*arguments, folder, domain):
    return subprocess.run(
        [sys.executable, '-m', 'pose_action_ros.demo.show', '--output', folder, *arguments],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_the_demo_leaves_video_pictures_and_summary(tmp_path, weights, domain):
    done = run_demo('--seconds', '4', '--weights', weights, folder=tmp_path, domain=domain)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / 'summary.json').read_text())
    keys = (
        *('frames_in', 'frames_out', 'frames_dropped', 'rate_in_hz', 'rate_out_hz', 'age_ms_p50'),
        *('age_ms_p95', 'inference_ms_p50', 'poses', 'actions', 'markers', 'weights'),
    )
    assert set(keys) <= set(summary)
    assert summary['frames_out'] > 5
    assert summary['frames_in'] >= summary['frames_out'] - 1
    assert summary['accuracy']['frames_compared'] > 0
    assert cv2.imread(str(tmp_path / 'frame.png')).shape == (480, 640, 3)
    assert cv2.imread(str(tmp_path / 'pose_3d.png')) is not None
    video = cv2.VideoCapture(str(tmp_path / 'demo.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) > 5
    assert 0 < video.get(cv2.CAP_PROP_FPS) < 31
    assert 'RViz' in done.stdout


def test_the_demo_fails_where_nothing_comes_through(tmp_path, weights, domain):
    done = run_demo(
        '--weights', weights, '--source', '/no/such/film.mp4', folder=tmp_path, domain=domain
    )
    assert done.returncode == 1
    assert 'camera_node ended' in done.stdout
    assert '/no/such/film.mp4' in done.stderr
