"""Names of the weights that come with the package, and the choice of a network."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['DEMO_WEIGHTS', 'FINDER_WEIGHTS', 'SHIPPED_WEIGHTS', 'UNTRAINED', 'NetworkChoice']

SHIPPED_WEIGHTS = 'people'
"""The default: real people, and simulated actors less exactly than `DEMO_WEIGHTS`."""

DEMO_WEIGHTS = 'demo'
"""Trained on simulated actors alone."""

FINDER_WEIGHTS = 'finder'
"""Those of the finder, which finds candidates for people in a whole image."""


UNTRAINED = 'untrained:'
"""Prefix of a preset's name: that network with random weights, for a trial."""


@dataclass(frozen=True)
class NetworkChoice:
    """The networks of a stream, and the place where they run.

    Attributes:
        weights: Weights of the pose network.
        finder: Weights of the finder; empty: one person.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        threads: CPU threads; 0 for all cores.
    """

    weights: str = SHIPPED_WEIGHTS
    finder: str = ''
    device: str = 'auto'
    threads: int = 0
