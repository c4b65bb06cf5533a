"""`pose-action evaluate {coco,yolo_pose,lsp,jhmdb,finding}` on miniature data; PCK by hand."""

import json

import cv2
import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from pose_action_ros.cli.evaluate_finding import evaluate_app
from pose_action_ros.core.actions import PEOPLE_ACTIONS
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.models import ModelConfig, MultitaskNet, save_model
from pose_action_ros.models.finder import FinderConfig, PersonFinder, save_finder
from pose_action_ros.training.photograph_scores import photograph_scores, torso_px

app = typer.Typer()
app.add_typer(evaluate_app, name='evaluate')
SMALL = {
    **{'blocks': 1, 'features': 16, 'kernel_size': 3, 'clip_frames': 4, 'pose_features': 8},
    **{'pose_stem_features': 2, 'pose_reduced_features': 4, 'appearance_features': 8},
    **{'depth_maps': 2, 'actions': PEOPLE_ACTIONS},
}


@pytest.fixture
def invoke(tmp_path):
    """Run a command on weights that are random; return its scores."""
    torch.manual_seed(0)
    weights = tmp_path / 'random.safetensors'
    save_model(MultitaskNet(ModelConfig.preset('compact', **SMALL)).eval(), weights)

    def run(name, root, *arguments):
        path = tmp_path / f'{name}.json'
        options = ('--weights', weights, '--quiet', '--json', path, *arguments)
        texts = [str(part) for part in ('evaluate', name, root, *options)]
        runner = CliRunner(env={'COLUMNS': '200'})
        result = runner.invoke(app, texts, catch_exceptions=False)
        assert result.exit_code == 0
        return json.loads(path.read_text(encoding='utf-8')), result.stdout

    return run


def test_coco(invoke, people, tmp_path):
    people.write_coco(tmp_path)
    scores, text = invoke('coco', tmp_path, '--min-height', 50)
    assert scores['single_crop']['samples'] == 4
    assert scores['single_crop']['joints'] == 4 * 12
    assert 'PCK@0.2' in text
    scores, _ = invoke('coco', tmp_path, '--min-height', 50, '--split', 'train', '--limit', 3)
    assert scores['single_crop']['samples'] == 3


@pytest.mark.parametrize('name', ['coco', 'yolo', 'lsp', 'jhmdb'])
def test_predicted_poses_are_drawn(invoke, people, tmp_path, name):
    write = getattr(people, f'write_{name}')
    write(tmp_path, True) if name == 'lsp' else write(tmp_path)
    command = 'yolo_pose' if name == 'yolo' else name
    small = () if name in ('lsp', 'jhmdb') else ('--min-height', 50)
    invoke(command, tmp_path, *small, '--split', 'train', '--sheet', tmp_path / 'sheet.png')
    image = cv2.imread(str(tmp_path / 'sheet.png'))
    assert image.shape[1] % 256 == image.shape[0] % 274 == 0


def test_yolo_pose(invoke, people, tmp_path):
    people.write_yolo(tmp_path)
    scores, _ = invoke('yolo_pose', tmp_path, '--min-height', 50, '--split', 'val')
    assert scores['single_crop']['samples'] == 2


def test_lsp(invoke, people, tmp_path):
    people.write_lsp(tmp_path, True)
    people.write_lsp_checks(tmp_path / 'checks.npz')
    scores, _ = invoke('lsp', tmp_path, '--checks', tmp_path / 'checks.npz', '--multi-crop')
    assert scores['single_crop']['samples'] == scores['multi_crop']['samples'] == 5


def test_jhmdb_judges_poses_and_actions(invoke, people, tmp_path):
    people.write_jhmdb(tmp_path)
    plots = tmp_path / 'plots'
    scores, text = invoke('jhmdb', tmp_path, '--plots', plots)
    assert scores['single_crop']['samples'] == 2 * 7  # every third of 20 frames, of two films
    assert 'jhmdb, action accuracy' in text
    actions = json.loads((tmp_path / 'jhmdb.actions.json').read_text(encoding='utf-8'))
    assert actions['single_clip']['sequences'] == 2
    assert set(actions['single_clip']['recall']) == {'wave', 'other'}  # golf has no name of ours
    assert (plots / 'confusion.png').exists()


