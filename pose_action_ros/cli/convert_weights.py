"""`pose-action convert-weights`: converts the authors' released weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pose_action_ros.core.console import RESULTS
from pose_action_ros.core.errors import CheckpointError
from pose_action_ros.core.spelling import did_you_mean

__all__ = ['RELEASED', 'convert', 'convert_weights', 'released']

RELEASED = ('mpii', 'h36m', 'penn_action', 'ntu')
"""The networks whose weights the authors have released."""


def released(preset: str) -> str:
    """Return a preset, if the authors have released its weights.

    Raises:
        typer.BadParameter: They have not.
    """
    if preset not in RELEASED:
        advice = did_you_mean(preset, RELEASED)
        raise typer.BadParameter(f'{preset!r} is not one of {", ".join(RELEASED)}{advice}')
    return preset


def convert_weights(
    preset: Annotated[
        str,
        typer.Argument(
            metavar='PRESET',
            help=f'The network in the file IN: {", ".join(RELEASED)}.',
            callback=released,
        ),
    ],
    source: Annotated[Path, typer.Argument(metavar='IN', help='Keras weights, .h5.')],
    target: Annotated[
        Path, typer.Argument(metavar='OUT', help='File to write; its name ends in .safetensors.')
    ],
    blocks: Annotated[
        int | None, typer.Option(help="Number of blocks, if it differs from the preset's.", min=1)
    ] = None,
) -> None:
    """Convert a weights file of the authors; an array that does not fit is an error."""
    numbers = convert(source, target, preset, blocks=blocks)
    RESULTS.print(f'{target}: {preset}, {numbers:,} numbers', soft_wrap=True)


def convert(
    source: Path,
    target: Path,
    preset: str,
    *,
    blocks: int | None = None,
    provenance: dict[str, str] | None = None,
) -> int:
    """Convert a file.

    Args:
        source: HDF5 file as Keras 2's `save_weights` writes it.
        target: File to write, ends in .safetensors; its folder exists.
        preset: Name of the network in `source`.
        blocks: K, if it differs from the preset's.
        provenance: Origin of the weights; written into the file's metadata.

    Returns:
        Numbers in the file.

    Raises:
        CheckpointError: `source` does not hold that network, or `target` can't be written.
    """
    from pose_action_ros.models import ModelConfig, save_model
    from pose_action_ros.models.keras_weights import convert_keras_weights

    if target.suffix != '.safetensors' or not target.parent.is_dir():
        raise CheckpointError(
            f'cannot write {target}; give a name that ends in .safetensors, in an existing folder'
        )
    config = ModelConfig.preset(preset, **({} if blocks is None else {'blocks': blocks}))
    net, origin = convert_keras_weights(source, config)
    save_model(net, target, {**origin, **(provenance or {})})
    return sum(value.numel() for value in net.state_dict().values())
