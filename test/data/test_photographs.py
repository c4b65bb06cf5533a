"""COCO, YOLO-pose, LSP and label files: joints on their dots, splits, and what is wrong."""

import json

import numpy as np
import pytest
from PIL import ExifTags, Image

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.core.skeleton import PA16J, PA17J
from pose_action_ros.data.augment import Framing
from pose_action_ros.data.empty_windows import EmptyWindows, read_candidates, write_candidates
from pose_action_ros.data.opening import open_library
from pose_action_ros.data.photographs import chosen_images, image_key
from pose_action_ros.data.recorded import RecordedPoses

BODY = 13  # twelve joints and the pelvis between the hips
OPTIONS = {
    'coco': {},
    'yolo_pose': {},
    'lsp': {},
    'pose_arrays': {'labels': 'labels.npz'},
}
WRITERS = {'coco': 'write_coco', 'yolo_pose': 'write_yolo'}


@pytest.fixture(scope='session')
def roots(people, tmp_path_factory):
    """The four data sets, written once."""
    folder = tmp_path_factory.mktemp('photographs')
    people.write_coco(folder / 'coco')
    people.write_yolo(folder / 'yolo_pose')
    people.write_lsp(folder / 'lsp', True)
    people.write_pose_arrays(folder / 'pose_arrays', folder / 'labels.npz')
    return folder


def opened(roots, name, split='train', skeleton=PA17J, **options):
    given = {k: roots / v for k, v in OPTIONS[name].items()}
    return open_library(name, roots / name, split, skeleton, **given, **options)


@pytest.mark.parametrize('name', OPTIONS)
@pytest.mark.parametrize('skeleton', [PA16J, PA17J])
def test_joints_lie_on_their_dots(roots, dots, name, skeleton):
    samples = RecordedPoses(opened(roots, name, skeleton=skeleton))
    expected = {'lsp': BODY + 2, 'pose_arrays': BODY - 1}.get(name, BODY)
    found = [dots(samples[i], skeleton) for i in range(len(samples)) if i not in (1, 2)]
    assert set(found) == {expected}


@pytest.mark.parametrize('name', OPTIONS)
def test_the_pelvis_is_the_middle_of_the_hips_and_its_depth_the_origin(roots, name):
    sample = RecordedPoses(opened(roots, name))[0]
    joints = sample['joints_crop']
    hips = joints[[PA17J.index('right_hip'), PA17J.index('left_hip')]]
    np.testing.assert_allclose(joints[0, :2], hips[:, :2].mean(0), atol=1e-6)
    assert bool(sample['depth_is_hint'])
    if name == 'pose_arrays':
        assert joints[0, 2] == pytest.approx(0.5)
        assert joints[PA17J.index('right_ankle'), 2] > joints[PA17J.index('left_hip'), 2]
        assert joints[PA17J.index('right_elbow')].isnan().all()
    else:
        assert joints[:, 2].isnan().all()


@pytest.mark.parametrize('name', OPTIONS)
def test_every_tenth_training_image_validates(roots, name):
    train, val = (opened(roots, name, split) for split in ('train', 'val'))
    titles = [{one.title(i) for i in range(len(one))} for one in (train, val)]
    assert [len(t) for t in titles] == [18, 2]
    assert not titles[0] & titles[1]


@pytest.mark.parametrize('name', ['coco', 'yolo_pose'])
def test_test_images_are_those_of_the_data_set(roots, name):
    test = opened(roots, name, 'test')
    assert len(test) == 4
    train = opened(roots, name, 'train')
    assert not {test.title(i) for i in range(4)} & {train.title(i) for i in range(len(train))}


