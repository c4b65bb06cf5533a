"""Whole pictures and where people are in them."""

import numpy as np
import pytest

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.data.coco import read_coco
from pose_action_ros.data.files import read_picture
from pose_action_ros.data.scenes import (
    PeopleScene,
    compose,
    empty_scenes,
    photograph_scenes,
    simulated_scenes,
)

BLOCK = (40, 30, 80, 90)  # x1, y1, x2, y2 of somebody who is white on black


def scene(corners=(BLOCK,), sure=True, size=(200, 150), complete=True):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x1, y1, x2, y2 in corners:
        image[max(y1, 0) : y2, max(x1, 0) : x2] = 255
    boxes = np.array(corners, np.float32).reshape(-1, 4)
    return PeopleScene(image, boxes, np.full(len(boxes), sure), np.array(complete))


def white_extent(image):
    rows, columns = np.nonzero(image[..., 0] > 127)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_scene_fits_into_the_middle():
    canvas = compose([scene()], (256, 192), None)
    assert canvas.image.shape == (192, 256, 3)
    np.testing.assert_allclose(canvas.corners_px, [np.array(BLOCK) * 1.28], atol=0.01)
    np.testing.assert_allclose(white_extent(canvas.image), canvas.corners_px[0], atol=1.5)


def test_boxes_follow_whatever_is_done_to_the_picture():
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(60):
        canvas = compose([scene()], (256, 192), rng)
        if canvas.sure.any():
            np.testing.assert_allclose(white_extent(canvas.image), canvas.corners_px[0], atol=2.5)
            compared += 1
    assert compared > 30


@pytest.mark.parametrize('count', [2, 4])
def test_several_pictures_share_a_canvas(count):
    canvas = compose([scene()] * count, (256, 192), None)
    assert len(canvas.corners_px) == count
    middles = (canvas.corners_px[:, :2] + canvas.corners_px[:, 2:]) / 2
    assert len(np.unique(middles, axis=0)) == count
    for x, y in middles.astype(int):
        assert canvas.image[y, x].min() == 255


def test_where_not_everybody_is_annotated_stays_known():
    canvas = compose([scene(), scene(complete=False)], (256, 192), None)
    assert canvas.complete[96, 20]
    assert not canvas.complete[96, 230]


def test_who_is_hardly_in_the_picture_is_not_taught():
    zoom = (1.0, 1.0)
    rng = np.random.default_rng(0)
    half = compose([scene([(-30, 20, 30, 80)])], (200, 150), rng, zoom)
    corner = compose([scene([(-45, 20, 15, 80)])], (200, 150), rng, zoom)
    outside = compose([scene([(-59, 20, 1, 80)])], (200, 150), rng, zoom)
    assert half.sure.tolist() == [True]
    assert corner.sure.tolist() == [False]
    assert len(outside.sure) == 0


def test_who_is_tiny_is_neither_person_nor_background():
    assert compose([scene([(10, 10, 14, 18)])], (200, 150), None).sure.tolist() == [False]


def test_simulated_scenes_are_the_same_each_time_and_of_each_split_others():
    first, again, other = (list(simulated_scenes(split, 12)) for split in (0, 0, 1))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
    assert any((a.image != c.image).any() for a, c in zip(first, other, strict=True))
    people = [len(s.sure) for s in first]
    assert max(people) >= 3
    assert sum(s.sure.sum() for s in first) > len(first)


def test_photographs_keep_everybody_and_say_who_is_sure(people, tmp_path):
    people.write_coco(tmp_path)
    coco_people = read_coco(tmp_path, 'train', PA17J)
    scenes = dict(photograph_scenes(coco_people, complete=False))
    assert sum(len(s.sure) for s in scenes.values()) == len(coco_people.everybody)
    crowded = next(s for s in scenes.values() if len(s.sure) == 2)
    assert sorted(crowded.sure.tolist()) == [False, True]
    for title, each in scenes.items():
        picture = next(p.image for p in coco_people.everybody if p.title == title)
        height, width = read_picture(picture).shape[:2]
        scale = each.image.shape[1] / width
        assert each.image.shape[0] == pytest.approx(height * scale, abs=1)
        assert not each.complete


def test_panoramas_are_cut_and_pictures_are_not(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / 'room.png'), np.full((60, 80, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / 'around.hdr'), np.full((100, 200, 3), 3.0, np.float32))
    (tmp_path / 'notes.txt').write_text('no picture')
    scenes = empty_scenes(tmp_path)
    assert len(scenes) > 3
    assert all(len(each.corners_px) == 0 and each.complete for each in scenes)
    assert any(each.image.shape == (60, 80, 3) for each in scenes)


def test_a_folder_without_pictures_is_told(tmp_path):
    with pytest.raises(DatasetError, match='without people'):
        empty_scenes(tmp_path)
    with pytest.raises(DatasetError):
        empty_scenes(tmp_path / 'nowhere')
