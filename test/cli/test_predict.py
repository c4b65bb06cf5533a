"""`pose-action predict`: a video becomes a drawn video and lines of JSON."""

import json
import sys

import cv2
import numpy as np
import pytest

from pose_action_ros.cli.predict_outputs import to_json_line
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
    assert '1 frame skipped: the stamp is more than 0.5 s ahead' in err


def test_a_film_that_is_cut_short_is_said(run, write_film, weights, tmp_path):
    film = write_film(tmp_path / 'cut.avi', count=20, code='MJPG')
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 4 // 5])
    status, _, err = run('predict', film, '--output', tmp_path / 'out', '--weights', weights)
    count = len((tmp_path / 'out' / 'cut.jsonl').read_text().splitlines())
    assert status == 0
    assert 0 < count < 20
    assert f'cut.avi ends after {count} of 20 frames' in err


def people_of(path):
    return [json.loads(line)['persons'] for line in path.read_text().splitlines()]


def test_the_film_is_one_that_browsers_play(run, video, weights, tmp_path):
    av = pytest.importorskip('av', reason='needs PyAV')
    _, _, err = run('predict', video, '--output', tmp_path, '--weights', weights, '--quiet')
    with av.open(str(tmp_path / 'film.mp4')) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ('h264', 'yuv420p')
    assert 'browsers' not in err


def test_the_page_can_be_recorded(run, video, weights, tmp_path):
    pytest.importorskip('rerun', reason='needs the extra `view`')
    path = tmp_path / 'page.rrd'
    status, _, err = run(
        *('predict', video, '--output', tmp_path, '--weights', weights, '--record-view', path)
    )
    assert status == 0, err
    assert path.read_bytes().startswith(b'RRF')


