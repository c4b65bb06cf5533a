"""Pictures of results, drawn by matplotlib without a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

__all__ = ['save_confusion_plot']


def save_confusion_plot(
    confusion: ArrayLike, names: Sequence[str], path: Path, title: str = ''
) -> None:
    """Draw a confusion matrix.

    Args:
        confusion: (A, A) counts; rows are the true class.
        names: A class names.
        path: A .png file; its folder is made.
        title: Above the picture.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            'pictures need matplotlib, which is not installed; `pip install matplotlib`'
        ) from error
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(3.0, 0.45 * len(names) + 2.0)
    figure = Figure(figsize=(side, side), layout='constrained')
    axes = figure.add_subplot()
    axes.imshow(shares, cmap='Blues', vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(names)), names, rotation=60, ha='right')
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel='predicted', ylabel='true')
    figure.suptitle(title, fontsize=10)  # centred on the picture: one of the axes may not fit
    for row, column in np.argwhere(counts):
        colour = 'white' if shares[row, column] > 0.5 else 'black'
        text = str(counts[row, column])
        axes.text(column, row, text, ha='center', va='center', color=colour, fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(str(path))
