"""The crop: where points go, what the pixels look like, and that both agree."""

import ast

import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError, ImageError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.geometry.crop import (
    CROP_PX,
    CropTransform,
    box_around,
    crop_transform,
    extract_crop,
    normalise,
    whole_image_box,
)

NAME = 'preprocess_ref.npz'
CASES = ['plain', 'rot_flip', 'outside', 'h36m_order']


@pytest.fixture(scope='module')
def reference(reference_file):
    with np.load(reference_file(NAME)) as file:
        return dict(file)


@pytest.mark.parity
class TestParity:
    @pytest.mark.parametrize('case', CASES)
    def test_points_follow_the_matrix(self, reference, case):
        found = CropTransform(reference[f'{case}_afmat']).to_crop(reference['pts_in'])
        np.testing.assert_allclose(found, reference[f'{case}_pts'], rtol=0, atol=1e-12)

    @pytest.mark.parametrize('case', CASES)
    def test_matrix_from_the_box(self, reference, case):
        # The authors' window is truncated to whole pixels at both corners; ours is not rounded.
        settings = ast.literal_eval(str(reference[f'{case}_params']))
        box = PersonBox(*settings['center'], settings['win'][0])
        found = crop_transform(box, angle_deg=settings['angle'], flip=bool(settings['hflip']))
        limit = np.sqrt(2.0) / box.size
        difference = found.to_crop(reference['pts_in']) - reference[f'{case}_pts']
        assert np.linalg.norm(difference, axis=1).max() < limit
        assert (np.sign(found.matrix[:2, :2]) == np.sign(reference[f'{case}_afmat'][:2, :2])).all()

    # Mean and 99th percentile of the difference in grey levels. A turned image is resampled
    # twice there and sits half a crop pixel beside its own matrix; ours does neither.
    @pytest.mark.parametrize(
        ('case', 'mean', 'most'),
        [('plain', 0.3, 1), ('outside', 0.3, 1), ('rot_flip', 4.0, 14), ('h36m_order', 4.0, 16)],
    )
    def test_pixels(self, reference, case, mean, most):
        if f'{case}_frame_u8' not in reference:
            pytest.skip('the frozen copy has no pixels of turned crops')
        top, bottom, left, right = reference.get(f'{case}_region', (0, CROP_PX, 0, CROP_PX))
        crop = extract_crop(reference['image_u8'], CropTransform(reference[f'{case}_afmat']))
        difference = np.abs(crop.astype(int) - reference[f'{case}_frame_u8'])
        difference = difference[top:bottom, left:right]
        assert difference.mean() < mean
        assert np.percentile(difference, 99) <= most

    @pytest.mark.parametrize('case', ['plain', 'rot_flip', 'outside'])
    def test_normalised(self, reference, case):
        if f'{case}_frame_corner' not in reference:
            pytest.skip('the frozen copy has no normalised pixels')
        corner = normalise(reference[f'{case}_frame_u8'])[:, :64, :64]
        np.testing.assert_array_equal(corner.transpose(1, 2, 0), reference[f'{case}_frame_corner'])


def test_the_window_is_mapped_to_the_unit_square():
    transform = crop_transform(PersonBox(100.0, 60.0, 40.0))
    corners = [(80.0, 40.0), (120.0, 80.0), (100.0, 60.0), (90.0, 70.0)]
    np.testing.assert_allclose(
        transform.to_crop(corners), [(0, 0), (1, 1), (0.5, 0.5), (0.25, 0.75)], atol=1e-12
    )
    assert transform.size_px == pytest.approx(40.0)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('angle_deg', [0.0, 30.0, -115.0])
def test_there_and_back(angle_deg, flip):
    transform = crop_transform(PersonBox(91.3, 47.7, 77.7), angle_deg=angle_deg, flip=flip)
    points = np.random.default_rng(0).uniform(-50.0, 200.0, (4, 17, 3))
    points[1, 3] = np.nan
    there = transform.to_crop(points)
    np.testing.assert_allclose(transform.to_image(there), points, atol=1e-9)
    np.testing.assert_array_equal(there[..., 2], points[..., 2])  # depth passes unchanged


def test_a_quarter_turn_is_counter_clockwise():
    # What is right of the centre comes to lie above it.
    transform = crop_transform(PersonBox(50.0, 50.0, 100.0), angle_deg=90.0)
    np.testing.assert_allclose(transform.to_crop((80.0, 50.0)), (0.5, 0.2), atol=1e-12)


def test_flip_mirrors_after_the_turn():
    box = PersonBox(50.0, 50.0, 100.0)
    plain = crop_transform(box, angle_deg=20.0).to_crop((60.0, 70.0))
    mirrored = crop_transform(box, angle_deg=20.0, flip=True).to_crop((60.0, 70.0))
    np.testing.assert_allclose(mirrored, (1.0 - plain[0], plain[1]))