@pytest.mark.parametrize('name', ['coco', 'yolo_pose'])
def test_a_split_file_decides_instead(roots, tmp_path, name):
    path = tmp_path / 'split.json'
    path.write_text(json.dumps({'train': list(range(0, 20, 2)), 'test': [1, '000000000003.jpg']}))
    found = {s: opened(roots, name, s, split_file=path) for s in ('train', 'val', 'test')}
    numbers = {
        s: [int(one.title(i).rpartition('/')[2].removesuffix('.jpg')) for i in range(len(one))]
        for s, one in found.items()
    }
    assert numbers == {'train': list(range(2, 20, 2)), 'val': [0], 'test': [1, 3]}
    path.write_text('{"train": [1, 2], "test": ["0002.jpg"]}')
    with pytest.raises(DatasetError, match='1 images are in both lists, such as 2'):
        opened(roots, name, split_file=path)
    path.write_text('{"train": "12", "test": []}')
    with pytest.raises(DatasetError, match='expected JSON with the lists `train` and `test`'):
        opened(roots, name, split_file=path)


def test_persons_are_chosen_by_joints_and_height(roots):
    everybody = opened(roots, 'coco')
    assert len(opened(roots, 'coco', min_joints=12)) == len(everybody) - 1  # of image 3
    assert len(everybody.everybody) == len(everybody) + 1  # and the crowd
    with pytest.raises(DatasetError, match=r'none with 1 body joints and 500 pixels or more'):
        opened(roots, 'coco', min_height_px=500)


def test_labels_of_lsp_are_checked(roots, people, tmp_path):
    people.write_lsp_checks(tmp_path / 'checks.npz')
    plain = {s.title: s for s in opened(roots, 'lsp').everybody}
    plain |= {s.title: s for s in opened(roots, 'lsp', 'val').everybody}
    options = {'checks': tmp_path / 'checks.npz'}
    parts = [opened(roots, 'lsp', split, **options) for split in ('train', 'val', 'test')]
    checked = {s.title: s for one in parts for s in one.everybody}
    names = list(checked['im00001.jpg'].names)
    right, left = names.index('right_wrist'), names.index('left_wrist')
    one, other = plain['im00001.jpg'].joints_px, checked['im00001.jpg'].joints_px
    np.testing.assert_array_equal(other[[right, left]], one[[left, right]])
    assert np.isnan(checked['im00002.jpg'].joints_px).all()
    assert np.isnan(checked['im00004.jpg'].joints_px[names.index('right_knee')]).all()
    held_out = {p.title for p in parts[2].everybody}
    assert held_out == {f'im{n:05d}.jpg' for n in range(16, 21)}
    assert not held_out & {p.title for one in parts[:2] for p in one.everybody}


def test_lsp_as_distributed_has_a_test_half(people, tmp_path):
    people.write_lsp(tmp_path, False)
    train, test = (open_library('lsp', tmp_path, s, PA17J) for s in ('train', 'test'))
    assert (len(train), len(test)) == (900, 1000)
    assert test.title(0) == 'im1001.jpg'


@pytest.mark.parametrize(
    ('name', 'file', 'content', 'message'),
    [
        ('coco', 'annotations/person_keypoints_train2017.json', b'{', 'is not laid out'),
        ('coco', 'annotations/person_keypoints_train2017.json', None, 'no such file'),
        ('coco', 'annotations/person_keypoints_train2017.json', b'[' * 200_000, 'too deeply'),
        ('coco', 'annotations/person_keypoints_train2017.json', b'[]', 'is not laid out'),
        ('lsp', 'joints.mat', b'damaged', 'is not a MATLAB file or is damaged'),
        ('pose_arrays', '../labels.npz', b'damaged', 'is not a NumPy file or is damaged'),
        ('pose_arrays', '../labels.npz', None, 'no such file'),
    ],
)
def test_what_is_missing_or_damaged_is_named(people, tmp_path, name, file, content, message):
    people.write_coco(tmp_path / 'coco')
    people.write_yolo(tmp_path / 'yolo_pose')
    people.write_lsp(tmp_path / 'lsp', True)
    people.write_pose_arrays(tmp_path / 'pose_arrays', tmp_path / 'labels.npz')
    path = tmp_path / name / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        opened(tmp_path, name)


