"""The page and the recording, read back: what a viewer gets is what was shown."""

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.predictions import (
    ActionScores,
    FramePrediction,
    PersonBox,
    PersonPrediction,
)
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.view.frame import shown_prediction
from pose_action_ros.view.live_view import LiveView, _spread_colours

IMAGE = np.full((48, 64, 3), 90, np.uint8)
SECOND = 1_000_000_000
LABELS = ('stand', 'wave', 'walk')
SCORES = np.float32([0.1, 0.7, 0.2])
pytestmark = pytest.mark.filterwarnings('ignore::DeprecationWarning')


def person(unseen=(), joints_camera_m=True):
    rng = np.random.default_rng(1)
    pixels = rng.uniform(5, 40, (17, 2)).astype(np.float32)
    metres = np.concatenate([rng.uniform(-1, 1, (17, 2)), np.full((17, 1), 3.0)], 1)
    pixels[list(unseen)] = metres[list(unseen)] = np.nan
    return PersonPrediction(
        track_id=4,
        box=PersonBox(32, 24, 40),
        layout='pa17j',
        joints_image_px=pixels,
        confidence=np.ones(17, np.float32),
        joints_camera_m=metres.astype(np.float32) if joints_camera_m else None,
        action=ActionScores(LABELS, SCORES, 0, 1, 8, True, 1),
    )


@pytest.fixture
def record(tmp_path):
    """Show frames; return what the recording holds: {entity: {component: [values]}}."""
    pytest.importorskip('rerun', reason='needs the extra `view`')

    def run(*frames):
        path = tmp_path / 'demo.rrd'
        view = LiveView('test', serve=False, record=path)
        for frame in frames:
            view.show(frame)
        view.close()
        return read_back(path)

    return run


def read_back(path):
    from rerun.chunk import RrdReader

    found = {}
    for chunk in RrdReader(str(path)).stream().to_chunks():
        batch = chunk.to_record_batch()
        entity = found.setdefault(str(chunk.entity_path), {})
        for name in batch.schema.names:
            if name.endswith('log_time') or name.endswith('start_time'):
                continue  # when it was written, in nanoseconds that Python has no type for
            column = batch.column(name)
            values = column.cast('int64') if name == 'time' else column
            entity.setdefault(name.rpartition(':')[2], []).extend(values.to_pylist())
    return found


def shown(seconds, *persons, **numbers):
    prediction = FramePrediction(round(seconds * SECOND), persons, preprocess_ms=2.0)
    return replace(shown_prediction(IMAGE, prediction), **numbers)


def test_names_with_spaces_are_shown_without_a_warning(record, capfd):
    found = record(shown(0.0, person(), ages_ms={'age of a pose': 12.0}))
    assert found['/ages/age\\ of\\ a\\ pose']['scalars'] == [[12.0]]
    assert 'WARN' not in capfd.readouterr().err


