"""`pose-action bench` on a tiny network: every stage is there, and the figures are figures."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from pose_action_ros.cli import bench_measure
from pose_action_ros.cli.app import app
from pose_action_ros.cli.bench_stages import FASTEST, Bench
from pose_action_ros.models import save_model
from pose_action_ros.models.complexity import count_complexity
from pose_action_ros.runtime import Engine


def test_bench_times_every_stage(monkeypatch, tmp_path, tiny, filled):
    monkeypatch.setattr(bench_measure, '_MATRIX', 64)
    monkeypatch.setattr(bench_measure, '_COPY_BYTES', 1 << 20)
    save_model(filled(tiny('compact', clip_frames=8)), tmp_path / 'tiny.safetensors')
    found = tmp_path / 'bench.json'
    arguments = ['bench', '--weights', str(tmp_path / 'tiny.safetensors'), '--device', 'cpu']
    done = CliRunner().invoke(app, [*arguments, '--rounds', '3', '--json', str(found)])
    assert done.exit_code == 0, done.output
    figures = json.loads(found.read_text())
    rows = figures['stages']
    stages = {'decode bgr8', 'crop', 'stream without network', 'stream, one image'}
    stages |= {'backbone, torch float32', 'backbone, engine', 'backbone, 8 people'}
    stages |= {'action heads, engine', 'new label, clip by clip, torch eager'}
    assert stages | {'new label, streaming, engine'} <= set(rows)
    for row in rows.values():
        assert 0 < row['best_ms'] <= row['median_ms'] <= row['p95_ms']
    clip, frame = rows['new label, clip by clip, engine'], rows['new label, streaming, engine']
    heads = rows['action heads, engine']['gflop']
    assert clip['gflop'] - heads == pytest.approx(8 * (frame['gflop'] - heads))
    assert clip['mbytes'] > frame['mbytes'] > rows['action heads, engine']['mbytes'] > 0
    assert figures['ceilings']['gflops']['float32'] > 0
    ratio = figures['ratios']['new label: streaming against clip by clip, engine']
    assert ratio == pytest.approx(clip['median_ms'] / frame['median_ms'])
    assert 'peak memory' in done.output


def test_the_deviation_is_that_of_the_scores(tiny, filled):
    """Of an engine whose scores are off by a known number; not of what a CPU rounds."""
    net = filled(tiny('compact', clip_frames=8)).eval()
    engine = Engine(net, 'cpu')
    exact, off = engine.actions, np.zeros((1, len(net.config.actions)), np.float32)
    off[0, 3] = -0.25
    engine.actions = lambda *clip: exact(*clip) + off
    bench = Bench(net, count_complexity(net.config, folded=True), {FASTEST: engine})
    assert bench.score_deviation() == pytest.approx(0.25, abs=1e-3)


def test_the_bound_is_the_slower_of_operations_and_bytes():
    ceilings = bench_measure.Ceilings({'float32': 100.0, 'bfloat16': 400.0}, gbytes_s=20.0)
    assert ceilings.bound_ms(10.0, 1.0, 'float32') == pytest.approx(100.0)
    assert ceilings.bound_ms(10.0, 1.0, 'bfloat16') == pytest.approx(25.0)
    assert ceilings.bound_ms(0.0, 40.0, 'float32') == pytest.approx(2.0)


def test_things_are_timed_in_turns():
    order = []
    times = bench_measure.in_turns(
        {'a': lambda: order.append('a'), 'b': lambda: order.append('b')}, rounds=3
    )
    assert order == ['a', 'b'] * 5
    assert set(times) == {'a', 'b'}
