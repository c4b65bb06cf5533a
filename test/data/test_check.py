"""`pose-action data check` and the contact sheet."""

import json

import cv2
import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from pose_action_ros.cli.data_candidates import data_app
from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.skeleton import PA16J, PA17J
from pose_action_ros.data.contact_sheet import contact_sheet, draw_sample
from pose_action_ros.data.empty_windows import is_free, read_candidates
from pose_action_ros.data.opening import open_library
from pose_action_ros.data.photographs import image_key
from pose_action_ros.data.recorded import RecordedPoses
from pose_action_ros.models.finder import FinderConfig, PersonFinder, save_finder

app = typer.Typer()
app.add_typer(data_app, name='data')


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def sample(joint, place):
    joints = torch.full((16, 3), torch.nan)
    joints[PA16J.index(joint), :2] = torch.tensor(place)
    return {'crop': torch.zeros(3, 256, 256, dtype=torch.uint8), 'joints_crop': joints}


def test_a_joint_is_drawn_where_it_is_in_the_colour_of_its_side():
    image = draw_sample(sample('right_knee', (0.25, 0.75)), PA16J)
    assert image[192, 64].tolist() == [255, 80, 60]
    assert (image.max(-1) > 0).sum() < 100
    assert draw_sample(sample('left_knee', (0.5, 0.5)), PA16J)[128, 128].tolist() == [80, 230, 80]


def test_the_sheet_has_rows_and_captions():
    sheet = contact_sheet([sample('head', (0.5, 0.5))] * 3, ['a', 'b', 'c'], PA16J, columns=2)
    assert sheet.shape == (2 * 274, 512, 3)
    assert sheet[:18].max() > 200
    assert sheet[274:, 256:].max() == 0


@pytest.mark.parametrize(
    ('name', 'root', 'expected'),
    [
        ('mpii', 'mpii_official', ['train', '4', '16']),
        ('h36m', 'h36m_released', ['val', '2 of 15', '17']),
        ('penn_action', 'penn_released', ['train', '3 of 15', '72']),
        ('ntu', 'ntu_official', ['test', '2 of 60', '1 names', '302']),
    ],
)
def test_check_says_what_it_found(request, tmp_path, name, root, expected):
    path = tmp_path / 'new' / 'sheet.png'
    folder = request.getfixturevalue(root)
    result = invoke('data', 'check', name, folder, '--samples', 2, '--sheet', path)
    assert result.exit_code == 0
    for text in expected:
        assert text in result.stdout
    image = cv2.imread(str(path))
    assert image.shape[1] >= 4 * 256
    assert np.ptp(image) > 200


def test_check_shows_what_training_sees(penn_official, tmp_path):
    sheets = []
    for augmentation in ('none', 'paper'):
        path = tmp_path / f'{augmentation}.png'
        invoke(
            *('data', 'check', 'penn_action', penn_official, '--samples', 1, '--sheet', path),
            *('--augmentation', augmentation),
        )
        sheets.append(cv2.imread(str(path)))
    assert not np.array_equal(*sheets)


def test_check_names_every_fault(tmp_path, miniatures):
    with pytest.raises(ConfigError, match="unknown data set 'cocoa'"):
        invoke('data', 'check', 'cocoa', tmp_path)
    with pytest.raises(DatasetError, match=r'2 faults: train: .*images: no such folder'):
        invoke('data', 'check', 'mpii', tmp_path)
    miniatures.write_mpii(tmp_path, False)
    (tmp_path / 'images' / '000000005.jpg').write_bytes(b'damaged')
    with pytest.raises(DatasetError, match=r'1 faults: val: .*000000005\.jpg cannot be read'):
        invoke('data', 'check', 'mpii', tmp_path, '--sheet', tmp_path / 'a.png')
    assert (tmp_path / 'a.png').exists()