@pytest.mark.parametrize(
    ('file', 'content', 'message'),
    [
        ('labels/train/000002.txt', b'0 1 2', 'found 3 numbers; expected 56'),
        ('labels/train/000002.txt', b'\xff', 'cannot be read'),
        ('images/train/000002.jpg', b'damaged', 'cannot be read'),
    ],
)
def test_a_damaged_file_among_many_is_skipped(people, tmp_path, file, content, message):
    people.write_yolo(tmp_path)
    (tmp_path / file).write_bytes(content)
    library = open_library('yolo_pose', tmp_path, 'train', PA17J)
    assert len(library) == 17
    [(name, reason)] = library.skipped.items()
    assert name.removesuffix(', line 1') == 'train/000002.jpg'
    assert message in reason
    for path in (tmp_path / 'labels').rglob('*.txt'):
        path.write_bytes(b'0 1 2')
    with pytest.raises(DatasetError, match=r'none with 1 body joints.*skipped: .*found 3 numbers'):
        open_library('yolo_pose', tmp_path, 'train', PA17J)


def edited(root, edit):
    """The training photographs of COCO after an edit of the annotations."""
    path = root / 'annotations/person_keypoints_train2017.json'
    values = json.loads(path.read_text())
    edit(values['images'], values['annotations'])
    path.write_text(json.dumps(values))
    return open_library('coco', root, 'train', PA17J)


SIXTH = 'person_keypoints_train2017.json, annotation 6'
HUGE = [1e9 if i % 3 < 2 else 2 for i in range(51)]


@pytest.mark.parametrize(
    ('change', 'found'),
    [
        ({'bbox': [float('nan')] * 4}, 'bbox is not a box in its image'),
        ({'bbox': [1e308] * 4}, 'bbox is not a box in its image'),
        ({'bbox': [10, 10, float('inf'), 20]}, 'bbox is not a box in its image'),
        ({'bbox': [50, 50, -20, -30]}, 'bbox is not a box in its image'),
        ({'bbox': [50, 50, 2000, 20]}, 'bbox is not a box in its image'),
        ({'bbox': [10**400, 0, 1, 1]}, 'bbox is not a box in its image'),
        ({'bbox': None}, 'bbox is not a box in its image'),
        ({'keypoints': []}, 'keypoints are not 51 numbers'),
        ({'keypoints': 'none'}, 'keypoints are not 51 numbers'),
        ({'keypoints': HUGE}, 'a joint lies far outside of the image'),
        ({'keypoints': [float('nan')] * 51}, 'keypoints are not 51 numbers'),
        ({'keypoints': [float('nan'), 9, 2] * 17}, 'keypoints are not 51 numbers'),
    ],
)
def test_a_damaged_annotation_of_coco_is_skipped_and_its_place_stays_occupied(
    people, tmp_path, change, found
):
    people.write_coco(tmp_path)
    library = edited(tmp_path, lambda _, rows: rows[5].update(change))
    [(name, reason)] = library.skipped.items()
    assert name.startswith(f'{SIXTH} of 000000000004.jpg (')
    assert found in reason
    assert len(library) == 17
    assert '000000000004.jpg' in {person.title for person in library.everybody}
    assert RecordedPoses(library)[3]['crop'].shape == (3, 256, 256)


@pytest.mark.parametrize(
    ('edit', 'name', 'count'),
    [
        (lambda images, _: images.pop(4), f'{SIXTH} (image_id 4)', 17),
        (lambda _, rows: rows.__setitem__(5, None), f'{SIXTH} (None)', 17),
        (lambda _, rows: rows[5].pop('image_id'), f'{SIXTH} (image_id None)', 17),
        (lambda _, rows: rows[5].pop('bbox'), f'{SIXTH} of 000000000004.jpg (None)', 17),
    ],
)
def test_an_annotation_of_coco_without_its_image_is_skipped(people, tmp_path, edit, name, count):
    people.write_coco(tmp_path)
    library = edited(tmp_path, edit)
    assert list(library.skipped) == [name]
    assert len(library) == count


