"""A recorded data set whose classes have the names of a network's actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pose_action_ros.data.recorded import Library, Track

__all__ = ['RenamedLibrary', 'class_numbers']


def class_numbers(
    names: Sequence[str], actions: Sequence[str], classes: Mapping[str, str], rest: str | None
) -> list[int]:
    """Return the number of the network's action for each class of a data set; -1 for none.

    Args:
        names: The data set's classes.
        actions: The network's.
        classes: Which class is which action; others keep their name.
        rest: The action of all others; None for none.

    Raises:
        ConfigError: A class or an action does not exist.
    """
    unknown = [c for c in classes if c not in names]
    wrong = [a for a in (*classes.values(), *([rest] if rest else [])) if a not in actions]
    if unknown or wrong:
        raise ConfigError(
            f'unknown classes {unknown} or actions {wrong}; the data set has {", ".join(names)}, '
            f'the network {", ".join(actions)}'
        )
    renamed = [classes.get(name, name) for name in names]
    others = -1 if rest is None else list(actions).index(rest)
    return [list(actions).index(name) if name in actions else others for name in renamed]


class RenamedLibrary:
    """The recordings of those classes that are actions of a network; see `data.recorded.Library`.

    Args:
        library: The data set.
        actions: The network's actions.
        classes: Which class is which action; others keep their name.
        rest: The action of all other classes; None skips them.

    Raises:
        ConfigError: A class or an action does not exist, or no recording is left.
    """

    def __init__(
        self,
        library: Library,
        actions: tuple[str, ...],
        classes: Mapping[str, str],
        rest: str | None = None,
    ) -> None:
        self._library = library
        self._numbers = class_numbers(library.actions, actions, classes, rest)
        self._kept = [i for i in range(len(library)) if self._numbers[library.action(i)] >= 0]
        if not self._kept:
            raise ConfigError(
                f'no recording of {library.name} shows an action of the network; map by `classes` '
                f'some of {", ".join(library.actions)} to {", ".join(actions)}'
            )
        self.name = library.name
        self.skeleton = library.skeleton
        self.actions = actions
        self.stride = library.stride
        self.every = library.every
        self.skipped = library.skipped

    def __len__(self) -> int:
        return len(self._kept)

    def title(self, index: int) -> str:
        """Return the data set's own name of a recording."""
        return self._library.title(self._kept[index])

    def length(self, index: int) -> int:
        """Return its number of frames."""
        return self._library.length(self._kept[index])

    def action(self, index: int) -> int:
        """Return the number of the network's action."""
        return self._numbers[self._library.action(self._kept[index])]

    def track(self, index: int, frames: Sequence[int]) -> Track:
        """Return its person in these frames."""
        return self._library.track(self._kept[index], frames)

    def images(self, index: int, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return these frames."""
        return self._library.images(self._kept[index], frames)
