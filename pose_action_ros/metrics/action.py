"""Accuracy of actions: accuracy, confusion, and clips of one sequence combined.

Source: the protocols of Penn Action and NTU RGB+D as the authors' release evaluates them (branch
cvpr18): one clip per sequence, or the product of the probabilities over many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ['accuracy', 'confusion_matrix', 'multiply_clips']

_SMALLEST = 1e-30  # one clip alone never excludes a class


def accuracy(scores: ArrayLike, labels: ArrayLike) -> float:
    """Share of samples whose best class is the true one.

    Args:
        scores: (N, A); of equal scores the first class is taken.
        labels: (N,) indices of the true classes.

    Returns:
        0 to 1; NaN without samples.

    Raises:
        ConfigError: The shapes do not fit.
    """
    best, labels = np.asarray(scores), np.asarray(labels)
    if best.ndim != 2 or labels.shape != best.shape[:1]:
        raise ConfigError(
            f'found scores {best.shape} and labels {labels.shape}; expected (N, A) and (N,)'
        )
    return float((best.argmax(axis=1) == labels).mean()) if len(labels) else float('nan')


def confusion_matrix(predicted: ArrayLike, labels: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Count the predictions of each class.

    Args:
        predicted: (N,) indices of the predicted classes.
        labels: (N,) indices of the true classes.
        classes: A.

    Returns:
        (A, A) int64: rows are the true class, columns the predicted one.

    Raises:
        ConfigError: The shapes differ, or an index is not a class.
    """
    columns, rows = np.asarray(predicted, np.int64), np.asarray(labels, np.int64)
    if columns.shape != rows.shape or rows.ndim != 1:
        raise ConfigError(
            f'found predictions {columns.shape} and labels {rows.shape}; expected twice (N,)'
        )
    both = np.concatenate([columns, rows])
    if ((both < 0) | (both >= classes)).any():
        raise ConfigError(
            f'found class indices from {both.min()} to {both.max()}; expected 0 to {classes - 1}'
        )
    return np.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


def multiply_clips(scores: ArrayLike, sequences: ArrayLike, count: int) -> NDArray[np.float64]:
    """Combine the clips of each sequence: the product of their probabilities, scaled to sum 1.

    Args:
        scores: (N, A) probabilities, one row per clip.
        sequences: (N,) index of each clip's sequence, 0 to `count` - 1.
        count: S, number of sequences.

    Returns:
        (S, A) float64 probabilities; uniform for a sequence without a clip (its best class is
        then the first, as in the release).

    Raises:
        ConfigError: The shapes do not fit, or an index is not a sequence.
    """
    scores, sequences = np.asarray(scores, np.float64), np.asarray(sequences, np.int64)
    if scores.ndim != 2 or sequences.shape != scores.shape[:1]:
        raise ConfigError(
            f'found scores {scores.shape} and sequences {sequences.shape}; expected (N, A), (N,)'
        )
    if ((sequences < 0) | (sequences >= count)).any():
        raise ConfigError(f'a clip names a sequence outside 0 to {count - 1}')
    total = np.zeros((count, scores.shape[1]))
    np.add.at(total, sequences, np.log(np.maximum(scores, _SMALLEST)))
    product = np.exp(total - total.max(axis=1, keepdims=True))
    return np.asarray(product / product.sum(axis=1, keepdims=True))