def test_without_pyav_the_user_hears_what_the_film_lacks(
    run, video, weights, tmp_path, monkeypatch
):
    monkeypatch.setattr('pose_action_ros.geometry.film_writer.find_spec', lambda _: None)
    status, _, err = run('predict', video, '--output', tmp_path, '--weights', weights)
    assert status == 0
    assert cv2.VideoCapture(str(tmp_path / 'film.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 6
    assert 'browsers do not play it: `pip install av`' in err


def test_a_folder_is_a_film_of_its_images(run, weights, tmp_path):
    folder = tmp_path / 'walk'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, size in enumerate(((120, 160), (120, 160), (60, 80))):
        cv2.imwrite(str(folder / f'{number}.png'), rng.integers(0, 256, (*size, 3), np.uint8))
    (folder / '3.png').write_bytes(b'damaged')
    output = tmp_path / 'out'
    status, _, err = run('predict', folder, '--output', output, '--weights', weights)
    assert status == 0
    lines = (output / 'walk.jsonl').read_text().splitlines()
    assert [json.loads(line)['stamp_s'] for line in lines] == pytest.approx([0.0, 0.1, 0.2])
    assert '3.png cannot be read: 7 bytes' in err
    assert 'cut short' not in err
    film = cv2.VideoCapture(str(output / 'walk.mp4'))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert film.read()[1].shape == (120, 160, 3)


def test_a_picture_becomes_a_drawn_picture(run, weights, tmp_path):
    path = tmp_path / 'me.png'
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    cv2.imwrite(str(path), image)
    arguments = ('predict', path, '--weights', weights, '--field-of-view', 60)
    status, _, err = run(*arguments, '--output', tmp_path / 'out')
    assert status == 0
    assert len(people_of(tmp_path / 'out' / 'me.jsonl')) == 1
    drawn = cv2.imread(str(tmp_path / 'out' / 'me.png'))
    assert drawn.shape == image.shape
    assert (drawn != image).any()
    status, _, err = run(*arguments, '--output', tmp_path)
    assert status == 1
    assert 'would overwrite' in err


def test_several_sources_have_a_folder_each(run, video, write_film, weights, tmp_path):
    other = write_film(tmp_path / 'other.mp4', count=5)
    torn = tmp_path / 'torn.mp4'
    torn.write_text('no film')
    output = tmp_path / 'out'
    words = ('predict', video, other, torn, '--output', output, '--weights', weights, '--quiet')
    status, out, _ = run(*words, '--device', 'cpu')
    assert status == 1
    assert '3 inputs: 2 done, 1 failed; 11 images' in out
    assert 'cannot be read as a video' in ' '.join(out.split())
    assert len(people_of(output / 'film/film.jsonl')) == 6
    assert cv2.VideoCapture(str(output / 'other/other.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert not (output / 'torn').exists()
    run('predict', video, '--output', tmp_path / 'alone', '--weights', weights, '--device', 'cpu')
    assert people_of(output / 'film/film.jsonl') == people_of(tmp_path / 'alone/film.jsonl')
    status, out, _ = run(*words, '--device', 'cpu', '--threads', 1)
    assert (status, '2 unchanged' in out) == (1, True)


@pytest.mark.parametrize('url', ['source', 'output'])
def test_a_url_is_a_batch_of_one(run, video, weights, tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    source = f'file://{video}' if url == 'source' else video
    output = f'file://{tmp_path}/out' if url == 'output' else tmp_path / 'out'
    words = ('predict', source, '--output', output, '--weights', weights, '--device', 'cpu')
    status, out, _ = run(*words)  # with its progress, which asks for the sizes
    assert (status, '1 inputs: 1 done; 6 images' in out) == (0, True)
    assert len(people_of(tmp_path / 'out/film/film.jsonl')) == 6
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    status, _, err = run(*words, '--show')
    assert (status, 'need a single source, and no URL' in err) == (1, True)


def test_a_url_that_cannot_be_opened_is_a_failed_input(run, video, weights, tmp_path):
    words = ('--output', tmp_path / 'out', '--weights', weights, '--device', 'cpu')
    status, out, _ = run('predict', 'nosuch://x/y', video, *words)
    assert (status, '2 inputs: 1 done, 1 failed' in out) == (1, True)
    assert 'nosuch://x/y cannot be opened' in (tmp_path / 'out/report.json').read_text()


@pytest.mark.parametrize('option', ['--show', '--view'])
def test_several_sources_are_not_shown(run, video, weights, tmp_path, option):
    status, _, err = run('predict', video, video, option, '--output', tmp_path / 'out')
    assert (status, 'need a single source' in err) == (1, True)
    status, _, err = run('predict', video, 0, '--output', tmp_path / 'out')
    assert (status, 'camera 0 never ends; give it as the only source' in err) == (1, True)


class Camera:
    """A camera of three images; then the user presses Ctrl-C."""

    def __init__(self, number):
        self.left = 3 if number == 0 else 0

    def isOpened(self):  # noqa: N802
        return self.left > 0

    def get(self, _):
        return 0.0

    def read(self):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return True, np.full((48, 64, 3), 90, np.uint8)


def test_a_camera_is_filmed_until_ctrl_c(run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr('pose_action_ros.geometry.image_source.cv2.VideoCapture', Camera)
    status, out, err = run('predict', 0, '--output', tmp_path, '--weights', weights)
    assert status == 0
    assert '2 frames' in out  # the first image told the size
    assert 'ended after 2 frames' in err
    assert len(people_of(tmp_path / 'camera_0.jsonl')) == 2
    assert (tmp_path / 'camera_0.mp4').stat().st_size > 0


class TestErrors:
    def refused(self, result):
        status, _, err = result
        assert status == 1
        return err

    def test_no_video(self, run, weights, tmp_path):
        err = self.refused(run('predict', tmp_path / 'none.mp4', '--weights', weights))
        assert 'there is no video' in err

    def test_no_camera(self, run, weights, tmp_path, monkeypatch):
        monkeypatch.setattr('pose_action_ros.geometry.image_source.cv2.VideoCapture', Camera)
        err = self.refused(run('predict', 7, '--output', tmp_path, '--weights', weights))
        assert 'camera 7 does not open' in err

    def test_no_display_to_show_it_on(self, run, video, weights, tmp_path, monkeypatch):
        for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
            monkeypatch.delenv(name, raising=False)
        arguments = ('predict', video, '--show', '--output', tmp_path, '--weights', weights)
        assert '--show needs a window: there is no display' in self.refused(run(*arguments))

    def test_something_else(self, run, weights, tmp_path):
        (tmp_path / 'text.mp4').write_text('no film')
        err = self.refused(run('predict', tmp_path / 'text.mp4', '--weights', weights))
        assert 'cannot be read as a video' in err

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
                'person_confidence': 1.0,
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


def test_a_film_of_the_user_is_not_overwritten(run, video, weights, tmp_path):
    own = tmp_path / 'film.mp4'
    own.write_bytes(b'a film of the user')
    options = ['--output', tmp_path, '--weights', weights]
    status, _, err = run('predict', video, *options)
    assert status == 1
    assert 'it is no result of this command; move it, or give another --output folder' in err
    assert own.read_bytes() == b'a film of the user'
    own.unlink()
    for _ in range(2):  # its own results are replaced
        assert run('predict', video, *options)[0] == 0
