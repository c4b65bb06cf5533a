"""The finder learns: targets, loss, score, and a run from YAML to a file, stopped and resumed."""

import json
import signal

import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.data.scenes import PeopleScene
from pose_action_ros.models.finder import (
    CELL_PX,
    Candidates,
    FinderConfig,
    FinderMaps,
    PersonFinder,
    decode,
    open_finder,
)
from pose_action_ros.training.config import FinderData, FinderPhase
from pose_action_ros.training.config_file import config_from_mapping
from pose_action_ros.training.finder_module import FinderModule, finder_loss, people_found
from pose_action_ros.training.finder_run import train_finder
from pose_action_ros.training.finder_samples import FinderSamples, SceneStore, finder_targets
from pose_action_ros.training.phase_module import to_network_input

TINY = {'features': 16, 'eighth': 8, 'sixteenth': 8, 'long_px': 64, 'short_px': 64}


def canvas(corners, sure=True, complete=True, size=(128, 96)):
    boxes = np.array(corners, np.float32).reshape(-1, 4)
    image = np.zeros((size[1], size[0], 3), np.uint8)
    return PeopleScene(
        image, boxes, np.full(len(boxes), sure), np.full((size[1], size[0]), complete)
    )


def perfect_maps(targets):
    """What a finder that knows it all says."""
    heat = torch.from_numpy(targets['heat'])[None]
    return FinderMaps(
        torch.where(heat >= 1.0, 12.0, -12.0),
        torch.from_numpy(targets['offset'])[None],
        torch.from_numpy(targets['log_size'])[None],
    )


def as_batch(targets):
    return {name: torch.from_numpy(value)[None] for name, value in targets.items()}


def test_targets_read_back_are_the_people():
    boxes = [[16, 8, 30, 40], [70, 10, 110, 90]]
    targets = finder_targets(canvas(boxes), 48.0, 0.1)
    (found,) = decode(perfect_maps(targets), 0.5, 9)
    order = found.center_px[:, 0].argsort()
    assert found.center_px[order].tolist() == [[23.0, 24.0], [90.0, 50.0]]
    assert found.size_px[order].tolist() == pytest.approx([32.0, 80.0])
    assert (targets['heat'].max((1, 2)) == 1.0).all()  # one is small, one is large
    assert people_found(Candidates(*found), torch.tensor(boxes, dtype=torch.float32)).all()


def test_small_figures_are_no_background_where_not_all_are_annotated():
    targets = finder_targets(canvas([[70, 10, 110, 90]], complete=False), 48.0, 0.1)
    assert targets['heat_weight'][0].min() == pytest.approx(0.1)
    assert targets['heat_weight'][1].min() == 1.0
    assert finder_targets(canvas([]), 48.0, 0.1)['heat_weight'].min() == 1.0


def test_who_is_annotated_counts_fully_though_others_may_be_missing():
    targets = finder_targets(canvas([[16, 8, 30, 40]], complete=False), 48.0, 0.1)
    assert targets['heat_weight'][0][targets['heat'][0] >= 1.0].tolist() == [1.0]


def test_who_is_not_sure_is_left_alone():
    targets = finder_targets(canvas([[40, 16, 80, 72]], sure=False), 48.0, 0.1)
    assert targets['heat'].max() == 0.0
    inside = targets['heat_weight'][
        :, 16 // CELL_PX : 72 // CELL_PX, 40 // CELL_PX : 80 // CELL_PX
    ]
    assert inside.max() == 0.0
    assert targets['heat_weight'].max() == 1.0


