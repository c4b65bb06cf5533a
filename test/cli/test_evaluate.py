"""`pose-action evaluate simulated`: table, JSON with the agreed keys, picture."""

import json

import cv2
import pytest
from typer.testing import CliRunner

from pose_action_ros.cli.evaluate_films import evaluate_app
from pose_action_ros.models import ModelConfig, MultitaskNet, save_model


@pytest.mark.parametrize(
    'command', ['simulated', 'coco', 'yolo_pose', 'lsp', 'jhmdb', 'mpii', 'h36m']
)
def test_a_sheet_that_is_no_picture_is_refused_before_any_work(tmp_path, command):
    root = () if command == 'simulated' else (str(tmp_path),)
    arguments = [command, *root, '--weights', '/no/such', '--sheet', str(tmp_path / 'sheet.txt')]
    result = CliRunner(env={'COLUMNS': '300'}).invoke(evaluate_app, arguments)
    assert result.exit_code == 2
    assert 'sheet.txt is not the name of a picture' in result.stderr


KEYS = {'mpjpe_mm', 'pixel_error', 'pck_torso_10', 'action_accuracy'}
KEYS |= {'baseline_mpjpe_mm', 'baseline_accuracy'}


def test_simulated(tmp_path):
    net = MultitaskNet(ModelConfig.preset('compact', features=16, clip_frames=4))
    weights, scores = tmp_path / 'w.safetensors', tmp_path / 'new' / 'scores.json'
    save_model(net, weights)
    arguments = ['simulated', '--weights', weights, '--json', scores, '--poses', 3, '--clips', 2]
    arguments += ['--workers', 0, '--plots', tmp_path / 'plots']
    arguments += ['--sheet', tmp_path / 'sheet.png']
    result = CliRunner().invoke(evaluate_app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert 'MPJPE' in result.stdout
    found = json.loads(scores.read_text())
    assert found.keys() >= KEYS
    assert (found['poses'], found['clips'], found['split']) == (3, 2, 'test')
    assert all(isinstance(found[key], float) for key in KEYS)
    assert found['mpjpe_mm'] > 50  # an untrained network
    assert (tmp_path / 'plots' / 'confusion.png').stat().st_size > 1000
    assert cv2.imread(str(tmp_path / 'sheet.png')).shape == (256 + 18, 3 * 256, 3)
