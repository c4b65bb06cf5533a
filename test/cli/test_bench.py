"""`pose-action bench` on a tiny network: every stage is there, and the figures are figures."""

import json

from typer.testing import CliRunner

from pose_action_ros.cli import bench_measure
from pose_action_ros.cli.main import app
from pose_action_ros.models import save_model


def test_bench_times_every_stage(monkeypatch, tmp_path, tiny, filled):
    monkeypatch.setattr(bench_measure, '_MATRIX', 64)
    monkeypatch.setattr(bench_measure, '_COPY_BYTES', 1 << 20)
    save_model(filled(tiny('compact', clip_frames=8)), tmp_path / 'tiny.safetensors')
    found = tmp_path / 'bench.json'
    arguments = ['bench', '--preset', str(tmp_path / 'tiny.safetensors'), '--device', 'cpu']
    done = CliRunner().invoke(app, [*arguments, '--rounds', '3', '--json', str(found)])
    assert done.exit_code == 0, done.output
    figures = json.loads(found.read_text())
    stages = {'crop', 'backbone, torch float32', 'backbone, 8 people', 'action heads'}
    assert stages | {'clip by clip, eager', 'stream, one image'} <= set(figures['stages'])
    for times in figures['stages'].values():
        assert 0 < times['best_ms'] <= times['median_ms'] <= times['p95_ms']
    assert figures['ceilings']['gflops'] > 0
    assert 'peak memory' in done.output


def test_things_are_timed_in_turns():
    order = []
    times = bench_measure.in_turns(
        {'a': lambda: order.append('a'), 'b': lambda: order.append('b')}, rounds=3
    )
    assert order == ['a', 'b'] * 5
    assert set(times) == {'a', 'b'}