def test_the_loss_is_least_where_all_is_right():
    batch = as_batch(finder_targets(canvas([[70, 10, 110, 90]]), 48.0, 0.1))
    right = perfect_maps({k: v[0].numpy() for k, v in batch.items()})
    best = float(finder_loss(right, batch, 0.5))
    assert best < 0.01
    missed = right._replace(logits=torch.full_like(right.logits, -12.0))
    false = right._replace(logits=torch.full_like(right.logits, 12.0))
    wrong_size = right._replace(log_size=right.log_size + 1.0)
    aside = right._replace(offset=1.0 - right.offset)
    for worse in (missed, false, wrong_size, aside):
        assert float(finder_loss(worse, batch, 0.5)) > best + 0.05


@pytest.mark.parametrize(
    ('center', 'size', 'right'),
    [((90, 50), 80, True), ((75, 60), 60, True), ((60, 50), 80, False), ((90, 50), 20, False)],
)
def test_found_is_who_is_met_in_place_and_size(center, size, right):
    candidates = Candidates(
        torch.tensor([center], dtype=torch.float32), torch.tensor([float(size)]), torch.ones(1)
    )
    assert people_found(candidates, torch.tensor([[70.0, 10, 110, 90]])).tolist() == [right]


def test_a_finder_learns_a_handful_of_scenes():
    data = FinderData(simulated=6, val_simulated=1, together=0.0, colour=0.0)
    train, _ = SceneStore.load(data)
    config = FinderConfig(features=24, eighth=24, sixteenth=24, long_px=128, short_px=96)
    samples = FinderSamples(train, config, data, seed=None, unlabelled_weight=0.1)
    rows = [samples[i] for i in range(len(samples))]
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    torch.manual_seed(0)
    net = PersonFinder(config).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = finder_loss(net(to_network_input(batch['image'])), batch, 0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.35 * np.mean(losses[:5])


def mapping(folder, output):
    return {
        'task': 'finder',
        'output': str(output),
        'weights': None,
        'model': TINY,
        'data': {
            'photographs': {'coco': {'name': 'coco', 'root': str(folder), 'complete': True}},
            'simulated': 3,
            'val_simulated': 1,
        },
        'trainer': {'accelerator': 'cpu', 'threads': 1, 'tensorboard': False},
        'finder': {'epochs': 2, 'steps_per_epoch': 2, 'batch_size': 4},
    }


def test_a_run_is_stopped_and_resumed_as_if_it_had_not_been(people, tmp_path):
    people.write_coco(tmp_path / 'coco')
    whole = config_from_mapping(mapping(tmp_path / 'coco', tmp_path / 'whole'))
    path = train_finder(whole, progress=False)
    net = open_finder(path)
    assert net.config.eighth == TINY['eighth']

    parts = tmp_path / 'parts'
    values = mapping(tmp_path / 'coco', parts)
    train_finder(config_from_mapping(values), progress=False)
    (parts / 'finder' / 'result.json').unlink()  # as if it had been stopped before its end
    again = train_finder(config_from_mapping(values), resume=True, progress=False)
    for name, value in open_finder(again).state_dict().items():
        torch.testing.assert_close(value, net.state_dict()[name], rtol=1e-4, atol=1e-5)
    with pytest.raises(ConfigError, match='--resume'):
        train_finder(whole, progress=False)


def test_ctrl_c_is_a_keyboard_interrupt(people, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    people.write_coco(tmp_path / 'coco')
    settings = config_from_mapping(mapping(tmp_path / 'coco', tmp_path / 'out'))
    monkeypatch.setattr(FinderModule, 'training_step', interrupt)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_finder(settings, progress=False)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize(
    ('section', 'changes', 'message'),
    [
        ('finder', {'learning_rate': None}, r'finder\.learning_rate is null'),
        ('trainer', {'devices': 3}, 'finder: batch_size 4 is shared by 3 processes'),
        ('trainer', {'options': {'max_epochs': 3}}, r'trainer\.options has max_epochs'),
        ('data', {'photographs': {'coco': {'name': 'coco', 'root': 'nowhere'}}}, 'nowhere'),
    ],
)
def test_contradictions_are_told_before_anything_is_written(
    people, tmp_path, section, changes, message
):
    people.write_coco(tmp_path / 'coco')
    values = mapping(tmp_path / 'coco', tmp_path / 'out')
    values[section] = {**values[section], **changes}
    with pytest.raises((ConfigError, DatasetError), match=message):
        train_finder(config_from_mapping(values), progress=False)
    assert not (tmp_path / 'out').exists()


def test_a_photograph_that_is_validated_on_is_trained_on_from_no_set(people, tmp_path):
    people.write_coco(tmp_path)
    path = tmp_path / 'annotations' / 'person_keypoints_train2017.json'
    values = json.loads(path.read_text())
    values['annotations'] = [a for a in values['annotations'] if a['image_id'] >= 5]
    (tmp_path / 'annotations' / 'part.json').write_text(json.dumps(values))
    part = {'name': 'coco', 'root': str(tmp_path), 'annotations': 'annotations/part.json'}
    sets = {'part': part, 'all': {'name': 'coco', 'root': str(tmp_path), 'complete': True}}
    train, val = SceneStore.load(FinderData(photographs=sets, simulated=1, val_simulated=1))
    # Every tenth of 20 images is 0 and 10; of the 15 from 5 on it is 5 and 15.
    assert (len(train.photographs), len(val.photographs)) == (16, 4)
    assert all(scene.complete for scene in train.photographs)
    assert sorted(bool(scene.complete) for scene in val.photographs) == [False, False, True, True]


def test_no_more_photographs_than_asked_for(people, tmp_path):
    people.write_coco(tmp_path)
    sets = {'coco': {'name': 'coco', 'root': str(tmp_path), 'most': 9}}
    train, val = SceneStore.load(FinderData(photographs=sets, simulated=1, val_simulated=1))
    assert (len(train.photographs), len(val.photographs)) == (9, 1)


def test_the_entry_flow_comes_from_weights_and_stays(people, tmp_path):
    people.write_coco(tmp_path / 'coco')
    values = mapping(tmp_path / 'coco', tmp_path / 'out') | {'weights': 'untrained:compact'}
    with pytest.raises(ConfigError, match='width'):
        train_finder(config_from_mapping(values), progress=False)
    values = {**values, 'output': str(tmp_path / 'more'), 'model': {**TINY, 'features': 160}}
    values['finder'] = {**values['finder'], 'freeze_entry_flow': True}
    from pose_action_ros.models import open_model

    net = open_finder(train_finder(config_from_mapping(values), progress=False))
    theirs = open_model('untrained:compact').pose_net.entry_flow.state_dict()
    for name, value in net.entry_flow.state_dict().items():
        torch.testing.assert_close(value, theirs[name])


def test_a_finder_goes_on_from_another_one(people, tmp_path):
    people.write_coco(tmp_path / 'coco')
    values = mapping(tmp_path / 'coco', tmp_path / 'first')
    first = train_finder(config_from_mapping(values), progress=False)
    values |= {'weights': str(first), 'output': str(tmp_path / 'second')}
    values['finder'] = {**values['finder'], 'learning_rate': 0.0, 'ema_decay': 0.0}
    second = open_finder(train_finder(config_from_mapping(values), progress=False))
    for name, value in open_finder(first).named_parameters():
        torch.testing.assert_close(dict(second.named_parameters())[name], value)
    wider = {**values, 'output': str(tmp_path / 'third'), 'model': {**TINY, 'eighth': 16}}
    with pytest.raises(ConfigError, match='width'):
        train_finder(config_from_mapping(wider), progress=False)


def test_settings_of_the_finder_are_as_strict_as_others():
    with pytest.raises(ConfigError, match='epochs'):
        config_from_mapping({'task': 'finder', 'finder': {'epoch': 3}})
    with pytest.raises(ConfigError, match='task'):
        config_from_mapping({'task': 'detector'})
    assert config_from_mapping({'task': 'finder'}).finder == FinderPhase()
