"""The error tree: everything this package raises on purpose derives from `PoseActionError`.

A message says what was found, what was expected and what to do.
"""

__all__ = [
    'CheckpointError',
    'ConfigError',
    'DatasetError',
    'DeviceError',
    'ImageError',
    'PoseActionError',
]


class PoseActionError(Exception):
    """Any error that this package raises on purpose."""


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
