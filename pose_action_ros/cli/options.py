"""Options that several verbs have, with one name and one text each."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ['Device', 'Weights']

Weights = Annotated[
    str,
    typer.Option(
        help='people, demo, a fetched preset, a .safetensors file, or untrained:PRESET for random '
        'weights.'
    ),
]
Device = Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')]
