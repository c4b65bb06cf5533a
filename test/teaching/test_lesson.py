"""A whole lesson: what is left, what stays, what goes on after Ctrl-C."""

import csv
import json
import signal

import pytest
import torch

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.models import open_model, read_metadata
from pose_action_ros.teaching.lesson import Lesson, teach
from pose_action_ros.training.provenance import training_data
from pose_action_ros.training.reporting import EpochReport


def lesson(root, output, settings, lines=None):
    lines = [] if lines is None else lines
    return Lesson(root, output, 'mine', settings, say=lines.append)


def test_two_kinds_of_films_are_told_apart(two_kinds, tmp_path, quick, tiny_net):
    lines = []
    settings = quick(epochs=6, learning_rate=5e-3)
    outcome = teach(two_kinds, tmp_path / 'out', 'mine', settings, say=lines.append)
    assert outcome.scores['val'].films == 2
    assert outcome.scores['val'].accuracy == 1.0
    net = open_model(outcome.weights)
    assert (net.config.name, net.config.actions) == ('mine', ('bright', 'dark'))
    for name, value in tiny_net.pose_net.state_dict().items():
        torch.testing.assert_close(net.pose_net.state_dict()[name], value, rtol=0, atol=0)
    report = outcome.report.read_text()
    assert '**100 %** of 2 held-out films are right' in report
    assert f'weights:={outcome.weights.resolve()}' in report
    assert 'There is no class `other`.' in report
    for name in ('confusion.png', 'sheets/bright.jpg', 'sheets/dark.jpg', 'report.json'):
        assert (tmp_path / 'out' / name).stat().st_size
    assert json.loads(read_metadata(outcome.weights)['accuracy']) == {'val': 1.0}
    assert 'trained on data that its file does not name' in report
    assert training_data(str(outcome.weights)) == [
        f'those of {settings.weights}',
        'films of films',
    ]
    assert any(line.startswith('bright: 5 training films, 1 held out') for line in lines)


def test_it_goes_on_where_it_was_stopped(two_kinds, tmp_path, quick, monkeypatch):
    whole = lesson(two_kinds, tmp_path / 'whole', quick()).run()
    log = EpochReport.on_train_epoch_end
    epochs = []

    def stop(self, trainer, module):
        log(self, trainer, module)
        epochs.append(trainer.current_epoch)
        if len(epochs) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(EpochReport, 'on_train_epoch_end', stop)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        lesson(two_kinds, tmp_path / 'halves', quick()).run()
    monkeypatch.setattr(EpochReport, 'on_train_epoch_end', log)
    assert signal.getsignal(signal.SIGINT) is before
    lines = []
    seen = {p.name: p.stat().st_mtime_ns for p in (tmp_path / 'halves' / 'features').iterdir()}
    halves = lesson(two_kinds, tmp_path / 'halves', quick(), lines).run()
    assert {
        p.name: p.stat().st_mtime_ns for p in (tmp_path / 'halves' / 'features').iterdir()
    } == seen
    first, second = (open_model(o.weights).state_dict() for o in (whole, halves))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value)
    logs = sorted((tmp_path / 'halves' / 'training' / 'logs').glob('*/metrics.csv'))
    trained = [
        {int(row['epoch']) for row in csv.DictReader(path.read_text().splitlines())}
        for path in logs
    ]
    assert trained[-1] == {1, 2}  # the second epoch was not whole
    assert not any('starts again' in line for line in lines)


def test_other_films_or_settings_start_afresh(two_kinds, tmp_path, quick):
    lines = []
    lesson(two_kinds, tmp_path / 'out', quick(epochs=1), lines).run()
    lesson(two_kinds, tmp_path / 'out', quick(epochs=1), lines).run()
    assert not any('starts again' in line for line in lines)
    lesson(two_kinds, tmp_path / 'out', quick(epochs=2), lines).run()
    assert 'the films or the settings have changed: training starts again' in lines


def test_mirrored_films_are_not_watched_where_left_and_right_matter(two_kinds, tmp_path, quick):
    one = lesson(two_kinds, tmp_path / 'one', quick(epochs=1, left_right_matters=True))
    both = lesson(two_kinds, tmp_path / 'both', quick(epochs=1))
    one.run()
    both.run()
    assert one.mirrored == {}
    assert len(both.mirrored) == 10
    assert len(both.seen) == 12


def test_damaged_films_are_skipped_and_named(two_kinds, tmp_path, quick):
    (two_kinds / 'dark' / 'dark_1.avi').write_text('no film')
    lines = []
    lesson(two_kinds, tmp_path / 'out', quick(epochs=1), lines).run()
    assert any(line.startswith('skipped: dark/dark_1.avi: ') for line in lines)


def test_folders_that_can_not_be_taught_are_refused_at_once(two_kinds, tmp_path, quick):
    for path in list((two_kinds / 'dark').iterdir())[1:]:
        path.unlink()
    with pytest.raises(DatasetError, match=r'films of dark: 1, none held out\. Give every'):
        lesson(two_kinds, tmp_path / 'out', quick()).run()
    for path in (two_kinds / 'dark').iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match='has one class, bright; expected two'):
        lesson(two_kinds, tmp_path / 'out', quick()).run()
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('place', ['films', 'films/dark/res', 'films/result', 'link/res'])
def test_a_result_among_the_films_is_refused_before_any_work(two_kinds, tmp_path, quick, place):
    (tmp_path / 'link').symlink_to(two_kinds)
    with pytest.raises(ConfigError, match=r'inside the folder of films .* Give --output a'):
        lesson(two_kinds, tmp_path / place, quick()).run()
    assert {path.name for path in two_kinds.iterdir()} == {'bright', 'dark'}


@pytest.mark.parametrize('name', ['', 'a/b', 'a\\b', '..', 'a\n', 'caf\udce9', 201 * 'n'])
def test_a_name_that_is_no_file_is_refused_before_any_work(two_kinds, tmp_path, quick, name):
    with pytest.raises(ConfigError, match=r'expected the name of a file .* Give another --name'):
        Lesson(two_kinds, tmp_path / 'out', name, quick()).run()
    assert not (tmp_path / 'out').exists()


def test_what_is_skipped_in_the_folder_is_named(two_kinds, tmp_path, quick):
    (two_kinds / 'dark' / 'notes.txt').touch()
    (two_kinds / 'boxes.csv').write_text('film,frame,x1,y1,x2,y2\nDARK/a.avi,0,1,1,9,9\n')
    lines = []
    lesson(two_kinds, tmp_path / 'out', quick(epochs=1), lines).run()
    assert '1 skipped: not a film: the ending is .txt: dark/notes.txt' in lines
    assert '1 skipped: boxes.csv names it, it is missing: DARK/a.avi' in lines
