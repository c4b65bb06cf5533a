"""Every setting of a training run: frozen dataclasses hold the defaults, YAML only overrides.

Defaults are the paper's (supplement, Appendix B) for the pose and the action phase. The help of a
setting tells if the paper leaves it open. `pose-action train --settings` prints all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    'PHASES',
    'ActionPhase',
    'DataSettings',
    'FinderData',
    'FinderPhase',
    'FinderTrainConfig',
    'FinetunePhase',
    'HalfSizePhase',
    'ModelSettings',
    'PhaseSettings',
    'PosePhase',
    'TrainConfig',
    'TrainerSettings',
]


PHASES = ('half_size', 'pose', 'action', 'finetune')
"""The phases of a run, in order."""

_SCHEDULES = ('plateau', 'steps', 'cosine', 'one_cycle', 'constant')


def _metadata(
    text: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Help text, and closed range or list of choices, of a setting."""
    return {'help': text, 'low': low, 'high': high, 'choices': choices}


def _setting(default: Any, text: str, **limits: Any) -> Any:
    """One setting with its default."""
    return field(default=default, metadata=_metadata(text, **limits))


@dataclass(frozen=True)
class ModelSettings:
    """Which network is trained, and from which weights."""

    preset: str = _setting('compact', 'Name of a `ModelConfig` preset.')
    changes: dict[str, Any] = field(
        default_factory=dict,
        metadata=_metadata('Fields of `ModelConfig` that differ from the preset.'),
    )
    weights: str | None = _setting(
        None,
        'Weights to start from: people, a fetched preset or a .safetensors file. Parts with '
        'other shapes start from random weights; further blocks start as copies of the last.',
    )


@dataclass(frozen=True)
class DataSettings:
    """Which samples are used. The seed alone decides their order."""

    name: str = _setting('simulated', 'simulated, or a recorded data set: docs/data.md.')
    root: str | None = _setting(None, 'Folder of a recorded data set.')
    options: dict[str, Any] = field(
        default_factory=dict, metadata=_metadata('Further arguments of that data set.')
    )
    poses: int = _setting(0, 'Single images in the training set; 0: all, or endless.', low=0)
    clips: int = _setting(0, 'Clips in the training set; 0: all, or endless.', low=0)
    val_poses: int = _setting(256, 'Single images for validation.', low=1)
    val_clips: int = _setting(120, 'Clips for validation.', low=1)
    pool: bool = _setting(
        False,
        'Render or read each training sample once and keep it in OUTPUT/samples (192 KiB per '
        'image). Later visits only apply the changes below. Needs `poses`.',
    )
    render_on_device: bool = _setting(
        False,
        'Simulated actor only: loader workers describe each training sample, and the device '
        'renders whole batches. Backdrops of single images are drawn into the crop, so they '
        'differ from those of the default. Not with `pool`.',
    )
    flip: bool = _setting(True, 'Mirror half of the training samples.')
    colour_power: float = _setting(
        0.1, 'Each colour channel is raised to its own power within 1 ± this.', low=0, high=0.5
    )
    zoom: float = _setting(
        0.0, 'Pool only: each visit scales the crop by 1 ± this about its centre.', low=0, high=0.5
    )
    turn_deg: float = _setting(
        0.0, 'Pool only: each visit turns the crop by up to ± this.', low=0, high=45
    )
    light: float = _setting(
        0.0, 'Contrast varies in 1 ± this, brightness in ± half of it.', low=0, high=0.9
    )
    saturation: float = _setting(
        0.0, 'Saturation varies in 1 ± this; then one sample in ten is grey.', low=0, high=1
    )
    blur: float = _setting(0.0, 'Share of samples that are blurred or coarse.', low=0, high=1)
    covered: float = _setting(
        0.0, 'Share of samples with one to three covered rectangles.', low=0, high=1
    )
    workers: int = _setting(0, 'Processes that render or read samples.', low=0)


@dataclass(frozen=True)
class TrainerSettings:
    """Devices and precision, for Lightning's Trainer. They may change when a run is resumed."""

    accelerator: str = _setting('auto', "Lightning's accelerator: auto, cpu, gpu, ...")
    devices: int | str = _setting(1, 'Devices per machine, or auto.')
    num_nodes: int = _setting(1, 'Machines.', low=1)
    strategy: str = _setting('auto', "Lightning's strategy: auto, ddp, fsdp, ...")
    precision: str = _setting(
        '32-true', 'Mixed precision.', choices=('32-true', 'bf16-mixed', '16-mixed')
    )
    channels_last: bool = _setting(True, 'Channels-last memory format.')
    accumulate_grad_batches: int = _setting(
        1,
        'Number of parts into which a device splits its share of each batch. A step gives the '
        'same result with less memory.',
        low=1,
    )
    sync_batchnorm: bool = _setting(False, 'Compute batch statistics over all processes together.')
    options: dict[str, Any] = field(
        default_factory=dict,
        metadata=_metadata("Further arguments of Lightning's Trainer, such as `deterministic`."),
    )
    threads: int = _setting(0, 'CPU threads of each process; 0: the default of PyTorch.', low=0)
    tensorboard: bool = _setting(True, 'Write TensorBoard logs beside the CSV, if installed.')