def test_the_recording_holds_what_was_shown(record):
    found = record(shown(7.0, person()), shown(7.5, person(), rates_hz={'in': 20.0}))
    image = cv2.imdecode(np.uint8(found['/image']['blob'][0]), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(image, IMAGE, atol=3)
    assert found['/image']['time'] == [0, SECOND // 2]  # since the first stamp
    skeleton = found['/image/people']['strips'][0]
    expected = [person().joints_image_px[list(link)] for link in PA17J.drawn_links]
    np.testing.assert_allclose(skeleton, expected)
    bones_m = found['/world/camera/people']['strips'][1]
    expected = [person().joints_camera_m[list(link)] for link in PA17J.drawn_links]
    np.testing.assert_allclose(bones_m, expected)
    assert found['/image/labels']['labels'] == [['wave 70%']] * 2
    top = np.nanmin(person().joints_image_px[:, 1])
    assert found['/image/labels']['positions'][0][0][1] < top
    names = found['/scores']['names'][0]
    assert len(set(found['/scores']['colors'][0])) == len(LABELS)
    assert names == list(LABELS)
    np.testing.assert_allclose(found['/scores']['scalars'], [SCORES, SCORES])
    assert found['/rates/in']['scalars'] == [[20.0]]
    assert found['/ages/preprocess']['scalars'] == [[2.0], [2.0]]


def test_who_is_gone_is_drawn_no_longer(record):
    found = record(shown(0.0, person()), shown(0.1))
    for entity in ('/image/people', '/world/camera/people'):
        assert [len(strips) for strips in found[entity]['strips']] == [len(PA17J.drawn_links), 0]
    assert found['/image/labels']['labels'] == [['wave 70%'], []]


def test_joints_that_are_not_seen_and_poses_without_metres(record):
    wrist = PA17J.index('right_wrist')
    found = record(shown(0.0, person(unseen=[wrist])), shown(0.1, person(joints_camera_m=False)))
    strips = found['/world/camera/people']['strips']
    assert [len(bones) for bones in strips] == [len(PA17J.drawn_links) - 1, 0]
    assert np.isfinite(np.array(strips[0])).all()


def test_a_pose_without_a_place_is_drawn_ahead(record):
    joints = np.zeros((17, 3), np.float32)
    someone = replace(person(joints_camera_m=False), joints_root_m=joints)
    found = record(shown(0.0, someone))
    assert np.unique(found['/world/camera/people']['strips'][0]).tolist() == [0.0, 3.0]


def test_twenty_lines_can_be_told_apart():
    colours = _spread_colours(20).astype(float)
    distance = np.linalg.norm(colours[:, None] - colours, axis=-1)
    assert distance[~np.eye(20, dtype=bool)].min() > 50  # of 255 in each of red, green and blue


def test_rates_differ_in_colour(record):
    found = record(shown(0.0, rates_hz={'images': 20.0, 'poses': 19.0}), shown(0.1))
    assert found['/rates/images']['names'] == [['images']]
    assert found['/rates/images']['colors'] != found['/rates/poses']['colors']


def test_the_log_stands_at_the_time_of_the_images(tmp_path):
    pytest.importorskip('rerun', reason='needs the extra `view`')
    path = tmp_path / 'demo.rrd'
    view = LiveView('test', serve=False, record=path)
    view.say('loading')
    view.show(shown(3.0))
    view.show(shown(4.0))
    logger = threading.Thread(target=view.say, args=('running',))
    logger.start()
    logger.join()
    view.close()
    found = read_back(path)['/log']
    assert dict(zip(found['time'], found['text'], strict=True)) == {
        0: ['loading'],
        SECOND: ['running'],
    }


def test_numbers_that_are_not_known_are_not_drawn(record):
    assert '/ages/age' not in record(shown(0.0, ages_ms={'age': float('nan')}))


def listening_sockets():
    """Addresses and ports at which this process and its children accept connections (Linux)."""
    own = set()
    children = Path('/proc/self/task').glob('*/children')
    processes = ['self', *(pid for tasks in children for pid in tasks.read_text().split())]
    for process in processes:
        for link in Path('/proc', process, 'fd').iterdir():
            with suppress(OSError):
                own.add(os.readlink(link))
    found = []
    for family, table in ((socket.AF_INET, 'tcp'), (socket.AF_INET6, 'tcp6')):
        for line in Path('/proc/net', table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] != '0A' or f'socket:[{fields[9]}]' not in own:  # 0A: it listens
                continue
            host, port = fields[1].split(':')
            words = np.frombuffer(bytes.fromhex(host), '>u4').astype('<u4')
            found.append((socket.inet_ntop(family, words.tobytes()), int(port, 16)))
    return found


def test_the_page_is_served_on_this_machine_alone():
    pytest.importorskip('rerun', reason='needs the extra `view`')
    view = LiveView('test', open_browser=False)
    view.show(shown(0.0, person()))
    assert view.url.startswith('http://127.0.0.1:')
    with urllib.request.urlopen(view.url, timeout=60) as page:
        assert page.status == 200
        assert b'<canvas' in page.read()
    hosts = {host for host, _ in listening_sockets()}
    assert hosts == {'127.0.0.1'}
    second = LiveView('test', open_browser=False)  # beside it, on other ports
    assert second.url != view.url
    view.close()
    second.close()


def test_a_recording_into_no_folder(tmp_path):
    pytest.importorskip('rerun', reason='needs the extra `view`')
    with pytest.raises(ConfigError, match='in a folder that exists'):
        LiveView('test', serve=False, record=tmp_path / 'none' / 'a.rrd')


def test_without_rerun_the_user_hears_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'rerun', None)
    with pytest.raises(ConfigError, match='pip install rerun-sdk'):
        LiveView('test', serve=False)


@pytest.mark.parametrize('module', ['pose_action_ros.cli.main', 'pose_action_ros.view.live_view'])
def test_rerun_loads_only_where_it_is_asked_for(module):
    code = f'import sys, {module}; sys.exit("rerun" in sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True)


def test_the_browser_opens_the_page(monkeypatch):
    pytest.importorskip('rerun', reason='needs the extra `view`')
    monkeypatch.setenv('DISPLAY', ':0')
    opened = []
    monkeypatch.setattr('webbrowser.open', opened.append)
    view = LiveView('test')
    view.close()
    assert opened == [view.url]


def test_the_browser_may_contact_this_machine_alone():
    pytest.importorskip('rerun', reason='needs the extra `view`')
    view = LiveView('test', open_browser=False)
    for place in (view.url, urljoin(view.url, '/re_viewer.js')):
        with urllib.request.urlopen(place, timeout=60) as answer:
            policy = answer.headers['Content-Security-Policy']
            assert answer.read()
        sources = {s for part in policy.split(';') for s in part.split()[1:] if ':' in s}
        assert sources == {'blob:', 'data:', 'http://127.0.0.1:*'}
        assert '*' not in policy.replace('http://127.0.0.1:*', '')
    with pytest.raises(HTTPError, match='404'):
        urllib.request.urlopen(urljoin(view.url, '/nothing'), timeout=60)
    view.close()


def test_a_program_that_does_not_start_is_named(monkeypatch, tmp_path):
    pytest.importorskip('rerun', reason='needs the extra `view`')
    program = tmp_path / 'rerun'
    program.write_text('#!/bin/sh\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setattr('pose_action_ros.view.live_view._program', lambda: program)
    with pytest.raises(ConfigError, match='does not serve the page'):
        LiveView('test', open_browser=False)