def test_finding_counts_people_and_windows(invoke, people, tmp_path):
    people.write_coco(tmp_path)
    scores, text = invoke('finding', tmp_path, '--split', 'train', '--limit', 5, '--finder', '')
    assert 'candidates an image' not in scores
    assert scores['empty windows with somebody']['of'] == 5
    assert scores['single people found']['of'] + scores['people found in scenes of 2 to 6'][
        'of'
    ] == pytest.approx(5)
    for name in ('single people found', 'single people misread', 'false people a single scene'):
        assert name in text


def test_finding_counts_what_the_finder_finds(invoke, people, tmp_path):
    people.write_coco(tmp_path / 'coco')
    path = tmp_path / 'finder.safetensors'
    net = PersonFinder(FinderConfig(features=16, eighth=8, sixteenth=8))
    torch.nn.init.constant_(net.head.bias, 2.0)  # somebody may be anywhere
    save_finder(net, path)
    options = ('--split', 'train', '--limit', 5, '--finder', path)
    scores, text = invoke('finding', tmp_path / 'coco', *options)
    assert scores['candidates an image'] == {'count': 5 * 16, 'of': 5}
    assert scores['single people with a candidate']['of'] >= 4
    assert 'people in scenes of 2 to 6 with a candidate' in text


def test_finding_measures_several_people_alone_where_not_all_are_annotated(
    invoke, people, tmp_path
):
    people.write_yolo(tmp_path)
    scores, _ = invoke(
        'finding', tmp_path, '--reader', 'yolo_pose', '--split', 'train', '--limit', 5,
        '--finder', '',
    )  # fmt: skip
    assert [name for name in scores if name != 'weights'] == ['people found in scenes of 2 to 6']


class TestPck:
    def pose(self):
        """(1, J, 2) with a torso of 100 pixels."""
        joints = np.full((1, PA17J.num_joints, 2), np.nan)
        names = PA17J.joint_names
        for part, y in (('shoulder', 0), ('hip', 100), ('knee', 150), ('ankle', 200)):
            for side, x in (('right', -20), ('left', 20)):
                joints[0, names.index(f'{side}_{part}')] = (x, y)
        return joints

    def test_the_torso_is_from_shoulders_to_hips(self):
        joints = np.concatenate([self.pose(), self.pose()])
        joints[1, PA17J.index('left_hip')] = np.nan
        np.testing.assert_allclose(torso_px(joints, PA17J.joint_names), [100.0, np.nan])

    def test_shares_by_part_over_annotated_joints(self):
        truth = np.concatenate([self.pose(), self.pose()])
        truth[1, PA17J.index('left_hip')] = np.nan  # no torso: does not count
        found = np.repeat(np.nan_to_num(truth)[:, None], 2, axis=1)  # two blocks
        found[0, 1, PA17J.index('left_knee')] += (0, 20.5)  # the last block counts
        found[0, 1, PA17J.index('right_ankle')] += (30, 41)
        found[0, 0, PA17J.index('right_hip')] += 1000
        scores = photograph_scores(found, truth, PA17J.joint_names)
        assert (scores.samples, scores.joints) == (1, 8)
        assert scores.pck_20['hip'] == scores.pck_20['shoulder'] == 1.0
        assert scores.pck_20['knee'] == 0.5
        assert scores.pck_20['ankle'] == scores.pck_50['ankle'] == 0.5
        assert scores.pck_50['knee'] == 1.0
        assert scores.pck_20['total'] == 6 / 8
        assert np.isnan(scores.pck_20['elbow'])
        assert scores.blocks == [7 / 8, 6 / 8]