@dataclass(frozen=True)
class PhaseSettings:
    """One stage of training. Phases differ in their defaults only."""

    epochs: int = _setting(120, 'Epochs; 0 skips the phase.', low=0)
    steps_per_epoch: int = _setting(
        500, 'Optimiser steps between two validations (the unit of patience).', low=1
    )
    batch_size: int = _setting(24, 'Samples per step over all devices together.', low=1)
    optimizer: str = _setting('rmsprop', 'Optimiser.', choices=('rmsprop', 'sgd', 'adamw'))
    learning_rate: float | None = _setting(
        1e-3, "First learning rate; null in finetune: a tenth of the action phase's last.", low=0
    )
    momentum: float = _setting(0.0, 'Momentum (Nesterov for sgd).', low=0, high=0.999)
    weight_decay: float = _setting(0.0, 'Weight decay.', low=0)
    schedule: str = _setting(
        'plateau',
        'plateau: multiply by `factor` when validation stagnates (the paper); steps: multiply by '
        '`factor` after each epoch of `milestones` (the released code); cosine: down to a '
        'hundredth over the phase; one_cycle: up over a tenth of the phase, then cosine down; '
        'constant.',
        choices=_SCHEDULES,
    )
    factor: float = _setting(0.2, 'Factor of plateau and steps.', low=0.001, high=0.999)
    milestones: list[int] = field(
        default_factory=lambda: [80, 100],
        metadata=_metadata('Epochs after which the schedule `steps` multiplies the rate.'),
    )
    patience: int = _setting(5, 'Epochs without improvement before plateau acts.', low=0)
    stop_after: int = _setting(
        0, 'Epochs without improvement that end the phase; 0: never.', low=0
    )
    gradient_clip: float = _setting(0.0, 'Largest gradient norm; 0: no limit.', low=0)
    ema_decay: float = _setting(
        0.0,
        'Average the weights with this decay and keep the average; 0: off.',
        low=0,
        high=0.9999,
    )
    pose_weight: float = _setting(1.0, 'Weight of the pose loss.', low=0)
    visibility_weight: float = _setting(0.01, 'Weight of the visibility loss per block.', low=0)
    coordinate_weight: float = _setting(
        0.0,
        'Weight of a cross-entropy that treats coordinates as probabilities; 0.01 in the released '
        'MPII script, absent from the paper. Phases half_size and pose.',
        low=0,
    )
    normaliser: str = _setting(
        'joint',
        'Divisor of the pose loss of a sample: joint: valid joints (the paper); coordinate: valid '
        'coordinates (the released MPII script); sample: none.',
        choices=('joint', 'coordinate', 'sample'),
    )
    heat_map_weight: float = _setting(
        0.0,
        'Weight per block of the distance between heat maps and a Gaussian at the joint; absent '
        'from the paper. Phases half_size and pose.',
        low=0,
    )
    heat_map_sigma: float = _setting(
        1.0, 'Standard deviation of that Gaussian in cells of the map.', low=0.3, high=4
    )
    depth_hint_weight: float = _setting(
        0.0, 'Weight of a z that another network estimated; a true z has 1.', low=0, high=1
    )
    freeze_batch_norm: bool = _setting(
        False, 'Normalise with the stored statistics, and do not update them.'
    )
    freeze_entry_flow: bool = _setting(
        False,
        'Do not train the entry flow. A step takes two thirds of the time, and a finder that '
        'shares the entry flow stays valid. Phases half_size and pose.',
    )


@dataclass(frozen=True)
class PosePhase(PhaseSettings):
    """Pose alone, on single images (Appendix B)."""


@dataclass(frozen=True)
class HalfSizePhase(PhaseSettings):
    """Pose alone, on crops of half the side: a quarter of the work. Off by default."""

    epochs: int = _setting(0, 'Epochs; 0 skips the phase.', low=0)


@dataclass(frozen=True)
class ActionPhase(PhaseSettings):
    """Both action branches, on clips, with the pose network frozen (Appendix B)."""

    epochs: int = _setting(60, 'Epochs; 0 skips the phase.', low=0)
    batch_size: int = _setting(2, 'Clips per step over all devices together.', low=1)
    optimizer: str = _setting('sgd', 'Optimiser.', choices=('rmsprop', 'sgd', 'adamw'))
    learning_rate: float | None = _setting(2e-4, 'First learning rate.', low=0)
    momentum: float = _setting(0.98, 'Momentum (Nesterov for sgd).', low=0, high=0.999)
    cache_features: bool = _setting(
        False,
        'Run the frozen pose network once per clip and train the action heads on its outputs. '
        'This is far cheaper, but each clip then always looks the same. Needs `data.clips`.',
    )


