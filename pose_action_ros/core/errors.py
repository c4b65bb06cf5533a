"""The error tree: everything this package raises on purpose derives from `PoseActionError`.

A message gives the found value, the expected one and the remedy. Parts of it come from outside
(a file's content, a library's text), so its length is bounded here, once for all errors.
"""

__all__ = [
    'MAX_MESSAGE',
    'CheckpointError',
    'ConfigError',
    'DatasetError',
    'DeviceError',
    'ImageError',
    'PoseActionError',
    'TrainingError',
    'shortened',
]

MAX_MESSAGE = 2000
"""Largest number of characters of an error message; longer ones lose their middle."""


def shortened(text: str, length: int = MAX_MESSAGE) -> str:
    """Return a text that fits into a log: without its middle if it is long, and printable.

    Args:
        text: Of any length and content.
        length: Characters of the result, at most.
    """
    if len(text) > length:
        mark = f' ... ({len(text)} characters) ... '
        tail = length // 4
        text = text[: length - tail - len(mark)] + mark + text[-tail:]
    return ''.join(c if c.isprintable() or c in '\n\t' else '\ufffd' for c in text)


class PoseActionError(Exception):
    """Any error that this package raises on purpose."""

    def __str__(self) -> str:
        """Return the message, bounded; of an error in a loader process, only the message."""
        text = super().__str__()
        if text.startswith('Caught ') and 'Original Traceback' in text:
            text = text.rpartition(f'{type(self).__name__}: ')[2].strip()
        return shortened(text)


class ConfigError(PoseActionError, ValueError):
    """A setting is unknown, has the wrong type or is out of range."""


class ImageError(PoseActionError, ValueError):
    """An image can't be decoded: unknown encoding, wrong length, zero size."""


class CheckpointError(PoseActionError, ValueError):
    """A weights file is missing, damaged or does not fit the network."""


class DatasetError(PoseActionError, ValueError):
    """A data set's file is missing, damaged or not laid out as documented."""


class DeviceError(PoseActionError, RuntimeError):
    """A device is missing, unsuitable or out of memory."""


class TrainingError(PoseActionError, RuntimeError):
    """A training run can't continue: its loss or its score is not a number."""
