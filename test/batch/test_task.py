"""A batch in this process: whole outputs or none, reasons, and no work twice."""

import os
import signal
from functools import partial
from pathlib import Path

import fsspec
import pytest

from pose_action_ros.batch.items import Item, State, Summary, named_apart
from pose_action_ros.batch.run import Workers, run
from pose_action_ros.batch.stores import OutputStore
from pose_action_ros.batch.task import Batch, do, is_done
from pose_action_ros.core.errors import ConfigError, DatasetError


def shout(source: Path, output: Path, *, mark: str = '!') -> Summary:
    """A conversion that fails as its input tells it."""
    text = source.read_text()
    output.mkdir()
    (output / f'{output.name}.txt').write_text('half')
    if text == 'refused':
        raise DatasetError('this one is damaged')
    if text == 'fault':
        raise ZeroDivisionError('a fault of ours')
    if text == 'interrupted':
        raise KeyboardInterrupt
    if text == 'stopped':
        return Summary(images=1, stopped_by=signal.SIGINT)
    if text == 'worthless':
        return Summary(images=3, failure='none of the 3 images could be read')
    (output / f'{output.name}.txt').write_text(text.upper() + mark)
    return Summary(images=len(text), poses=1, notes=('one note',))


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()

    def write(**texts):
        for name, text in texts.items():
            (folder / name).write_text(text)
        return [Item(str(folder / name), name) for name in texts]

    return write


@pytest.fixture
def batch(tmp_path):
    return Batch(shout, str(tmp_path / 'out'), 'key')


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def everything_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob('*') if p.is_file())


def test_outputs_are_whole_or_not_there(inputs, batch, tmp_path):
    items = inputs(a='hello', b='refused', c='fault', d='worthless', e='bye')
    outcomes = list(run(items, batch, Workers()))
    assert states(outcomes) == [State.DONE, *3 * [State.FAILED], State.DONE]
    reasons = [outcome.reason for outcome in outcomes]
    assert reasons[1] == 'this one is damaged'
    assert 'a fault of ours' in reasons[2]
    assert reasons[3] == 'none of the 3 images could be read'
    assert (outcomes[0].images, outcomes[0].notes) == (5, ('one note',))
    assert outcomes[0].size_bytes == 5
    assert (tmp_path / 'out/a/a.txt').read_text() == 'HELLO!'
    assert everything_in(tmp_path / 'out') == [
        *('.pose_action/a.json', '.pose_action/e.json', 'a/a.txt', 'e/e.txt'),
    ]