@dataclass(frozen=True)
class FinetunePhase(PhaseSettings):
    """The whole network, on clips, at a tenth of the last rate (Appendix B)."""

    epochs: int = _setting(5, 'Epochs; 0 skips the phase.', low=0)
    batch_size: int = _setting(2, 'Clips per step over all devices together.', low=1)
    optimizer: str = _setting('sgd', 'Optimiser.', choices=('rmsprop', 'sgd', 'adamw'))
    momentum: float = _setting(0.98, 'Momentum (Nesterov for sgd).', low=0, high=0.999)
    learning_rate: float | None = _setting(
        None, "First learning rate; null: a tenth of the action phase's last.", low=0
    )
    schedule: str = _setting(
        'constant',
        'As in the other phases.',
        choices=_SCHEDULES,
    )


@dataclass(frozen=True)
class TrainConfig:
    """A run: pose (first at half size, if asked for), action, fine-tuning; one weights file."""

    name: str = _setting('run', 'Name of the run.')
    seed: int = _setting(1, 'Seed of weights, samples and their order.', low=0)
    output: str = _setting('runs/run', 'Folder of checkpoints, logs and the final weights.')
    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = field(default_factory=DataSettings)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    half_size: HalfSizePhase = field(default_factory=HalfSizePhase)
    pose: PosePhase = field(default_factory=PosePhase)
    action: ActionPhase = field(default_factory=ActionPhase)
    finetune: FinetunePhase = field(default_factory=FinetunePhase)


@dataclass(frozen=True)
class FinderData:
    """The pictures for training the finder; all are read once and kept in memory."""

    photographs: dict[str, Any] = field(
        default_factory=dict,
        metadata=_metadata(
            'Sets of photographs by a name of your choice: `name` and `root` as in `data`, the '
            'options of that data set, `most` (largest number of photographs), and `complete: '
            'true` if every person is annotated, even the smallest.'
        ),
    )
    empty: str | None = _setting(None, 'Folder of pictures and panoramas without people.')
    simulated: int = _setting(600, 'Simulated scenes with up to six actors.', low=1)
    val_simulated: int = _setting(60, 'Simulated scenes for validation.', low=1)
    simulated_share: float = _setting(0.2, 'Share of simulated scenes.', low=0, high=1)
    empty_share: float = _setting(0.1, 'Share of pictures without people.', low=0, high=1)
    together: float = _setting(
        0.35, 'Share of samples that combine two or four pictures.', low=0, high=1
    )
    colour: float = _setting(0.3, 'Contrast and brightness vary in 1 ± this.', low=0, high=0.9)
    workers: int = _setting(0, 'Processes that compose samples.', low=0)


@dataclass(frozen=True)
class FinderPhase(PhaseSettings):
    """The finder's only phase."""

    epochs: int = _setting(20, 'Epochs.', low=1)
    steps_per_epoch: int = _setting(100, 'Optimiser steps between two validations.', low=1)
    optimizer: str = _setting('adamw', 'Optimiser.', choices=('rmsprop', 'sgd', 'adamw'))
    learning_rate: float | None = _setting(2e-3, 'First learning rate.', low=0)
    schedule: str = _setting(
        'one_cycle',
        'As in the other phases.',
        choices=('plateau', 'cosine', 'one_cycle', 'constant'),
    )
    ema_decay: float = _setting(
        0.995, 'Average the weights with this decay and keep the average.', low=0, high=0.9999
    )
    freeze_entry_flow: bool = _setting(
        False, 'Do not train the entry flow, which comes from `weights`.'
    )
    unlabelled_weight: float = _setting(
        0.1,
        'Weight of the background for small people in pictures with unannotated people.',
        low=0,
        high=1,
    )
    size_weight: float = _setting(0.5, 'Weight of the size; the offset has half of it.', low=0)


@dataclass(frozen=True)
class FinderTrainConfig:
    """A run of the finder: one phase, one weights file."""

    task: str = _setting('finder', 'The network to train.', choices=('finder',))
    name: str = _setting('finder', 'Name of the run and of the network.')
    seed: int = _setting(1, 'Seed of weights, samples and their order.', low=0)
    output: str = _setting('runs/finder', 'Folder of checkpoints, logs and the final weights.')
    weights: str | None = _setting(
        'people', 'Weights of a pose network, for the initial entry flow.'
    )
    model: dict[str, Any] = field(
        default_factory=dict,
        metadata=_metadata("Fields of the finder's shape that differ from its defaults."),
    )
    data: FinderData = field(default_factory=FinderData)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    finder: FinderPhase = field(default_factory=FinderPhase)
