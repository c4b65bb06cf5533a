"""The soak reports what happened, also where a signal ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

pytestmark = pytest.mark.ros
SOAK = Path(__file__).parents[2] / 'benchmarks/soak.py'


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_not_the_report(tmp_path, domain, how):
    log = tmp_path / 'soak.log'
    process = subprocess.Popen(
        [sys.executable, SOAK, '--minutes', '600', '--log', log],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (log.exists() and 'is loaded on' in log.read_text()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(how)
    report, errors = process.communicate(timeout=240)
    assert (process.returncode, errors) == (0, '')
    assert ' minutes, ' in report
    assert 'errors in the log: 0' in report
    assert 'exit status 0' in report
