"""`benchmarks/on_a_gpu.py` is ready: rehearsed on a CPU, and no part stops the others."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / 'benchmarks/on_a_gpu.py'
PARTS = """
import sys, time
name, _, file = sys.argv[1:4]
open(file, 'a').write('{"name": "first", "ms": 0.25}\\n')
if name == 'fails':
    raise RuntimeError('no such kernel')
if name == 'dies':
    import os
    os.kill(os.getpid(), 11)
if name == 'hangs':
    open(file, 'a').write('{"name": "half a r')
    time.sleep(600)
"""


@pytest.fixture
def on_a_gpu(monkeypatch, tmp_path):
    """The script, whose parts are those above."""
    spec = importlib.util.spec_from_file_location('on_a_gpu', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / 'on_a_gpu_parts.py').write_text(PARTS)
    monkeypatch.setattr(module, 'HERE', tmp_path)
    return module


def report_of(module, monkeypatch, folder, *arguments):
    monkeypatch.setattr('sys.argv', ['on_a_gpu.py', '--output', str(folder), *arguments])
    with pytest.raises(SystemExit) as ended:
        module.main()
    report = json.loads((folder / 'report.json').read_text())
    return ended.value.code, {part['part']: part for part in report['parts']}


def test_a_part_that_fails_dies_or_hangs_costs_only_itself(on_a_gpu, monkeypatch, tmp_path):
    parts = (('fails', 60), ('dies', 60), ('hangs', 6), ('works', 60))
    monkeypatch.setattr(on_a_gpu, 'PARTS', parts)
    status, found = report_of(on_a_gpu, monkeypatch, tmp_path / 'report')
    assert status == 'failed: fails, dies, hangs'
    states = [found[name]['state'] for name, _ in parts]
    assert states == [
        'failed with status 1',
        'failed with status -11',
        'stopped after 6 s',
        'done',
    ]
    assert all(part['rows'] == [{'name': 'first', 'ms': 0.25}] for part in found.values())
    assert 'no such kernel' in found['fails']['output']
    text = (tmp_path / 'report/report.txt').read_text()
    assert re.search(r'== fails: failed.*\n   first  ms 0.25\n(   \|.*\n)*.*no such kernel', text)


def test_the_time_of_all_parts_is_bounded(on_a_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(on_a_gpu, 'PARTS', (('hangs', 60), ('works', 60)))
    status, found = report_of(on_a_gpu, monkeypatch, tmp_path / 'report', '--seconds', '6')
    assert status == 'failed: hangs, works'
    assert found['hangs']['state'] == 'stopped after 6 s'
    assert found['works']['state'] == 'not begun: no time left'


def test_eight_minutes_at_most(on_a_gpu):
    assert on_a_gpu.TOTAL_S <= 480


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_rehearsal_runs_every_kind_of_part(tmp_path):
    pytest.importorskip('lightning', reason='the part on training needs it')
    options = ['--output', tmp_path, '--device', 'cpu', '--quick', '--seconds', '1700']
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, options)], capture_output=True, text=True, check=False
    )
    report = json.loads((tmp_path / 'report.json').read_text())
    parts = {part['part']: part for part in report['parts']}
    assert done.returncode == 0, [part for part in parts.values() if part['state'] != 'done']
    assert {name.split()[0] for name in parts} == {
        *('machine', 'tests', 'backbone', 'stream', 'profile', 'bench', 'rendering', 'training'),
        *('onnxruntime', 'tensorrt', 'compiled'),
    }
    assert all(part['rows'] for part in parts.values())
    rows = {row['name']: row for part in parts.values() for row in part['rows']}
    assert rows['bytes to arrays, float32, batch 1']['ms'] > 0
    assert rows['8 people']['poses'] == 8
    assert rows['compact, 32-true']['samples_s'] > 0
    assert rows['compact, bf16-mixed']['samples_s'] > 0
    assert rows['backbone, engine']['of_the_bound'] > 0
    assert rows['all kernels']['us'] > 0
    assert (tmp_path / 'report.txt').read_text() in done.stdout
