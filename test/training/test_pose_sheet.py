"""The picture of predicted poses: joints where the network puts them, the best sample first."""

from types import SimpleNamespace

import cv2
import pytest
import torch

from pose_action_ros.training.pose_sheet import predicted, save_pose_sheet

TILE = 256 + 18


class Middle(torch.nn.Module):
    """Predicts all joints in the middle of the window."""

    config = SimpleNamespace(layout='pa17j')

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward_pose(self, crops):
        return [SimpleNamespace(joints=torch.full((len(crops), 17, 3), 0.5))]


def sample(x, known=17):
    joints = torch.full((17, 3), torch.nan)
    joints[:known, :2] = torch.tensor([x, 0.5])
    return {'crop': torch.zeros(3, 256, 256, dtype=torch.uint8), 'joints_crop': joints}


def test_the_error_is_the_mean_distance_in_window_sides():
    drawn, errors = predicted(Middle(), [sample(0.9), sample(0.6, known=5), sample(0, known=0)])
    assert errors[:2] == pytest.approx([0.4, 0.1])
    assert torch.isnan(torch.tensor(errors[2]))
    assert all(torch.equal(one['joints_crop'], torch.full((17, 3), 0.5)) for one in drawn)


def test_the_best_sample_comes_first_and_the_unlabelled_one_last(tmp_path):
    poses = [sample(0, known=0), sample(0.9), sample(0.5)]
    for number, one in enumerate(poses):
        one['crop'][number, :40] = 255  # a band of another colour for each
    save_pose_sheet(Middle(), poses, tmp_path / 'new' / 'sheet.png')
    image = cv2.cvtColor(cv2.imread(str(tmp_path / 'new' / 'sheet.png')), cv2.COLOR_BGR2RGB)
    assert image.shape == (TILE, 3 * 256, 3)
    bands = [image[30, 256 * column + 10].tolist() for column in range(3)]
    assert bands == [[0, 0, 255], [0, 255, 0], [255, 0, 0]]
    dots = [image[18 + 128, 256 * column + 128].max() for column in range(3)]
    assert min(dots) > 200


def test_at_most_so_many_samples_are_drawn(tmp_path):
    save_pose_sheet(Middle(), [sample(0.5)] * 9, tmp_path / 'sheet.png', count=4)
    assert cv2.imread(str(tmp_path / 'sheet.png')).shape[1] == 4 * 256
