"""A batch on a real Ray of this machine: workers that are killed, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip('ray', reason='needs the extra `cluster`')

import ray

from pose_action_ros.batch.items import Item, State, Summary
from pose_action_ros.batch.run import Workers, run
from pose_action_ros.batch.task import Batch
from pose_action_ros.core.errors import ConfigError, DatasetError, DeviceError

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MOST_S = 240.0
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import a test


def watch(source: Path, part: int) -> int:
    """Do a part; the second kills its worker once, and there is no fifth."""
    tried = source.parent / f'{source.name}.part{part}'
    if part == 2 and not tried.exists():
        tried.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if part == 5:
        raise DatasetError('there is no fifth part')
    return 10 * part


def convert(source: Path, output: Path, parts: tuple[int, ...] = ()) -> Summary:
    """Write where it runs; one input kills its worker once, another one always."""
    text = source.read_text()
    output.mkdir()
    (output / 'half.txt').write_text('half')
    if text == 'refused':
        raise DatasetError('this one is damaged')
    with (source.parent / f'{source.name}.tries').open('a') as tries:
        tries.write('.')
    count = (source.parent / f'{source.name}.tries').stat().st_size
    if text == 'deadly' or (text == 'unlucky' and count == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    facts = [os.environ['OMP_NUM_THREADS'], os.environ['RAY_USAGE_STATS_ENABLED']]
    (output / 'half.txt').rename(output / 'whole.txt')
    return Summary(images=1, poses=sum(parts), notes=tuple(facts))


def test_a_killed_worker_costs_one_attempt_of_one_task(tmp_path, monkeypatch):
    monkeypatch.delenv('RAY_USAGE_STATS_ENABLED', raising=False)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    texts = {'a': 'fine', 'b': 'unlucky', 'c': 'deadly', 'd': 'refused', 'e': 'fine'}
    texts |= {'f': 'fine', 'g': 'fine'}
    parts = {'f': (1, 2, 3), 'g': (4, 5)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    items = [Item(str(tmp_path / name), name, parts.get(name, ())) for name in texts]
    batch = Batch(convert, str(tmp_path / 'out'), 'key', watch=watch)
    outcomes = {o.name: o for o in run(items, batch, Workers(count=2, threads=3))}
    assert {name for name, o in outcomes.items() if o.state is State.DONE} == {*'abef'}
    assert outcomes['f'].poses == 60
    assert outcomes['g'].reason == 'there is no fifth part'
    assert outcomes['d'].reason == 'this one is damaged'
    assert outcomes['c'].reason.startswith('WorkerCrashedError')
    assert (tmp_path / 'b.tries').read_text() == '..'
    assert (tmp_path / 'a.tries').read_text() == (tmp_path / 'e.tries').read_text() == '.'
    assert outcomes['a'].notes == ('3', '0')  # threads, and no report about the use of Ray
    for name in texts:
        is_there = (tmp_path / 'out' / name).exists()
        assert is_there == (tmp_path / 'out' / name / 'whole.txt').is_file() == (name in 'abef')
    assert not ray.is_initialized()
    after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    assert after == before, 'Ray leaves a handler of its own'


SCRIPT = """
import sys, time
from pathlib import Path
from ray import cloudpickle
from pose_action_ros.batch.items import Item, Summary
from pose_action_ros.batch.run import Workers, run
from pose_action_ros.batch.task import Batch

def convert(source, output):
    output.mkdir()
    (source.parent / f'{source.name}.begun').touch()
    while source.name != 'a':
        time.sleep(0.05)
    return Summary(images=1)

folder = Path(sys.argv[1])
items = [Item(str(folder / name), name) for name in 'abc']
for outcome in run(items, Batch(convert, str(folder / 'out'), 'key'), Workers(count=2, threads=1)):
    print(outcome.name, outcome.state.value, flush=True)
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_in_order(tmp_path, number):
    for name in 'abc':
        (tmp_path / name).touch()
    process = subprocess.Popen(
        [sys.executable, '-c', SCRIPT, str(tmp_path)],
        **{'stdout': subprocess.PIPE, 'text': True, 'cwd': ROOT, 'start_new_session': True},
    )
    begun = [tmp_path / f'{name}.begun' for name in 'abc']
    end = time.monotonic() + MOST_S
    try:
        assert process.stdout.readline() == 'a done\n'
        while not all(path.exists() for path in begun):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        os.kill(process.pid, number)
        out, _ = process.communicate(timeout=MOST_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert sorted(out.splitlines()) == ['b stopped', 'c stopped']
    assert process.returncode == 0
    left = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert left == ['.pose_action', 'a']


def test_no_cluster(tmp_path):
    items, batch = [Item('a', 'a')], Batch(convert, str(tmp_path / 'out'), 'key')
    with pytest.raises(DeviceError, match=r'the Ray cluster 127\.0\.0\.1:9 does not answer'):
        list(run(items, batch, Workers(ray='127.0.0.1:9')))


def test_ray_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    items, batch = [Item('a', 'a')], Batch(convert, str(tmp_path / 'out'), 'key')
    with pytest.raises(ConfigError, match=r'need the library Ray .*`pip install ray`'):
        list(run(items, batch, Workers(count=2)))
