"""`pose-action export`: files that others can run, say what they are, and give our numbers."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pose_action_ros.cli.app import app
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.export.check import MAX_JOINT_PX, MAX_SHARE, ExportedNetwork, measure
from pose_action_ros.models import save_model
from pose_action_ros.runtime.openvino_network import openvino_core
from pose_action_ros.runtime.torch_network import TorchNetwork

JOINTS, FRAMES = 17, 8


@pytest.fixture(scope='module')
def net(tiny, filled):
    return filled(tiny('compact', clip_frames=FRAMES))


@pytest.fixture(scope='module')
def weights(net, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    save_model(net, path)
    return path


@pytest.fixture(scope='module')
def export_as(weights, tmp_path_factory):
    """Make a real export, once for each format; return folder and output."""
    made = {}

    def export(file_format):
        for package in ('onnx', 'onnxscript') if file_format == 'onnx' else ('openvino',):
            pytest.importorskip(package, reason='needs the extras `export` and `openvino`')
        if file_format not in made:
            folder = tmp_path_factory.mktemp('export') / 'new' / 'folder'
            arguments = ['export', file_format, folder, '--weights', weights, '--quiet']
            done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
            assert done.exit_code == 0, done.output
            made[file_format] = folder, done.stdout
        return made[file_format]

    return export


@pytest.fixture(scope='module', params=['onnx', 'openvino'])
def exported(request, export_as):
    """Format, folder and output of an export."""
    return request.param, *export_as(request.param)


@pytest.mark.parametrize('batch', [1, 3])
def test_the_files_give_the_numbers_of_pytorch(exported, net, batch):
    file_format, folder, _ = exported
    exact = TorchNetwork(net, 'float32')
    off = measure(ExportedNetwork(folder, file_format), exact, net.config, batch)
    assert off.joint_px < MAX_JOINT_PX
    assert max(off.score, off.feature) < MAX_SHARE


def test_openvino_reads_the_onnx_files(export_as, net, monkeypatch):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    folder, _ = export_as('onnx')
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    network = ExportedNetwork(folder, 'onnx')
    assert network.device.startswith('cpu (OpenVINO')
    exact = TorchNetwork(net, 'float32')
    off = measure(network, exact, net.config, 2)
    assert off.joint_px < MAX_JOINT_PX
    assert max(off.score, off.feature) < MAX_SHARE


def test_the_check_sees_a_difference(net, tiny, filled):
    exact = TorchNetwork(net, 'float32')
    other = TorchNetwork(filled(tiny('compact', clip_frames=FRAMES), 1), 'float32')
    assert all(value == 0 for value in measure(exact, exact, net.config, 2))
    off = measure(other, exact, net.config, 2)
    assert off.joint_px > 1
    assert min(off.score, off.feature) > 0.01


def test_what_was_measured_is_printed(exported):
    file_format, folder, output = exported
    lines = output.splitlines()
    assert [line.split(':')[0] for line in lines[:2]] == ['batch of 1', 'batch of 4']
    assert all(' px at most, scores by ' in line and '; run by O' in line for line in lines[:2])
    ending = 'onnx' if file_format == 'onnx' else 'xml'
    assert lines[2].startswith(f'{folder}: compact: actions.')
    assert f'frames.{ending}, model.json, reference.npz' in lines[2]
    assert [path.name for path in folder.parent.iterdir()] == ['folder']


def test_model_json_says_what_is_needed(exported, net):
    _, folder, _ = exported
    model = json.loads((folder / 'model.json').read_text())
    assert model['actions'] == list(net.config.actions)
    assert (model['layout'], len(model['joint_names'])) == ('pa17j', JOINTS)
    assert (model['clip_frames'], model['clip_period_s']) == (FRAMES, net.config.clip_period_s)
    crops = model['graphs']['frames']['inputs']['crops']
    assert (crops['shape'], crops['type']) == (['N', 256, 256, 3], 'uint8')
    for graph in model['graphs'].values():
        assert (folder / graph['file']).is_file()
    assert {'input', 'coordinates', 'clip'} <= set(model)


def test_the_reference_is_what_pytorch_gives(exported, net):
    file_format, folder, _ = exported
    right = dict(np.load(folder / 'reference.npz'))
    graphs = json.loads((folder / 'model.json').read_text())['graphs']
    for name, graph in graphs.items():
        for tensor, said in {**graph['inputs'], **graph['outputs']}.items():
            array = right.pop(f'{name}.{tensor}')
            assert [8, *said['shape'][1:]] == list(array.shape)
            assert said['type'] == array.dtype
    assert not right
    right = np.load(folder / 'reference.npz')
    network = ExportedNetwork(folder, file_format)
    clip = [right[f'actions.{name}'] for name in ('joints', 'probability', 'joint_features')]
    scores = network.actions(*clip)
    np.testing.assert_allclose(scores, right['actions.probabilities'], atol=MAX_SHARE)
    assert len({tuple(row) for row in scores.round(6)}) == 8  # no two clips alike


def test_an_onnx_file_says_what_it_is(export_as, net):
    folder, _ = export_as('onnx')
    import onnx

    for name in ('frames', 'actions'):
        model = onnx.load(folder / f'{name}.onnx')
        onnx.checker.check_model(model, full_check=True)
        assert model.graph.name == name
        assert [(o.domain, o.version) for o in model.opset_import] == [('', 18)]
        said = {prop.key: prop.value for prop in model.metadata_props}
        assert (said['name'], said['layout']) == ('compact', 'pa17j')
        assert json.loads(said['actions']) == list(net.config.actions)
        assert json.loads(said['clip_period_s']) == net.config.clip_period_s
        assert 'red, green, blue' in said['input']
        for value in (*model.graph.input, *model.graph.output):
            first, *others = value.type.tensor_type.shape.dim
            assert first.dim_param
            assert all(dim.dim_value for dim in others)
        assert b'pose_action_ros/' not in (folder / f'{name}.onnx').read_bytes()  # no paths
    frames = onnx.load(folder / 'frames.onnx').graph
    assert [value.name for value in frames.input] == ['crops']
    # TensorRT takes bytes only where they are converted at once.
    assert [node.op_type for node in frames.node if 'crops' in node.input] == ['Cast']


def test_an_openvino_file_says_what_it_is(export_as, net):
    folder, _ = export_as('openvino')
    shapes = {
        'frames': {'crops': '[?,256,256,3]'},
        'actions': {
            'joints': f'[?,{FRAMES},{JOINTS},3]',
            'probability': f'[?,{FRAMES},{JOINTS}]',
            'joint_features': f'[?,{FRAMES},{JOINTS},{net.config.joint_channels}]',
        },
    }
    for name, inputs in shapes.items():
        model = openvino_core().read_model(folder / f'{name}.xml')
        assert {p.any_name: str(p.partial_shape) for p in model.inputs} == inputs
        assert model.get_rt_info(['pose_action_ros', 'layout']).astype(str) == 'pa17j'
        labels = model.get_rt_info(['pose_action_ros', 'actions']).astype(str)
        assert json.loads(labels) == list(net.config.actions)
    outputs = openvino_core().read_model(folder / 'frames.xml').outputs
    names = ['joints', 'visibility', 'probability', 'joint_features']
    assert [port.any_name for port in outputs] == names


@pytest.mark.parametrize(
    ('runtime', 'file_format', 'name'),
    [
        ('openvino', 'openvino', 'exported_openvino'),
        ('onnxruntime', 'onnx', 'exported'),
    ],
)
def test_the_lines_of_the_documentation_run(
    runtime, file_format, name, export_as, net, tmp_path, monkeypatch
):
    pytest.importorskip(runtime, reason=f'needs {runtime}')
    text = (Path(__file__).parents[2] / 'docs' / 'deployment.md').read_text()
    blocks = re.findall(r'```python\n(.*?)```', text, re.S)
    (block,) = [block for block in blocks if f'import {runtime}\n' in block]
    (tmp_path / name).symlink_to(export_as(file_format)[0])
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block, names)
    assert names['off_px'] < MAX_JOINT_PX
    assert names.get('labels', list(net.config.actions)) == list(net.config.actions)


def test_a_network_of_poses_alone(run, tiny, filled, tmp_path):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    save_model(filled(tiny('mpii')), tmp_path / 'pose.safetensors')
    folder = tmp_path / 'out'
    folder.mkdir()  # empty, so it may be there
    status, out, _ = run('export', 'openvino', folder, '--weights', tmp_path / 'pose.safetensors')
    assert status == 0
    assert 'mpii: frames.bin, frames.xml, model.json, reference.npz' in out
    assert 'clip' not in json.loads((folder / 'model.json').read_text())
    network = ExportedNetwork(folder, 'openvino')
    assert network.frames(np.zeros((2, 256, 256, 3), np.uint8)).joints.shape == (2, 16, 2)
    with pytest.raises(ConfigError, match='poses only'):
        network.actions(*(np.zeros(1, np.float32),) * 3)


def test_a_file_that_is_off_is_not_kept(run, weights, tmp_path, monkeypatch):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    monkeypatch.setattr('pose_action_ros.export.check.MAX_SHARE', -1.0)
    folder = tmp_path / 'out'
    status, _, err = run('export', 'openvino', folder, '--weights', weights)
    assert status == 1
    assert err.startswith('error: batch of 1: against PyTorch joints are off by ')
    assert 'the files were deleted' in err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(run, weights, tmp_path):
    (tmp_path / 'mine.txt').write_text('mine')
    for target in (tmp_path, tmp_path / 'mine.txt'):
        status, _, err = run('export', 'openvino', target, '--weights', weights)
        assert status == 1
        assert 'not an empty folder; give a new one' in err
    assert [path.name for path in tmp_path.iterdir()] == ['mine.txt']


def test_unknown_weights(run, tmp_path):
    pytest.importorskip('openvino', reason='needs OpenVINO')
    for name in ('nobody', 'untrained:nobody'):
        status, _, err = run('export', 'openvino', tmp_path / 'out', '--weights', name)
        assert status == 1
        assert 'nobody' in err
        assert err.count('\n') == 1
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('file_format', 'missing', 'advice'),
    [
        ('onnx', ['onnx'], 'pip install onnx onnxscript'),
        ('onnx', ['onnxscript'], 'pip install onnx onnxscript'),
        ('openvino', ['openvino'], 'pip install openvino'),
    ],
)
def test_a_missing_package_is_named(run, monkeypatch, tmp_path, file_format, missing, advice):
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    status, _, err = run('export', file_format, tmp_path / 'out')
    assert status == 1
    assert advice in err
    assert err.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_without_a_runtime_nothing_is_written(run, monkeypatch, tmp_path):
    monkeypatch.setattr('pose_action_ros.export.writer.check_format', lambda _: None)
    for package in ('onnxruntime', 'openvino'):
        monkeypatch.setitem(sys.modules, package, None)
    status, _, err = run('export', 'onnx', tmp_path / 'out')
    assert status == 1
    assert 'no installed library runs onnx files' in err
    assert 'pip install onnxruntime or openvino' in err


def test_an_unknown_format(run, tmp_path):
    status, _, err = run('export', 'onx', tmp_path / 'out')
    assert status == 1
    assert "unknown format 'onx'; known: onnx, openvino; did you mean onnx?" in err
