"""`pose-action evaluate {mpii,h36m,penn_action,ntu}` on miniature data."""

import json

import pytest
import torch
import typer
from typer.testing import CliRunner

from pose_action_ros.cli.data import data_app
from pose_action_ros.cli.evaluate_films import evaluate_app
from pose_action_ros.core.errors import ConfigError, DatasetError, DeviceError
from pose_action_ros.models import ModelConfig, MultitaskNet, save_model

app = typer.Typer()
app.add_typer(evaluate_app, name='evaluate')
SMALL = {
    **{'blocks': 1, 'features': 16, 'kernel_size': 3, 'clip_frames': 4, 'pose_features': 8},
    **{'pose_stem_features': 2, 'pose_reduced_features': 4, 'appearance_features': 8},
}
ROOTS = {
    'mpii': 'mpii_official',
    'h36m': 'h36m_released',
    'penn_action': 'penn_released',
    'ntu': 'ntu_official',
}


@pytest.fixture
def invoke(request, tmp_path):
    def run(name, *arguments):
        torch.manual_seed(0)
        shape = {**SMALL, 'depth_maps': 2} if name in ('h36m', 'ntu') else SMALL
        weights = tmp_path / f'{name}.safetensors'
        save_model(MultitaskNet(ModelConfig.preset(name, **shape)).eval(), weights)
        root = request.getfixturevalue(ROOTS[name])
        options = ('--weights', weights, '--quiet', *arguments)
        texts = [str(part) for part in ('evaluate', name, root, *options)]
        runner = CliRunner(env={'COLUMNS': '200'})
        return runner.invoke(app, texts, catch_exceptions=False)

    return run


def read(path):
    return json.loads(path.read_text(encoding='utf-8'))


def test_h36m_prints_table_1(invoke, tmp_path):
    files = ('--json', tmp_path / 'a' / 'a.json', '--markdown', tmp_path / 'a.md')
    sheet = tmp_path / 'sheet.png'
    result = invoke('h36m', '--multi-crop', '--limit', 4, *files, '--sheet', sheet)
    assert result.exit_code == 0
    assert sheet.stat().st_size > 1000
    for text in ('Walk Dog', 'ours - SC', 'ours - MC', 'P-MPJPE', 'Human3.6 + MPII - MC'):
        assert text in result.stdout
    scores = read(tmp_path / 'a' / 'a.json')
    assert scores['dataset'] == 'h36m'
    assert scores['single_crop']['mpjpe_mm']['Eating'] is None
    assert scores['single_crop']['samples']['Discussion'] == 2
    assert scores['multi_crop']['views'] == 10
    value = scores['single_crop']['mean_mpjpe_mm']
    assert f'| {value:.1f} |' in (tmp_path / 'a.md').read_text(encoding='utf-8')


def test_mpii(invoke, tmp_path):
    result = invoke('mpii', '--json', tmp_path / 'a.json')
    assert 'PCKh@0.5' in result.stdout
    assert '91.2' in result.stdout
    scores = read(tmp_path / 'a.json')
    assert scores['single_crop']['samples'] == 2
    assert set(scores['single_crop']['pckh_50']) == {
        *('head', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle', 'total')
    }
    assert 'multi_crop' not in scores


@pytest.mark.parametrize('name', ['penn_action', 'ntu'])
def test_actions(invoke, tmp_path, name):
    result = invoke(
        *(name, '--multi-clip', '--limit', 1, '--boxes', 'seen'),
        *('--json', tmp_path / 'a.json', '--plots', tmp_path / 'plots'),
    )
    assert 'single-clip' in result.stdout
    assert 'multi-clip' in result.stdout
    scores = read(tmp_path / 'a.json')
    assert list(scores['multi_clip']['accuracy']) == [
        *('p1', 'p2', 'p3', 'p4', 'v1', 'v2', 'v3', 'v4', 'm')
    ]
    assert scores['single_clip']['clips'] == 1
    assert scores['multi_clip']['clips'] > 2
    assert (tmp_path / 'plots' / 'confusion.png').stat().st_size > 5000


def test_the_cross_view_split(invoke, tmp_path):
    invoke('ntu', '--view', '--json', tmp_path / 'a.json')
    assert read(tmp_path / 'a.json')['single_clip']['sequences'] == 4


@pytest.mark.parametrize('name', ['penn_action', 'ntu'])
def test_prepared_pictures_on_any_device(invoke, request, tmp_path, name):
    root, cache = request.getfixturevalue(ROOTS[name]), tmp_path / 'cache'
    commands = typer.Typer()
    commands.add_typer(data_app, name='data')
    arguments = ['data', 'prepare', name, str(root), str(cache), '--quiet']
    CliRunner().invoke(commands, arguments, catch_exceptions=False)
    scores = []
    for options in ((), ('--prepared', cache, '--device', 'auto', '--workers', 1)):
        invoke(name, *options, '--json', tmp_path / 'a.json')
        scores.append(read(tmp_path / 'a.json'))
    assert scores[0]['single_clip']['sequences'] == scores[1]['single_clip']['sequences']
    with pytest.raises(ConfigError, match='needs whole pictures, and --prepared has only parts'):
        invoke(name, '--prepared', cache, '--boxes', 'seen')
    with pytest.raises(DeviceError, match="device 'abacus'"):
        invoke(name, '--device', 'abacus')


def test_boxes_of_a_file(invoke, tmp_path, miniatures):
    path = tmp_path / 'boxes.json'
    keys = [f'{i:04d}.2.{n:03d}.{flip}' for i in range(2) for n in range(9) for flip in (0, 1)]
    miniatures.write_penn_boxes(path, keys, (80, 40, 240, 200))
    options = ('--boxes', path, '--json', tmp_path / 'a.json')
    invoke('penn_action', '--multi-clip', *options)
    assert list(read(tmp_path / 'a.json')) == ['dataset', 'weights', 'multi_clip']
    with pytest.raises(ConfigError, match='add --multi-clip'):
        invoke('penn_action', *options)
    with pytest.raises(ConfigError, match='annotated, seen or a'):
        invoke('penn_action', '--boxes', 'guessed')


@pytest.mark.parametrize('name', ['mpii', 'h36m', 'penn_action', 'ntu', 'coco', 'lsp', 'jhmdb'])
def test_a_missing_folder_is_named_before_missing_weights(name, tmp_path):
    folder = tmp_path / 'nope'
    with pytest.raises(DatasetError, match=f'there is no folder {folder}'):
        CliRunner().invoke(evaluate_app, [name, str(folder)], catch_exceptions=False)


def test_every_evaluation_uses_a_gpu_if_there_is_one():
    devices = {
        name: parameter.default
        for name, command in typer.main.get_command(evaluate_app).commands.items()
        for parameter in command.params
        if parameter.name == 'device'
    }
    assert {'mpii', 'h36m', 'penn_action', 'ntu', 'folder', 'clips'} <= set(devices)
    assert set(devices.values()) == {'auto'}, devices
