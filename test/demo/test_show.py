"""The demo as a newcomer starts it: processes, a folder of results, an honest exit status."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from pose_action_ros.demo.observed import ObservedFrame
from pose_action_ros.demo.observer import Tally
from pose_action_ros.demo.processes import DemoError
from pose_action_ros.demo.report import DemoFilm
from pose_action_ros.demo.show import _NOBODY, _awaited, _check_progress, _is_ready
from pose_action_ros.geometry import Film
from pose_action_ros.msg import Pose3D

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
        *(
            'age_ms_p95',
            'inference_ms_p50',
            'poses',
            'actions',
            'most_people',
            'markers',
            'weights',
        ),
    )
    assert set(keys) <= set(summary)
    assert summary['frames_out'] >= 2  # a busy machine drops most
    assert summary['frames_in'] >= summary['frames_out'] - 1
    assert summary['accuracy']['poses_compared'] > 0
    assert cv2.imread(str(tmp_path / 'frame.png')).shape == (480, 640, 3)
    assert cv2.imread(str(tmp_path / 'pose_3d.png')) is not None
    film = Film(tmp_path / 'demo.mp4')  # from the first pose on, at the speed of what it shows
    times_s = [time_s for time_s, _ in film]
    assert times_s[-1] == pytest.approx(4.0, abs=1.5)
    video = cv2.VideoCapture(str(tmp_path / 'demo.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) >= 2
    assert 0 < video.get(cv2.CAP_PROP_FPS) < 31
    assert 'RViz' in done.stdout


def test_the_demo_fails_where_nothing_comes_through(tmp_path, weights, domain):
    done = run_demo(
        '--weights', weights, '--source', '/no/such/film.mp4', folder=tmp_path, domain=domain
    )
    assert done.returncode == 1
    assert 'camera_node ended' in done.stderr
    assert '/no/such/film.mp4' in done.stderr


def test_the_demo_gives_the_reason_of_a_node_that_can_not_go_on(tmp_path, domain):
    done = run_demo('--weights', 'no_such_weights', folder=tmp_path, domain=domain)
    assert done.returncode == 1
    assert 'the node cannot continue: not configured' in done.stderr
    assert 'no_such_weights' in done.stderr
    assert 'Traceback' not in done.stderr


def test_ctrl_c_while_the_network_loads_interrupts_nobody(tmp_path, domain):
    """It reaches the demo alone, as in a terminal, where it goes to the whole group."""
    process = subprocess.Popen(
        [
            *(sys.executable, '-m', 'pose_action_ros.demo.show', '--weights', 'untrained:ntu'),
            *('--output', tmp_path, '--seconds', '0'),
        ],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if 'configuring' in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        _, log = process.communicate(timeout=240)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert any('state configuring: loading untrained:ntu' in line for line in lines), lines
    assert 'nan' not in ''.join(lines)
    assert process.returncode == 1
    assert 'ended before the first pose' in log
    assert 'KeyboardInterrupt' not in log
    assert 'Traceback' not in log


def test_the_page_of_the_demo_can_be_recorded(tmp_path, weights, domain):
    pytest.importorskip('rerun', reason='needs the extra `view`')
    for seconds in (2, 8, 32):  # until a clip is full, which takes longer on a busy machine
        path = tmp_path / f'{seconds}.rrd'
        arguments = ('--seconds', seconds, '--weights', weights, '--record-view', path)
        done = run_demo(*map(str, arguments), folder=tmp_path, domain=domain)
        assert done.returncode == 0, done.stdout + done.stderr
        if json.loads((tmp_path / 'summary.json').read_text())['actions']:
            break
    entities = recorded_entities(path)
    assert {'/image', '/image/people', '/world/camera/people', '/scores'} <= entities
    assert {'/rates/poses', '/ages/age of a pose'} <= {e.replace('\\', '') for e in entities}


def test_a_live_page_beside_a_node(graph, weights, tmp_path):
    pytest.importorskip('rerun', reason='needs the extra `view`')
    path = tmp_path / 'view.rrd'
    graph.start('camera_node', width=320, height=240)
    graph.start('pose_action_node', **{'model.weights': weights, 'model.backend': 'torch'})
    graph.start('view_node', record=path, serve='false')
    poses = graph.collect(Pose3D, 'poses', 50)
    graph.wait(lambda: graph.node.count_subscribers('/people') > 0, what='the view')
    poses.clear()
    graph.wait(lambda: len(poses) > 40, what='poses')
    status, log = graph.stop('view_node')
    assert status == 0, log
    assert {'/image', '/image/people', '/scores', '/log'} <= recorded_entities(path)


def recorded_entities(path):
    from rerun.chunk import RrdReader

    return {str(chunk.entity_path) for chunk in RrdReader(str(path)).stream().to_chunks()}


class TestWaiting:
    """What is shown before the first pose, and when no pose is to be expected any more."""

    def test_it_says_what_it_waits_for(self):
        tally = Tally()
        assert _awaited(tally) == 'the node is starting'
        tally.health = 'configuring: loading demo: warming up (7 s)'
        assert _awaited(tally) == tally.health
        tally.health = 'running'
        assert _awaited(tally) == 'the camera is starting'
        tally.images = 3
        assert _awaited(tally) == 'nobody found yet: running'

    def test_a_node_that_loads_has_all_the_time_it_takes(self):
        tally = Tally(health='configuring: loading demo: importing PyTorch (900 s)')
        assert not _is_ready(tally)
        _check_progress(tally)

    def test_a_node_that_sees_nobody_ends_the_demo(self):
        tally = Tally(health='running', images=900)
        assert _is_ready(tally)
        tally.diagnostics = {'frames_received': '900', 'frames_dropped': str(901 - _NOBODY)}
        _check_progress(tally)
        tally.diagnostics['frames_dropped'] = '400'
        with pytest.raises(DemoError, match='processed 500 images and found nobody: running'):
            _check_progress(tally)

    def test_before_the_first_pose_no_image_is_filmed(self, tmp_path):
        film = DemoFilm(tmp_path / 'a.mp4')
        image = np.zeros((48, 64, 3), np.uint8)
        for number in range(20):
            film.add(ObservedFrame(number, image))
        film.close()
        assert not (tmp_path / 'a.mp4').exists()
