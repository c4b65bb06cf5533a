"""Training of the action branches and their fusion on features of the frozen pose network.

The pose network does not change at all. The learning rate follows one cycle, and the averaged
weights at its end are the result. Held-out films influence no choice, so their accuracy is an
honest estimate.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from pose_action_ros.models import MultitaskNet
from pose_action_ros.teaching.film_clips import DrawnClip, TaughtFilms
from pose_action_ros.training.action_module import ActionModule
from pose_action_ros.training.config import ActionPhase
from pose_action_ros.training.data_module import PhaseData
from pose_action_ros.training.order import OrderedSamples
from pose_action_ros.training.phase_module import best_weights
from pose_action_ros.training.reporting import EpochBar, EpochReport
from pose_action_ros.training.trainers import fit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_action_ros.teaching.film_clips import FilmViews
    from pose_action_ros.teaching.settings import TeachSettings

__all__ = ['new_network', 'steps_of', 'train_heads']

_FEWEST_STEPS = 25  # of an epoch: few films are repeated often


def new_network(
    base: MultitaskNet, name: str, actions: Sequence[str], settings: TeachSettings
) -> MultitaskNet:
    """Return a network for other actions with the pose network of `base`.

    The action branches start from those of `base`, which already encode how people move, wherever
    the shapes match; the class maps are new. With `settings.fresh` all of them start at random.
    """
    period_s = base.config.clip_period_s
    if settings.clip_seconds:
        period_s = settings.clip_seconds / (base.config.clip_frames - 1)
    config = replace(base.config, name=name, actions=tuple(actions), clip_period_s=period_s)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        net = MultitaskNet(config)
    own = net.state_dict()
    kept = {
        key: value
        for key, value in base.state_dict().items()
        if key in own
        and own[key].shape == value.shape
        and (key.startswith('pose_net.') or not settings.fresh)
    }
    net.load_state_dict(kept, strict=False)
    return net


def train_heads(
    net: MultitaskNet,
    films: Sequence[FilmViews],
    held_out: Sequence[FilmViews],
    settings: TeachSettings,
    folder: Path,
    *,
    progress: bool = False,
) -> None:
    """Train the action branches of a network; an interrupted run in the folder continues.

    Args:
        net: The network; its action branches change.
        films: Training films.
        held_out: Validation films; their scores are logged and influence nothing.
        settings: The settings.
        folder: Folder of checkpoints and logs.
        progress: Show a bar.

    Raises:
        KeyboardInterrupt: Ctrl-C; the last complete epoch is kept.
    """
    source = TaughtFilms(films)
    phase = _phase(settings, len(source))
    train = OrderedSamples(
        source,
        settings.seed,
        augmentation=DrawnClip(net.config, settings),  # type: ignore[arg-type]
    )
    shown = OrderedSamples(
        held_out,
        settings.seed,
        augmentation=DrawnClip(net.config),
        shuffle=False,  # type: ignore[arg-type]
    )
    module = ActionModule(net, phase, settings.learning_rate)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # Lightning's advice on loaders and folders
        trainer = _trainer(phase, settings, folder, progress=progress)
        fit(trainer, module, PhaseData(train, shown, phase), folder / 'last.ckpt')
    net.load_state_dict(best_weights(module.state_dict()))
    net.eval()


def steps_of(settings: TeachSettings, films: int) -> int:
    """Return the steps of an epoch on a number of films."""
    return max(_FEWEST_STEPS, round(settings.visits * films / settings.batch_size))


def _phase(settings: TeachSettings, films: int) -> ActionPhase:
    return ActionPhase(
        epochs=settings.epochs,
        steps_per_epoch=steps_of(settings, films),
        batch_size=settings.batch_size,
        optimizer='adamw',
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        schedule='one_cycle',
        ema_decay=settings.ema_decay,
    )


def _trainer(
    phase: ActionPhase, settings: TeachSettings, folder: Path, *, progress: bool
) -> Trainer:
    callbacks: list[Any] = [
        EpochReport('teach', phase.batch_size),
        ModelCheckpoint(
            dirpath=folder,
            filename='last',
            every_n_epochs=1,
            save_top_k=1,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        ),
    ]
    if progress:
        callbacks.append(EpochBar())
    on_gpu = settings.device.startswith('cuda') or (
        settings.device == 'auto' and torch.cuda.is_available()
    )
    return Trainer(
        accelerator='gpu' if on_gpu else 'cpu',
        devices=1,
        max_epochs=phase.epochs,
        logger=CSVLogger(folder, name='logs'),
        callbacks=callbacks,
        enable_progress_bar=progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=phase.steps_per_epoch,
        default_root_dir=folder,
    )
