"""`pose-action bag` with many recordings: here and with workers of Ray, as one by one."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip('rosbags', reason='needs the extra `bag`')

from rosbags.rosbag2 import Reader, Writer

from pose_action_ros.cli.app import app
from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.core.weights import NetworkChoice
from pose_action_ros.inference import shared_network
from pose_action_ros.messages.camera import camera_to_msg
from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.stamp import stamp_to_msg
from pose_action_ros.recordings.finding import name_of, recordings_below
from pose_action_ros.recordings.job import ConversionSettings, convert, watch
from pose_action_ros.recordings.message_types import RecordedMessageMaker, load_types
from pose_action_ros.recordings.parts import parts_of
from pose_action_ros.simulation.scene import SimulatedFilm

START_NS, RATE_HZ, FRAMES = 1_700_000_000_123_456_789, 15.0, 15


def record(path, seed):
    """A second of the simulated actor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    make, film = RecordedMessageMaker(load_types()), SimulatedFilm(seed, 160, 120, RATE_HZ)
    connections = {}
    with Writer(path, version=8) as writer:
        for index in range(FRAMES):
            stamp_ns = START_NS + round(index / RATE_HZ * 1e9)
            header = make('std_msgs/Header', stamp=stamp_to_msg(make, stamp_ns), frame_id='cam')
            image = film.frame(index / RATE_HZ).image_rgb
            for topic, message in (
                ('/camera_info', camera_to_msg(make, film.camera, header)),
                ('/image', image_to_msg(make, image, header, 'rgb8')),
            ):
                kind = message.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=make.store)
                data = make.store.serialize_cdr(message, kind)
                writer.write(connections[topic], stamp_ns, data)
    return path


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    """Three in a tree of folders, and one that is damaged."""
    folder = tmp_path_factory.mktemp('recordings')
    for seed, name in enumerate(('monday/first', 'monday/second', 'tuesday')):
        record(folder / name, seed)
    (folder / 'torn').mkdir()
    (folder / 'torn/torn.mcap').write_bytes(b'\x89MCAP0\r\n' + bytes(100))
    (folder / 'notes').mkdir()
    (folder / 'notes/notes.txt').write_text('no recording')
    return folder


GOOD = ['monday/first', 'monday/second', 'tuesday']


def bag(*words):
    return CliRunner().invoke(app, ['bag', *map(str, words), '--device', 'cpu', '--quiet'])


def messages(path):
    with Reader(path) as reader:
        return [(c.topic, time_ns, bytes(data)) for c, time_ns, data in reader.messages()]


@pytest.fixture(scope='module')
def alone(recordings, weights, tmp_path_factory):
    """Each recording converted by a command of its own, by a network of its own."""
    folder = tmp_path_factory.mktemp('alone')
    for name in GOOD:
        shared_network._loaded.cache_clear()
        options = ('--weights', weights, '--threads', 1)
        result = bag(recordings / name, folder / name.replace('/', '_'), *options)
        assert result.exit_code == 0, result.output
    return {name: messages(folder / name.replace('/', '_')) for name in GOOD}


@pytest.mark.parametrize(
    'options', [(), pytest.param(('--workers', 2), marks=pytest.mark.slow)], ids=['here', 'ray']
)
def test_all_that_can_be_converted_is_as_if_converted_alone(
    recordings, weights, alone, tmp_path, options
):
    if options:
        pytest.importorskip('ray', reason='needs the extra `cluster`')
    words = (recordings, tmp_path / 'out', '--weights', weights, '--threads', 1, *options)
    result = bag(*words)
    assert result.exit_code == 1
    assert '4 inputs: 3 done, 1 failed; 45 images' in ' '.join(result.stdout.split())
    for name in GOOD:
        found = messages(tmp_path / 'out' / name)
        assert found == alone[name]
        assert sum(topic == '/people' for topic, *_ in found) == FRAMES
    assert not (tmp_path / 'out/torn').exists()
    report = json.loads((tmp_path / 'out/report.json').read_text())
    outcomes = {outcome['name']: outcome for outcome in report['outcomes']}
    assert (report['inputs'], report['done'], report['failed']) == (4, 3, 1)
    assert 'torn.mcap' in outcomes['torn']['reason']
    assert outcomes['tuesday']['images'] == FRAMES
    assert outcomes['tuesday']['source'] == str(recordings / 'tuesday')