def test_check_skips_what_is_no_annotation_and_says_so(tmp_path, miniatures):
    miniatures.write_ntu(tmp_path)
    folder = tmp_path / 'nturgb+d_skeletons'
    (folder / 'S001C001P001R001A061.skeleton').write_text('0')
    (folder / f'._{miniatures.NTU_TRAIN[0]}.skeleton').write_bytes(bytes(100))
    (folder / f'{miniatures.NTU_TRAIN[0]}.skeleton').write_bytes(b'')
    (folder / f'{miniatures.NTU_TEST[0]}.skeleton').write_bytes(bytes(800_000))
    result = invoke('data', 'check', 'ntu', tmp_path, '--sheet', tmp_path / 'a.png')
    assert result.exit_code == 0
    assert '1 skipped: not an action of NTU RGB+D 60: S001C001P001R001A061' in result.stdout
    assert result.stdout.count('1 recording is skipped') == 2
    assert len(result.stdout) < 6000


def test_check_names_annotations_that_it_skips(tmp_path, people):
    people.write_coco(tmp_path)
    path = tmp_path / 'annotations/person_keypoints_train2017.json'
    values = json.loads(path.read_text())
    values['annotations'][5]['bbox'] = [float('inf')] * 4
    path.write_text(json.dumps(values))
    result = invoke('data', 'check', 'coco', tmp_path, '--sheet', tmp_path / 'a.png')
    assert result.exit_code == 0
    assert 'train: 1 skipped: bbox is not a box in its image' in result.stdout
    assert 'annotation 6 of 000000000004.jpg ([inf, inf, inf, inf])' in result.stdout
    result = invoke('data', 'prepare', 'coco', tmp_path, tmp_path / 'cache', '--quiet')
    assert 'train: 17 recordings prepared' in result.stdout


def test_a_window_that_cannot_be_cut_is_a_fault_of_its_sample(tmp_path, people, monkeypatch):
    people.write_coco(tmp_path)
    varied = RecordedPoses.varied

    def broken(self, index, rng):
        if index == 0:
            raise ConfigError('the box cannot be cropped')
        return varied(self, index, rng)

    monkeypatch.setattr(RecordedPoses, 'varied', broken)
    with pytest.raises(DatasetError, match=r'3 faults: train: the box cannot be cropped; val: '):
        invoke('data', 'check', 'coco', tmp_path, '--sheet', tmp_path / 'a.png')
    assert (tmp_path / 'a.png').exists()


def test_a_part_of_a_data_set_without_a_validation_set_is_no_fault(tmp_path, miniatures):
    miniatures.write_ntu(tmp_path)
    folder = tmp_path / 'nturgb+d_skeletons'
    held_out = [path for path in folder.iterdir() if path.stem[8:12] in ('P017', 'P019')]
    assert held_out
    for path in held_out:
        path.unlink()
    result = invoke('data', 'check', 'ntu', tmp_path, '--sheet', tmp_path / 'a.png')
    assert f'{folder} has no .skeleton file for val' in ' '.join(result.stdout.split('\n'))
    assert (tmp_path / 'a.png').exists()
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r'3 faults: .* for train; .* for val; .* for test'):
        invoke('data', 'check', 'ntu', tmp_path)


def test_check_of_a_damaged_label_reads_the_others(tmp_path, miniatures):
    miniatures.write_penn(tmp_path, True)
    (tmp_path / 'labels' / '._0001.mat').write_bytes(bytes(4000))
    (tmp_path / 'labels' / '0002.mat').write_bytes(bytes(4000))
    result = invoke('data', 'check', 'penn_action', tmp_path, '--sheet', tmp_path / 'a.png')
    assert result.exit_code == 0
    assert '1 skipped: is not a MATLAB file' in result.stdout
    assert '0002.mat' in result.stdout