def test_images_of_coco_that_cannot_be_told_apart_are_skipped(people, tmp_path):
    people.write_coco(tmp_path)

    def edit(images, _):
        images[6]['id'] = 5
        images[3]['file_name'] = None
        images.append(images[7])  # the same image again

    library = edited(tmp_path, edit)
    names = ' '.join(library.skipped)
    assert 'image 4 (' in names
    assert 'id 5 (000000000005.jpg, 000000000006.jpg)' in names
    for number in (3, 5, 6):
        assert f'(image_id {number})' in names
    titles = {person.title for person in library.everybody}
    assert not titles & {f'00000000000{n}.jpg' for n in (3, 5, 6)}
    assert '000000000007.jpg' in titles


def test_ids_of_coco_may_be_text_and_the_file_may_begin_with_a_mark(people, tmp_path):
    people.write_coco(tmp_path)
    path = tmp_path / 'annotations/person_keypoints_train2017.json'
    values = json.loads(path.read_text())
    for row in values['annotations']:
        row['image_id'] = str(row['image_id'])
        if 'keypoints' in row:  # the ankle of image 3 is not annotated
            row['keypoints'][-3:] = [float('nan'), float('nan'), 0]
    for image in values['images']:
        image['id'] = float(image['id'])
    path.write_text(json.dumps(values), encoding='utf-8-sig')
    library = open_library('coco', tmp_path, 'train', PA17J)
    assert (len(library), library.skipped) == (18, {})


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        ('0 160 120 100 200 ' + '100 100 2 ' * 17, 'perhaps in pixels; expected shares'),
        ('0 1e308 1e308 1e308 1e308 ' + '1e308 1e308 2 ' * 17, 'perhaps in pixels'),
        ('0 .5 .5 0 .5 ' + '.5 .5 2 ' * 17, 'far outside of the image'),
        ('0 nan nan nan nan ' + 'nan nan nan ' * 17, 'a number that is not finite'),
        ('0 .5 .5 .2 .2 ' + 'nan nan 2 ' * 17, 'a number that is not finite'),
        ('a b c', 'a line that is not numbers'),
    ],
)
def test_a_damaged_line_of_yolo_is_counted(people, tmp_path, line, reason):
    people.write_yolo(tmp_path)
    path = tmp_path / 'labels/train/000002.txt'
    path.write_text(f'{line}\n{path.read_text()}')
    library = open_library('yolo_pose', tmp_path, 'train', PA17J)
    assert list(library.skipped) == ['train/000002.jpg, line 1']
    assert reason in library.skipped['train/000002.jpg, line 1']
    assert len(library) == 18
    assert len(library.everybody) == 19


def test_what_tools_write_for_yolo_is_read(people, tmp_path):
    """A byte-order mark, places a little outside of the image, no numbers for unseen joints."""
    people.write_yolo(tmp_path)
    joints = '-0.2 1.3 1 ' + 'nan nan 0 ' * 4 + '.5 .5 2 ' * 12
    path = tmp_path / 'labels/train/000002.txt'
    path.write_text(f'0 0.5 0.5 1.2 1.1 {joints}', encoding='utf-8-sig')
    library = open_library('yolo_pose', tmp_path, 'train', PA17J)
    assert (len(library), library.skipped) == (18, {})


def test_labels_of_yolo_refer_to_the_upright_picture(people, tmp_path):
    """A phone that is held upright stores its picture lying, and how to turn it."""
    people.write_yolo(tmp_path)
    path = tmp_path / 'images/train/000002.jpg'
    upright = np.asarray(Image.open(path))
    library = open_library('yolo_pose', tmp_path, 'train', PA17J)
    index = next(i for i in range(len(library)) if library.persons[i].image == path)
    joints = library.persons[index].joints_px
    how = Image.Exif()
    how[ExifTags.Base.Orientation] = 6
    Image.fromarray(np.rot90(upright)).save(path, exif=how, quality=95)
    turned = open_library('yolo_pose', tmp_path, 'train', PA17J)
    np.testing.assert_array_equal(turned.persons[index].joints_px, joints)
    image = turned.images(index, [0])[0]
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 12.0