def test_parts_that_begin_early_enough_are_as_the_whole(recordings, weights, alone, tmp_path):
    """From the start of the recording, that is; then every byte is equal, ids among them."""
    settings = ConversionSettings(NetworkChoice(str(weights), device='cpu', threads=1))
    source = recordings / 'tuesday'
    parts = parts_of(source, 0.3, overlap_s=100.0)
    assert len(parts) == 3
    watched = [watch(source, part, settings) for part in parts]
    assert sum(len(part.own) for part in watched) == FRAMES
    assert min(len(part.own) for part in watched) >= FRAMES // 3 - 1
    convert(source, tmp_path / 'out', settings, watched=watched)
    assert messages(tmp_path / 'out') == alone['tuesday']
    late = [watch(source, part, settings) for part in parts_of(source, 0.3, overlap_s=0.1)]
    assert [len(part.own) for part in late] == [len(part.own) for part in watched]
    convert(source, tmp_path / 'late', settings, watched=late)
    people = [time_ns for topic, time_ns, _ in messages(tmp_path / 'late') if topic == '/people']
    assert people == [time_ns for topic, time_ns, _ in alone['tuesday'] if topic == '/people']
    assert parts_of(source, 1.0) == []
    bare = tmp_path / 'bare'
    bare.mkdir()
    for file in source.glob('*.db3'):
        (bare / file.name).write_bytes(file.read_bytes())
    assert parts_of(bare, 0.3) == []  # nothing tells how long it is


def test_the_second_run_skips_what_is_done(recordings, weights, tmp_path, monkeypatch):
    first, second = recordings / 'monday/first', recordings / 'monday/second'
    words = (first, second, tmp_path / 'out', '--weights', weights)
    assert bag(*words).exit_code == 0
    converted = []
    real = shared_network.stream_of
    monkeypatch.setattr(
        shared_network, 'stream_of', lambda *a, **k: converted.append(1) or real(*a, **k)
    )
    result = bag(*words)
    assert result.exit_code == 0
    assert '2 unchanged' in result.stdout
    assert converted == []
    assert bag(*words, '--again').exit_code == 0
    assert len(converted) == 2
    assert bag(*words, '--body-height', 1.5).exit_code == 0
    assert len(converted) == 4
    other = Path(tmp_path / 'other.safetensors')
    other.write_bytes(Path(weights).read_bytes())
    assert bag(*words, '--body-height', 1.5, '--weights', other).exit_code == 0
    assert len(converted) == 6  # another name; what it holds is part of the key too


def test_one_recording_is_out_itself_and_several_lie_in_it(recordings, weights, tmp_path):
    assert bag(recordings / 'tuesday', tmp_path / 'one', '--weights', weights).exit_code == 0
    assert (tmp_path / 'one/metadata.yaml').is_file()
    result = bag(recordings / 'monday', tmp_path / 'two', '--weights', weights)
    assert result.exit_code == 0
    assert (tmp_path / 'two/first/metadata.yaml').is_file()
    again = bag(recordings / 'tuesday', tmp_path / 'three', '--weights', weights, '--again')
    assert again.exit_code == 0
    assert (tmp_path / 'three/tuesday/metadata.yaml').is_file()