def test_many_faults_are_counted_and_the_first_are_listed(tmp_path, miniatures):
    miniatures.write_penn(tmp_path, True)
    for picture in (tmp_path / 'frames').rglob('*.jpg'):
        picture.write_bytes(b'damaged')
    with pytest.raises(DatasetError, match=r'60 faults: .*; and 50 more$') as refused:
        invoke('data', 'check', 'penn_action', tmp_path, '--samples', 20)
    assert len(str(refused.value)) <= 2000


def test_options_of_the_data_set(people, tmp_path):
    people.write_pose_arrays(tmp_path / 'photographs', tmp_path / 'labels.npz')
    sheet = tmp_path / 'sheet.png'
    arguments = ('data', 'check', 'pose_arrays', tmp_path / 'photographs', '--sheet', sheet)
    labels = f'labels={tmp_path / "labels.npz"}'
    result = invoke(*arguments, '--option', labels, '--option', 'min_confidence=0.2')
    assert '18' in result.stdout
    assert sheet.exists()
    with pytest.raises(ConfigError, match='pose_arrays has no option label; it has labels'):
        invoke(*arguments, '--option', 'label=x')
    with pytest.raises(ConfigError, match='--option labels: expected KEY=VALUE'):
        invoke(*arguments, '--option', 'labels')
    with pytest.raises(ConfigError, match='the value is not YAML'):
        invoke(*arguments, '--option', 'labels={')


def test_a_split_that_the_data_set_lacks_is_no_fault(people, tmp_path):
    people.write_lsp(tmp_path, True)
    result = invoke('data', 'check', 'lsp', tmp_path, '--sheet', tmp_path / 'sheet.png')
    assert result.exit_code == 0
    assert "has no split 'test'" in result.stdout
    result = invoke('data', 'prepare', 'lsp', tmp_path, tmp_path / 'cache', '--quiet')
    assert result.exit_code == 0
    assert 'train: 18 recordings prepared' in result.stdout


def test_candidates_are_found_beside_the_people(people, tmp_path):
    people.write_coco(tmp_path)
    torch.manual_seed(0)
    save_finder(PersonFinder(FinderConfig()).eval(), tmp_path / 'random.safetensors')
    output = tmp_path / 'new' / 'candidates.json'
    options = ('--finder', tmp_path / 'random.safetensors', '--min-score', 0.001, '--quiet')
    result = invoke('data', 'candidates', 'coco', tmp_path, output, *options)
    assert result.exit_code == 0
    found = read_candidates(output)
    library = open_library('coco', tmp_path, 'train', PA17J)
    corners = {}
    for person in library.everybody:
        corners.setdefault(image_key(person.title), []).append(person.corners_px)
    assert found.keys() == corners.keys()
    count = sum(map(len, found.values()))
    assert count > 0
    assert f'{count} places in {len(corners)} photographs' in result.stdout
    assert all(is_free(box, np.array(corners[key])) for key in found for box in found[key])


def test_a_damaged_photograph_has_no_candidates(people, tmp_path):
    people.write_coco(tmp_path)
    torch.manual_seed(0)
    save_finder(PersonFinder(FinderConfig()).eval(), tmp_path / 'random.safetensors')
    library = open_library('coco', tmp_path, 'train', PA17J)
    damaged = library.everybody[0]
    damaged.image.write_bytes(b'no picture')
    output = tmp_path / 'c.json'
    weights = ('--finder', tmp_path / 'random.safetensors')
    result = invoke('data', 'candidates', 'coco', tmp_path, output, *weights, '--quiet')
    assert result.exit_code == 0
    assert f'skipped: {damaged.image}' in result.stdout.replace('\n', '')
    assert image_key(damaged.title) not in read_candidates(output)
    assert len(read_candidates(output)) > 3


def test_films_have_no_candidates(people, tmp_path):
    people.write_jhmdb(tmp_path)
    with pytest.raises(DatasetError, match='photographs'):
        invoke('data', 'candidates', 'jhmdb', tmp_path, tmp_path / 'c.json')
