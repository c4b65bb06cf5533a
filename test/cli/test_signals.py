"""Every verb that a signal ends: its exit status, no traceback, and no part of an output."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_S = 300
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}

# Runs `pose-action` and raises a signal at the first call of a function.
SCRIPT = """
import importlib, signal, sys
where, number, *arguments = sys.argv[1:]
module, name = where.split(':')
owner = importlib.import_module(module)
parts = name.split('.')
for part in parts[:-1]:
    owner = getattr(owner, part)
original = getattr(owner, parts[-1])

def interrupted(*args, **kwargs):
    signal.raise_signal(int(number))
    return original(*args, **kwargs)

setattr(owner, parts[-1], interrupted)
sys.argv = ['pose-action', *arguments]
from pose_action_ros.cli.main import main
main()
"""
OPEN = 'pose_action_ros.models:open_model'
STREAM = 'pose_action_ros.inference.stream:PoseActionStream.open'
RENDER = 'pose_action_ros.simulation.scene:SimulatedFilm.frame'
VERBS = {
    'export onnx OUT': [
        'pose_action_ros.export.writer:check_files',
        'pose_action_ros.export.writer:write_graph',
        'torch.export:export',
    ],
    'export openvino OUT': ['pose_action_ros.export.writer:write_reference'],
    'record wave --folder OUT --source simulated --count 1': [
        RENDER,
        'pose_action_ros.geometry.film_writer:FilmWriter.close',
    ],
    'evaluate simulated --poses 2 --clips 1 --json OUT/scores.json': [OPEN],
    'bench --weights demo --json OUT/bench.json': [OPEN],
    'doctor --weights demo': ['pose_action_ros.models.complexity:count_complexity'],
    'predict PICTURE --output OUT': [STREAM],
    'convert-weights h36m WEIGHTS h36m.safetensors': ['subprocess:run'],
}


CASES = [
    *((line, where, signal.SIGTERM) for line, places in VERBS.items() for where in places),
    ('export onnx OUT', 'torch.export:export', signal.SIGINT),
    ('doctor --weights demo', 'pose_action_ros.models.complexity:count_complexity', signal.SIGINT),
]


@pytest.mark.parametrize(('line', 'where', 'number'), CASES)
def test_a_verb_that_a_signal_ends(tmp_path, line, where, number):
    out, picture = tmp_path / 'out', ROOT / 'docs' / 'images' / 'live_page.webp'
    weights = tmp_path / 'weights.h5'
    weights.write_bytes(b'\x89HDF\r\n\x1a\n')
    places = {'OUT': out, 'PICTURE': picture, 'WEIGHTS': weights}
    for name, path in places.items():
        line = line.replace(name, str(path))
    done = subprocess.run(
        [sys.executable, '-c', SCRIPT, where, str(int(number)), *line.split()],
        **{'cwd': tmp_path, 'capture_output': True, 'text': True, 'timeout': MOST_S},
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'XDG_CACHE_HOME': str(tmp_path / 'cache')},
    )
    assert done.returncode == STATUS[number], done.stderr
    assert 'Traceback' not in done.stderr
    left = [path for path in tmp_path.rglob('*') if path.is_file() and path != weights]
    assert [path for path in left if not path.is_relative_to(tmp_path / 'cache')] == []
    assert not [path for path in tmp_path.iterdir() if path.name.startswith('.')]