@pytest.mark.parametrize('url', ['in', 'out', 'both'])
def test_a_url_is_a_batch_of_one(recordings, weights, alone, tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    source, output = f'{recordings}/tuesday', f'{tmp_path}/out'
    words = (
        f'file://{source}' if url != 'out' else source,
        f'file://{output}' if url != 'in' else output,
    )
    result = bag(*words, '--weights', weights, '--threads', 1)
    assert result.exit_code == 0, result.output
    assert messages(tmp_path / 'out/tuesday') == alone['tuesday']
    assert (tmp_path / 'out/report.json').is_file()
    assert [path.name for path in tmp_path.iterdir()] == ['out']


def test_two_recordings_of_one_name_are_refused(recordings, weights, tmp_path):
    other = record(tmp_path / 'other/tuesday', 9)
    result = bag(recordings / 'tuesday', other, tmp_path / 'out', '--weights', weights)
    assert result.exit_code == 1
    assert 'would have one output tuesday' in str(result.exception)
    assert not (tmp_path / 'out').exists()


def test_cutting_is_for_several_workers(recordings, tmp_path):
    result = bag(recordings / 'tuesday', tmp_path / 'out', '--split-s', 5)
    assert result.exit_code == 1
    assert '--split-s is for several workers' in str(result.exception)


class TestFinding:
    def test_a_tree(self, recordings):
        found = recordings_below(recordings)
        assert [name_of(path, recordings) for path in found] == [*GOOD[:2], 'torn', 'tuesday']

    def test_a_recording_is_itself(self, recordings):
        path = recordings / 'tuesday'
        assert recordings_below(path) == [path]
        assert name_of(path, path) == 'tuesday'
        file = Path('walk.v2.mcap.zstd')
        assert name_of(file, file) == 'walk.v2'

    def test_outputs_and_hidden_folders_are_no_inputs(self, recordings, tmp_path):
        for name in ('in/a', 'in/out/a', 'in/.b.0.unfinished/b'):
            (tmp_path / name).mkdir(parents=True)
            (tmp_path / name / 'metadata.yaml').touch()
        found = recordings_below(tmp_path / 'in', tmp_path / 'in/out')
        assert found == [tmp_path / 'in/a']

    def test_nothing_there(self, recordings):
        with pytest.raises(DatasetError, match='notes holds no recording, and no folder in it'):
            recordings_below(recordings / 'notes')

    @pytest.mark.parametrize('output', ['in', 'in/../in', 'link'])
    def test_out_is_in(self, tmp_path, output):
        record(tmp_path / 'in/a', 0)
        (tmp_path / 'link').symlink_to(tmp_path / 'in')
        with pytest.raises(ConfigError, match=r'OUT is IN \(.*in\); give another folder'):
            recordings_below(tmp_path / 'in', tmp_path / output)

    def test_links_are_followed_and_each_folder_counts_once(self, tmp_path):
        for name in ('in/b', 'elsewhere/deep/d'):
            (tmp_path / name).mkdir(parents=True)
            (tmp_path / name / 'metadata.yaml').touch()
        links = {'c': 'elsewhere', 'a': 'in/b', 'up': 'in', 'far_up': '.', 'circle': 'in/circle'}
        for name, target in links.items():
            (tmp_path / 'in' / name).symlink_to(tmp_path / target)
        (tmp_path / 'elsewhere/back').symlink_to(tmp_path / 'in')
        found = recordings_below(tmp_path / 'in')
        assert found == [tmp_path / 'in' / name for name in ('b', 'c/deep/d', 'circle')]

    def test_what_cannot_be_entered_is_a_failed_input(
        self, recordings, weights, tmp_path, monkeypatch
    ):
        (tmp_path / 'in/locked').mkdir(parents=True)
        (tmp_path / 'in/gone').symlink_to('/nonexistent')
        (tmp_path / 'in/good').symlink_to(recordings / 'tuesday')
        listed = os.listdir

        def refuse(folder):
            if Path(folder).name == 'locked':
                raise PermissionError(13, 'Permission denied', folder)
            return listed(folder)

        monkeypatch.setattr(os, 'listdir', refuse)
        result = bag(tmp_path / 'in', tmp_path / 'out', '--weights', weights)
        assert result.exit_code == 1
        report = json.loads((tmp_path / 'out/report.json').read_text())
        outcomes = {o['name']: (o['state'], o['reason']) for o in report['outcomes']}
        assert outcomes['good'] == ('done', '')
        gone = f'there is no {tmp_path}/in/gone; it is a link to /nonexistent'
        assert outcomes['gone'] == ('failed', gone)
        state, reason = outcomes['locked']
        assert state == 'failed'
        assert f'{tmp_path}/in/locked cannot be read: Permission denied' in reason