def test_linked_folders_of_yolo_are_read(people, tmp_path):
    people.write_yolo(tmp_path / 'disk')
    for kind in ('images', 'labels'):
        (tmp_path / 'set' / kind).mkdir(parents=True)
        for part in ('train', 'val'):
            (tmp_path / 'set' / kind / part).symlink_to(tmp_path / 'disk' / kind / part)
    (tmp_path / 'disk/images/train/loop').symlink_to('..')
    found = [open_library('yolo_pose', tmp_path / 'set', s, PA17J) for s in ('train', 'test')]
    assert [len(library) for library in found] == [18, 4]


def stored(path):
    with np.load(path) as values:
        return dict(values)


def test_both_people_of_a_picture_are_read(people, tmp_path):
    people.write_pose_arrays(tmp_path, tmp_path / 'labels.npz')
    values = stored(tmp_path / 'labels.npz')
    values['path'][4] = values['path'][3]
    np.savez(tmp_path / 'labels.npz', **values)
    options = {'labels': tmp_path / 'labels.npz'}
    both = [open_library('pose_arrays', tmp_path, s, PA17J, **options) for s in ('train', 'val')]
    titles = [person.title for library in both for person in library.everybody]
    assert len(titles) == 20
    assert titles.count('moves/3/0.jpg') == 2


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        ({'xy': np.zeros((5, 17, 2))}, r'found xy of .*expected numbers of shape \(20, 17, 2\)'),
        ({'conf': np.full((20, 17), 'sure')}, 'found conf of type <U4'),
        ({'joints': np.arange(17)}, 'found joints of type int64'),
    ],
)
def test_wrong_label_arrays_are_refused(people, tmp_path, change, match):
    people.write_pose_arrays(tmp_path, tmp_path / 'labels.npz')
    np.savez(tmp_path / 'labels.npz', **{**stored(tmp_path / 'labels.npz'), **change})
    with pytest.raises(DatasetError, match=match):
        open_library('pose_arrays', tmp_path, 'train', PA17J, labels=tmp_path / 'labels.npz')


def test_a_person_that_no_picture_can_have_is_skipped(people, tmp_path):
    people.write_pose_arrays(tmp_path, tmp_path / 'labels.npz')
    values = stored(tmp_path / 'labels.npz')
    values['xy'][2] *= 1e300
    np.savez(tmp_path / 'labels.npz', **values)
    library = open_library('pose_arrays', tmp_path, 'train', PA17J, labels=tmp_path / 'labels.npz')
    assert len(library) == 17
    [reason] = library.skipped.values()
    assert 'far outside of every picture' in reason


def test_a_damaged_photograph_is_named_when_it_is_read(people, tmp_path):
    people.write_coco(tmp_path)
    path = tmp_path / 'train2017/000000000002.jpg'
    path.write_bytes(path.read_bytes()[:100])
    samples = RecordedPoses(open_library('coco', tmp_path, 'train', PA17J))
    with pytest.raises(DatasetError, match=r'000000000002\.jpg cannot be read'):
        [samples[i] for i in range(len(samples))]


def test_options_are_those_of_the_data_set(roots):
    with pytest.raises(ConfigError, match='coco has no option checks; it has split_file'):
        opened(roots, 'coco', checks='x')
    with pytest.raises(ConfigError, match='do not fit pose_arrays'):
        open_library('pose_arrays', roots / 'pose_arrays', 'train', PA17J)


def test_names_of_images():
    names = ('a/b/000012.jpg', '12', 12, 'im.left.png', 'im.right.png', '0000.txt')
    assert [image_key(name) for name in names] == ['12', '12', '12', 'im.left', 'im.right', '0']


def test_splits():
    names = [f'{n:02d}' for n in range(20)]
    assert chosen_images('val', names, where='x') == ['00', '10']
    assert chosen_images('test', names, ['b', 'a'], where='x') == ['a', 'b']
    with pytest.raises(DatasetError, match="x has no split 'test'"):
        chosen_images('test', names, where='x')


