"""Results of a network's first start, kept for later starts in the user's cache folder.

The key of an entry is made of the weights, the code that runs them, the library and the machine. A
failure is harmless: the work is then done again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

import pose_action_ros.models
from pose_action_ros.core.paths import written_whole

if TYPE_CHECKING:
    from pose_action_ros.models import MultitaskNet

__all__ = ['MAX_BYTES', 'StartCache']

MAX_BYTES = 1 << 30
"""Largest size of all entries together; the least recently used ones are deleted."""

_CODE = (
    'accuracy_gate.py',
    'accuracy_gate_pictures.jpg',
    'tensor_graphs.py',
    'openvino_network.py',
)
_DIGEST = hashlib.sha256().digest_size
_log = logging.getLogger(__name__)


class StartCache:
    """The entry of one network on one machine.

    Args:
        net: The network.
        facts: All other facts that determine the content: versions, the CPU, options.
    """

    def __init__(self, net: MultitaskNet, *facts: str) -> None:
        self._folder: Path | None = None
        try:
            self._folder = _root() / _key(net, facts)
            if self._folder.is_dir():
                os.utime(self._folder)
        except (OSError, RuntimeError) as error:  # no home folder, or it can't be read
            self._give_up(error)

    def read(self, name: str) -> bytes | None:
        """Return the content kept under a name; None if there is none, or it is damaged."""
        if self._folder is None:
            return None
        try:
            stored = (self._folder / name).read_bytes()
        except OSError:
            return None
        content = stored[_DIGEST:]
        if hashlib.sha256(content).digest() != stored[:_DIGEST]:
            _log.info('%s is damaged and is written again', self._folder / name)
            return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Keep bytes under a name. A reader never gets a part of them."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with written_whole(self._folder / name) as unfinished:
                unfinished.write_bytes(hashlib.sha256(content).digest() + content)
            _delete_oldest(self._folder)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        _log.info('no cache, so the next start will be as slow as this one (%s)', error)
        self._folder = None


def _root() -> Path:
    return platformdirs.user_cache_path('pose_action_ros') / 'starts'


def _key(net: MultitaskNet, facts: tuple[str, ...]) -> str:
    found = hashlib.sha256(repr((net.config, facts)).encode())
    here = Path(__file__).parent
    models = sorted(Path(pose_action_ros.models.__file__).parent.glob('*.py'))
    for path in (*(here / name for name in _CODE), *models):
        found.update(path.read_bytes())
    for name, value in net.state_dict().items():
        found.update(f'{name} {tuple(value.shape)} {value.dtype}'.encode())
        found.update(memoryview(value.detach().cpu().contiguous().numpy()).cast('B'))
    return found.hexdigest()[:32]


def _delete_oldest(keep: Path) -> None:
    """Delete whole entries, the least recently used first, until the rest fits."""
    entries = sorted(keep.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for entry in [keep, *(entry for entry in entries if entry != keep)]:
        total += sum(file.stat().st_size for file in entry.iterdir())
        if total > MAX_BYTES and entry != keep:
            shutil.rmtree(entry, ignore_errors=True)