@pytest.mark.parametrize(
    'fault',
    [
        RuntimeError('this one broke'),
        MemoryError('this one is too large'),
        UnicodeDecodeError('utf-8', b'\xe9', 0, 1, 'this one is not text'),
        RecursionError('this one is too deep'),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_any_error_of_one_input_is_its_reason(inputs, batch, fault):
    def convert(source, output):
        if source.name == 'b':
            raise fault
        return shout(source, output)

    items = inputs(a='hello', b='x', c='bye')
    outcomes = list(run(items, Batch(**{**vars(batch), 'convert': convert}), Workers()))
    assert states(outcomes) == [State.DONE, State.FAILED, State.DONE]
    assert type(fault).__name__ in outcomes[1].reason
    assert 'this one' in outcomes[1].reason


def test_a_store_that_cannot_be_opened_is_not_done(batch):
    assert not is_done(Item('nosuch://x/y', 'y'), batch)
    assert not is_done(Item('y', 'y'), Batch(**{**vars(batch), 'output': 'nosuch://x'}))


def test_a_local_name_is_never_split_like_a_url(inputs, batch, tmp_path):
    items = inputs(**{'cam::left.mp4': 'hello', 'zip:x': 'bye'})
    batch = Batch(**{**vars(batch), 'output': str(tmp_path / 'cam::out')})
    assert states(run(items, batch, Workers())) == 2 * [State.DONE]
    assert (tmp_path / 'cam::out/cam::left.mp4/cam::left.mp4.txt').read_text() == 'HELLO!'
    assert states(run(items, batch, Workers())) == 2 * [State.UNCHANGED]


def test_an_input_without_files_has_its_own_reason(batch, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'link').symlink_to('gone')
    (tmp_path / 'circle').symlink_to('circle')
    reasons = {
        'empty': f'{tmp_path}/empty holds no file',
        'link': f'there is no {tmp_path}/link; it is a link to gone',
        'circle': f'{tmp_path}/circle cannot be read: Too many levels of symbolic links',
    }
    for name, reason in reasons.items():
        outcome = do(Item(str(tmp_path / name), name), batch)
        assert (outcome.state, outcome.reason) == (State.FAILED, reason)


@pytest.mark.parametrize('text', ['interrupted', 'stopped'])
def test_what_is_stopped_leaves_nothing_and_ends_the_run(inputs, batch, tmp_path, text):
    outcomes = list(run(inputs(a='hello', b=text, c='bye'), batch, Workers()))
    assert states(outcomes) == [State.DONE, State.STOPPED]
    assert everything_in(tmp_path / 'out') == ['.pose_action/a.json', 'a/a.txt']


def test_what_is_done_and_unchanged_is_skipped(inputs, batch, tmp_path):
    items = inputs(a='hello')

    def again(**changes):
        return do(items[0], Batch(**{**vars(batch), **changes})).state

    assert again() is State.DONE
    made = (tmp_path / 'out/a/a.txt').stat().st_ino
    outcome = do(items[0], batch)
    assert (outcome.state, outcome.images, outcome.poses) == (State.UNCHANGED, 5, 1)
    assert (tmp_path / 'out/a/a.txt').stat().st_ino == made
    assert again(again=True) is State.DONE
    assert again(key='other settings') is State.DONE
    assert again(key='other settings') is State.UNCHANGED
    os.utime(items[0].source, (1, 1))
    assert again(key='other settings') is State.DONE
    inputs(a='goodbye')
    assert again(key='other settings') is State.DONE
    assert (tmp_path / 'out/a/a.txt').read_text() == 'GOODBYE!'


def test_a_failure_keeps_the_older_output_and_is_tried_again(inputs, batch, tmp_path):
    (item,) = inputs(a='hello')
    do(item, batch)
    inputs(a='refused')
    assert do(item, batch).state is State.FAILED
    assert (tmp_path / 'out/a/a.txt').read_text() == 'HELLO!'
    assert do(item, batch).state is State.FAILED


def test_an_attempt_that_was_killed_leaves_nothing_for_good(inputs, batch, tmp_path):
    """Before the output was delivered, and between its delivery and its mark."""
    (item,) = inputs(a='hello')
    left = tmp_path / 'out/.a.0123.unfinished/a'
    left.mkdir(parents=True)
    (left / 'a.txt').write_text('half')
    store = OutputStore(batch.output)
    store.set_mark('a', {'key': None})
    (tmp_path / 'out/a').mkdir()
    assert do(item, batch).state is State.DONE
    assert everything_in(tmp_path / 'out') == ['.pose_action/a.json', 'a/a.txt']


def test_what_is_not_ours_is_never_overwritten(inputs, batch, tmp_path):
    (item,) = inputs(a='hello')
    thesis = tmp_path / 'out/a/thesis.tex'
    thesis.parent.mkdir(parents=True)
    thesis.write_text('years of work')
    outcome = do(item, Batch(**{**vars(batch), 'again': True}))
    assert outcome.state is State.FAILED
    assert 'exists and is not a finished output' in outcome.reason
    assert thesis.read_text() == 'years of work'


def test_no_input(batch, tmp_path):
    outcome = do(Item(str(tmp_path / 'none'), 'none'), batch)
    assert (outcome.state, outcome.reason) == (State.FAILED, f'there is no {tmp_path / "none"}')


def test_two_outputs_are_never_one():
    apart = [Item('x/a', 'a'), Item('x/b', 'b/c')]
    assert named_apart(apart) == apart
    with pytest.raises(ConfigError, match=r'x/a and y/a would have one output a;'):
        named_apart([Item('x/a', 'a'), Item('y/a', 'a')])
    with pytest.raises(ConfigError, match='would have one output a'):
        named_apart([Item('x/a', 'a'), Item('x/b', 'a/b')])


@pytest.mark.parametrize('kind', ['memory', 'file'])
def test_inputs_and_outputs_on_other_stores(inputs, tmp_path, kind):
    root = f'{kind}://{tmp_path}/store'
    system = fsspec.filesystem(kind)
    system.makedirs(f'{tmp_path}/store')
    system.pipe_file(f'{tmp_path}/store/in.txt', b'hello')
    batch = Batch(partial(shout, mark='?'), f'{root}/out', 'key')
    item = Item(f'{root}/in.txt', 'walks/in')
    assert do(item, batch).state is State.DONE
    assert do(item, batch).state is State.UNCHANGED
    assert system.cat_file(f'{tmp_path}/store/out/walks/in/in.txt') == b'HELLO?'
    assert do(item, Batch(**{**vars(batch), 'again': True})).state is State.DONE
    assert system.find(f'{tmp_path}/store/out/walks') == [f'{tmp_path}/store/out/walks/in/in.txt']
    system.pipe_file(f'{tmp_path}/store/in.txt', b'refused')
    assert do(item, batch).state is State.FAILED
    outcome = do(Item('nosuch://x/y', 'y'), batch)
    assert 'nosuch://x/y cannot be opened' in outcome.reason