class TestEmptyWindows:
    def test_nobody_is_in_them(self, roots):
        library = opened(roots, 'coco')
        windows = EmptyWindows(library, Framing(angle_deg=20.0))
        corners = {}
        for person in library.everybody:
            corners.setdefault(person.image, []).append(person.corners_px)
        assert len(windows) == len(corners) == 18
        for index, boxes in enumerate(corners[path] for path in sorted(corners)):
            for seed in range(3):
                sample = windows.varied(index, np.random.default_rng(seed))
                to_crop = sample['image_to_crop'].numpy()
                for a, b, c, d in boxes:
                    grid = np.stack(np.meshgrid(np.linspace(a, c, 40), np.linspace(b, d, 40)), -1)
                    places = grid.reshape(-1, 2) @ to_crop[:2, :2].T + to_crop[:2, 2]
                    assert not ((places > 0) & (places < 1)).all(-1).any()

    def test_they_teach_that_nobody_is_there(self, roots):
        sample = EmptyWindows(opened(roots, 'coco'))[0]
        assert (sample['visibility'] == 0).all()
        assert sample['joints_crop'].isnan().all()
        assert sample['crop'].shape == (3, 256, 256)

    def test_a_person_whose_place_is_unknown_may_be_anywhere(self, people, tmp_path):
        people.write_lsp(tmp_path, True)
        people.write_lsp_checks(tmp_path / 'checks.npz')
        library = open_library('lsp', tmp_path, 'train', PA17J, checks=tmp_path / 'checks.npz')
        windows = EmptyWindows(library)
        black = [bool((windows[i]['crop'] == 0).all()) for i in range(len(windows))]
        assert black.count(True) >= 1  # of image 1, whose label is wrong
        assert black.count(False) >= 5

    def test_a_photograph_full_of_people_gives_black(self, people, tmp_path):
        people.write_coco(tmp_path)
        path = tmp_path / 'annotations/person_keypoints_train2017.json'
        values = json.loads(path.read_text())
        for row in values['annotations']:
            row['bbox'] = [-5, -5, 400, 400]
        path.write_text(json.dumps(values))
        sample = EmptyWindows(open_library('coco', tmp_path, 'train', PA17J))[0]
        assert (sample['crop'] == 0).all()

    def test_some_windows_lie_at_candidates_but_not_on_people(self, roots, tmp_path):
        library = opened(roots, 'coco')
        person = library.everybody[0]
        x1, y1, x2, y2 = person.corners_px
        inside = PersonBox((x1 + x2) / 2, (y1 + y2) / 2, 20.0)
        far = PersonBox(x1 - 900.0, y1 - 900.0, 40.0)
        index = sorted({p.image for p in library.everybody}).index(person.image)
        for place, expected in ((far, True), (inside, False)):
            write_candidates(tmp_path / 'new' / 'c.json', {person.title: [place]})
            windows = EmptyWindows(library, None, read_candidates(tmp_path / 'new' / 'c.json'))
            near = 0
            for seed in range(40):
                sample = windows.varied(index, np.random.default_rng(seed))
                place_in_crop = sample['image_to_crop'].numpy() @ (
                    place.center_x,
                    place.center_y,
                    1,
                )
                near += bool((abs(place_in_crop[:2] - 0.5) < 0.21).all())
            assert (12 < near < 36) if expected else near == 0

    @pytest.mark.parametrize(
        'text', ['', '[]', '{"candidates": {"1": [[1, 2]]}}', '{"candidates": {"1": [[1, 2, 0]]}}',
                 '{"candidates": {"1": [[1, 2, NaN]]}}', '{"candidates": 3}']
    )  # fmt: skip
    def test_a_damaged_file_of_candidates_is_named(self, tmp_path, text):
        (tmp_path / 'c.json').write_text(text)
        with pytest.raises(DatasetError, match='data candidates'):
            read_candidates(tmp_path / 'c.json')
