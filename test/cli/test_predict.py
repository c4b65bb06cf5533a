"""`pose-action predict`: a video becomes a drawn video and lines of JSON."""

import json
import sys

import cv2
import numpy as np
import pytest

from pose_action_ros.cli.predict import to_json_line
from pose_action_ros.core.predictions import (
    ActionScores,
    FramePrediction,
    PersonBox,
    PersonPrediction,
    ScaleSource,
)
from pose_action_ros.models import save_model


@pytest.fixture(autouse=True)
def without_openvino(monkeypatch):
    """PyTorch starts at once; what OpenVINO computes is tested where it is used."""
    monkeypatch.setitem(sys.modules, 'openvino', None)


@pytest.fixture(scope='module')
def weights(tiny, filled, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    save_model(filled(tiny('compact', clip_frames=4)), path)
    return path


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """Six frames at 12.5 Hz."""
    path = tmp_path_factory.mktemp('films') / 'film.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 12.5, (160, 120))
    rng = np.random.default_rng(0)
    for _ in range(6):
        patches = rng.integers(0, 256, (12, 16, 3), np.uint8)
        writer.write(patches.repeat(10, axis=0).repeat(10, axis=1))
    writer.release()
    return path


def test_both_files(run, video, weights, tmp_path):
    output = tmp_path / 'new' / 'folder'
    status, out, _ = run(
        *('predict', video, '--output', output, '--weights', weights),
        *('--device', 'cpu', '--field-of-view', 60),
    )
    assert status == 0
    assert '6 frames' in out
    film = cv2.VideoCapture(str(output / 'film.mp4'))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 6
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    assert film.read()[1].shape == (120, 160, 3)
    film.release()
    frames = [json.loads(line) for line in (output / 'film.jsonl').read_text().splitlines()]
    assert [frame['stamp_s'] for frame in frames] == pytest.approx(np.arange(6) / 12.5)
    person = frames[-1]['persons'][0]
    assert person['layout'] == 'pa17j'
    assert len(person['joints_image_px']) == 17
    assert {'joints_root_m', 'joints_camera_m'} <= set(person)  # random weights: may be null
    assert person['action'] in person['scores']
    assert sum(person['scores'].values()) == pytest.approx(1.0, abs=1e-3)
    assert person['action_valid']
    assert not frames[0]['persons'][0]['action_valid']


def test_without_a_field_of_view_there_is_no_camera_frame(run, video, weights, tmp_path):
    run('predict', video, '--output', tmp_path, '--weights', weights, '--quiet')
    for line in (tmp_path / 'film.jsonl').read_text().splitlines():
        for person in json.loads(line)['persons']:
            assert person['joints_camera_m'] is None


def test_stamps_are_the_films_own(run, write_film, weights, tmp_path):
    film = write_film(tmp_path / 'phone.mp4', count=8, runs=[(4, 1), (4, 4)])
    run('predict', film, '--output', tmp_path / 'out', '--weights', weights, '--device', 'cpu')
    lines = (tmp_path / 'out' / 'phone.jsonl').read_text().splitlines()
    found = [json.loads(line)['stamp_s'] for line in lines]
    assert found == pytest.approx(np.array([0, 1, 2, 3, 4, 8, 12, 16]) / 25.0, abs=1e-3)


def test_skipped_frames_are_said(run, write_film, weights, tmp_path):
    """After a pause of two seconds no stamp confirms the first one that is far ahead."""
    film = write_film(tmp_path / 'pause.mp4', count=6, runs=[(2, 1), (1, 50), (3, 1)])
    _, _, err = run(
        'predict', film, '--output', tmp_path / 'out', '--weights', weights, '--device', 'cpu'
    )
    assert '1 frames are skipped: its stamp is more than 0.5 s ahead' in err


def test_a_film_that_is_cut_short_is_said(run, write_film, weights, tmp_path):
    film = write_film(tmp_path / 'cut.avi', count=20, code='MJPG')
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 4 // 5])
    status, _, err = run('predict', film, '--output', tmp_path / 'out', '--weights', weights)
    count = len((tmp_path / 'out' / 'cut.jsonl').read_text().splitlines())
    assert status == 0
    assert 0 < count < 20
    assert f'cut.avi ends after {count} of 20 frames' in err


class TestErrors:
    def refused(self, result):
        status, _, err = result
        assert status == 1
        return err

    def test_no_video(self, run, weights, tmp_path):
        err = self.refused(run('predict', tmp_path / 'none.mp4', '--weights', weights))
        assert 'there is no video' in err

    def test_something_else(self, run, weights, tmp_path):
        (tmp_path / 'text.mp4').write_text('no film')
        err = self.refused(run('predict', tmp_path / 'text.mp4', '--weights', weights))
        assert 'can not be read as a video' in err

    def test_no_weights(self, run, video, tmp_path):
        arguments = ('--output', tmp_path, '--weights', tmp_path / 'none.safetensors')
        assert 'there is no weights file' in self.refused(run('predict', video, *arguments))
        assert list(tmp_path.iterdir()) == []

    def test_the_film_itself_is_not_overwritten(self, run, video, weights):
        before = video.read_bytes()
        err = self.refused(run('predict', video, '--output', video.parent, '--weights', weights))
        assert 'would overwrite the film' in err
        assert video.read_bytes() == before

    def test_field_of_view(self, run, video, weights, tmp_path):
        arguments = ('--output', tmp_path, '--weights', weights, '--field-of-view', 180)
        assert 'between 0 and 180' in self.refused(run('predict', video, *arguments))

    def test_device(self, run, video, weights, tmp_path):
        arguments = ('--output', tmp_path, '--weights', weights, '--device', 'tpu')
        assert "unknown device 'tpu'" in self.refused(run('predict', video, *arguments))


def test_a_line_says_everything_and_nan_is_null():
    joints = np.array([[1.234, 2.0], [np.nan, np.nan]], np.float32)
    person = PersonPrediction(
        track_id=3,
        box=PersonBox(0, 0, 1),
        layout='pa17j',
        joints_image_px=joints,
        confidence=np.array([0.5, 0.0], np.float32),
        joints_camera_m=np.array([[0.1, 0.2, 3.0], [np.nan] * 3], np.float32),
        scale_source=ScaleSource.DEPTH,
        root_depth_sigma_m=0.04321,
        root_m=np.array([0.1, 0.2, 3.00004]),
        root_covariance_m2=np.diag([0.0001, 0.0001, 0.04]),
        velocity_m_per_s=np.array([0.5, np.nan, -0.25]),
        action=ActionScores(('a', 'b'), np.array([0.25, 0.75], np.float32), 0, 9, 2, True, 1),
    )
    line = to_json_line(FramePrediction(1_500_000_000, (person,), (2,), clip_frames=16))
    assert '\n' not in line
    assert json.loads(line) == {
        'stamp_s': 1.5,
        'ended_tracks': [2],
        'clip_frames': 16,
        'persons': [
            {
                'track_id': 3,
                'layout': 'pa17j',
                'joints_image_px': [[1.23, 2.0], [None, None]],
                'confidence': [0.5, 0.0],
                'joints_root_m': None,
                'joints_camera_m': [[0.1, 0.2, 3.0], [None, None, None]],
                'scale_source': 'depth',
                'root_depth_sigma_m': 0.0432,
                'root_m': [0.1, 0.2, 3.0],
                'root_covariance_m2': [[0.0001, 0.0, 0.0], [0.0, 0.0001, 0.0], [0.0, 0.0, 0.04]],
                'velocity_m_per_s': [0.5, None, -0.25],
                'action': 'b',
                'action_valid': True,
                'scores': {'a': 0.25, 'b': 0.75},
            }
        ],
    }


def test_what_is_unknown_is_null():
    joints = np.zeros((1, 2), np.float32)
    first_guess = ActionScores(('a', 'b'), np.float32([0.25, 0.75]), 0, 9, 2, False, 1)
    person = PersonPrediction(
        1, PersonBox(0, 0, 1), 'pa17j', joints, joints[0], action=first_guess
    )
    (line,) = json.loads(to_json_line(FramePrediction(0, (person,))))['persons']
    assert line['root_depth_sigma_m'] is None
    assert line['root_m'] == line['velocity_m_per_s'] == [None] * 3
    assert line['root_covariance_m2'] == [[None] * 3] * 3
    assert (line['action'], line['action_valid']) == (None, False)
    assert line['scores'] == {'a': 0.25, 'b': 0.75}


def test_nobody():
    assert json.loads(to_json_line(FramePrediction(0)))['persons'] == []
