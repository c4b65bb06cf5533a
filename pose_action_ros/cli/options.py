"""Options that several verbs have, with one name and one text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ['Device', 'Sheet', 'Weights', 'picture']


def picture(path: Path | None) -> Path | None:
    """Return a path to which a picture can be written.

    Raises:
        typer.BadParameter: Its ending is not that of a picture.
    """
    if path is not None:
        import cv2

        if not path.suffix.isascii() or not cv2.haveImageWriter(f'sheet{path.suffix}'):
            raise typer.BadParameter(f'{path} is not the name of a picture, such as sheet.png')
    return path


Sheet = Annotated[
    Path | None,
    typer.Option(
        help='Picture to write: 24 samples with their predicted poses.', callback=picture
    ),
]

Weights = Annotated[
    str,
    typer.Option(
        help='people, demo, a fetched preset, a .safetensors file, or untrained:PRESET for random '
        'weights.'
    ),
]
Device = Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')]