@pytest.mark.parametrize('size', [64.0, 256.0, 500.0, 1200.0])
@pytest.mark.parametrize(('angle_deg', 'flip'), [(0.0, False), (35.0, True)])
def test_pixels_go_where_points_go(size, angle_deg, flip):
    image = np.zeros((600, 800, 3), np.uint8)
    rows, columns = np.mgrid[:600, :800]
    spot = (400.0 + 0.08 * size, 300.0 + 0.05 * size)
    width = size / 40.0
    bump = np.exp(-((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / (2.0 * width**2))
    image[:] = np.rint(255.0 * bump)[..., None]
    transform = crop_transform(PersonBox(400.0, 300.0, size), angle_deg=angle_deg, flip=flip)
    crop = extract_crop(image, transform)[..., 0].astype(float)
    grid = np.mgrid[:CROP_PX, :CROP_PX] + 0.5
    center = (grid * crop).sum(axis=(1, 2))[::-1] / crop.sum() / CROP_PX
    # The centre of a pixel lies half a pixel further than its index, seen from the image's edge.
    np.testing.assert_allclose(center, transform.to_crop(np.add(spot, 0.5)), atol=0.2 / CROP_PX)


def test_a_window_of_the_crops_own_size_is_a_copy():
    image = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    crop = extract_crop(image, crop_transform(PersonBox(60.0 + 128.0, 20.0 + 128.0, 256.0)))
    np.testing.assert_array_equal(crop, image[20:276, 60:316])
    mirrored = crop_transform(PersonBox(188.0, 148.0, 256.0), flip=True)
    np.testing.assert_array_equal(extract_crop(image, mirrored), image[20:276, 60:316][:, ::-1])


def test_outside_is_black():
    image = np.full((100, 100, 3), 200, np.uint8)
    crop = extract_crop(image, crop_transform(PersonBox(0.0, 50.0, 100.0)))
    assert (crop[8:-8, :120] == 0).all()
    assert (crop[8:-8, 136:-8] == 200).all()
    far = extract_crop(image, crop_transform(PersonBox(500.0, 500.0, 100.0)))
    assert not far.any()
    assert far.shape == (256, 256, 3)


def test_shrinking_averages_instead_of_picking():
    board = np.indices((1024, 1024)).sum(axis=0) % 2
    image = np.repeat((255 * board)[..., None], 3, axis=2).astype(np.uint8)
    crop = extract_crop(image, crop_transform(PersonBox(512.0, 512.0, 1000.0)))
    assert np.abs(crop.astype(int) - 127).max() <= 2


@pytest.mark.parametrize('size', [200, 300, 450, 800, 1024])
def test_pillow_makes_nearly_the_same(size):
    pil_image = pytest.importorskip('PIL.Image')
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:1024, :1024]
    scene = 128.0 + 60.0 * np.sin(columns / 37.0) * np.cos(rows / 23.0)
    scene = scene + 60.0 * ((columns // 9 + rows // 9) % 2) - 30.0 + rng.normal(0, 20, rows.shape)
    image = np.repeat(np.clip(scene, 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    ours = extract_crop(image, crop_transform(PersonBox(size / 2, size / 2, size)))
    window = pil_image.fromarray(image[:size, :size])
    theirs = np.asarray(window.resize((256, 256), pil_image.Resampling.BILINEAR))
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.mean() < 2.5
    assert np.percentile(difference, 99) <= 14


def test_grey_images_and_other_sizes():
    image = np.random.default_rng(2).integers(0, 256, (100, 100), np.uint8)
    assert extract_crop(image, crop_transform(PersonBox(50.0, 50.0, 80.0)), 64).shape == (64, 64)


def test_the_source_is_not_written():
    image = np.full((300, 300, 3), 9, np.uint8)
    image.setflags(write=False)
    crop = extract_crop(image, crop_transform(PersonBox(128.0, 128.0, 256.0)))
    crop[:] = 0
    assert (image == 9).all()


def test_normalise_by_hand():
    crop = np.zeros((2, 4, 4, 3), np.uint8)
    crop[..., 0], crop[..., 2] = 255, 51
    found = normalise(crop)
    assert found.shape == (2, 3, 4, 4)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found[1, :, 0, 0], [1.0, -1.0, -0.6], atol=1e-6)


def test_whole_image_box():
    assert whole_image_box(640, 480) == PersonBox(320.0, 240.0, 640.0)


def test_box_around_joints():
    joints = np.array([[10.0, 20.0], [110.0, 60.0], [np.nan, 5.0], [900.0, 900.0]])
    box = box_around(joints, [True, True, True, False], enlarge=1.5)
    assert box == PersonBox(60.0, 40.0, 150.0)
    assert box_around(joints[:1]) == PersonBox(10.0, 20.0, 32.0)
    assert box_around(joints[2:3]) is None


@pytest.mark.parametrize(
    'box', [PersonBox(1.0, 1.0, 0.0), PersonBox(np.nan, 1.0, 9.0), PersonBox(1.0, 1.0, -3.0)]
)
def test_boxes_without_size_are_refused(box):
    with pytest.raises(ConfigError, match='size > 0'):
        crop_transform(box)


@pytest.mark.parametrize(
    'image',
    [np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), np.zeros((1, 4, 4, 3), np.uint8)],
)
def test_other_images_are_refused(image):
    with pytest.raises(ImageError, match='expected'):
        extract_crop(image, crop_transform(PersonBox(2.0, 2.0, 4.0)))
