"""Joint layouts: names, links, flips and conversions between layouts.

Owns every index table of the package. Source: the authors' released code (branch cvpr18),
`deephar/utils/pose.py`; the layouts are "alternated" as in Penn Action: right before left.

Caution: in the NTU table the joints that the Kinect calls *left* land in our *right* slots,
because the released NTU weights were trained so. See docs/data.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ['COCO17J', 'PA16J', 'PA17J', 'PA20J', 'PA21J', 'SKELETONS', 'Skeleton', 'get_skeleton']


@dataclass(frozen=True)
class Skeleton:
    """A joint layout.

    Attributes:
        name: Stable name, as in weights and messages.
        joint_names: J names, in order.
        links: Pairs of joint indices that are bones, as in the authors' table.
        root: Index of the root joint (pelvis) that 3D poses are relative to; None if the layout
            has none.
        maps_from: J indices by source layout; entry i is the source's index of joint i.
        maps_to: Indices by target layout; entry m is this layout's index of the target's joint m.
    """

    name: str
    joint_names: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    root: int | None = 0
    maps_from: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    maps_to: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def num_joints(self) -> int:
        """J, the number of joints."""
        return len(self.joint_names)

    @property
    def drawn_links(self) -> tuple[tuple[int, int], ...]:
        """The links, and those that join the limbs to the trunk where the layout has both ends."""
        index = {name: i for i, name in enumerate(self.joint_names)}
        joined = tuple((index[a], index[b]) for a, b in _GIRDLES if a in index and b in index)
        return self.links + joined

    @property
    def flip(self) -> tuple[int, ...]:
        """J indices that undo a horizontal mirror: right and left joints swapped."""
        index = {name: i for i, name in enumerate(self.joint_names)}
        return tuple(index[_other_side(name)] for name in self.joint_names)

    def index(self, joint_name: str) -> int:
        """Return the index of a joint by name.

        Raises:
            ConfigError: The layout has no such joint.
        """
        try:
            return self.joint_names.index(joint_name)
        except ValueError:
            raise ConfigError(
                f'layout {self.name} has no joint {joint_name!r}; it has '
                f'{", ".join(self.joint_names)}'
            ) from None

    def convert_from(self, source: str, joints: NDArray[np.floating]) -> NDArray[np.floating]:
        """Reorder joints of another layout into this one.

        Args:
            source: Name of the source layout, a key of `maps_from`.
            joints: (..., J_source, D).

        Returns:
            (..., J, D) in this layout's order.

        Raises:
            ConfigError: There is no table for that source.
        """
        return joints[..., list(_lookup(self, 'from', source, self.maps_from)), :]

    def convert_to(self, target: str, joints: NDArray[np.floating]) -> NDArray[np.floating]:
        """Reorder joints of this layout into another one.

        Args:
            target: Name of the target layout, a key of `maps_to`.
            joints: (..., J, D) in this layout's order.

        Returns:
            (..., J_target, D) in the target's order.

        Raises:
            ConfigError: There is no table for that target.
        """
        return joints[..., list(_lookup(self, 'to', target, self.maps_to)), :]


def get_skeleton(name: str) -> Skeleton:
    """Return the layout of that name (`pa16j`, `pa17j`, `pa20j`, `pa21j`, `coco17j`).

    Raises:
        ConfigError: There is no such layout.
    """
    try:
        return SKELETONS[name]
    except KeyError:
        raise ConfigError(
            f'unknown joint layout {name!r}; known are {", ".join(SKELETONS)}'
        ) from None


def _lookup(
    skeleton: Skeleton, way: str, other: str, maps: Mapping[str, tuple[int, ...]]
) -> tuple[int, ...]:
    if other not in maps:
        raise ConfigError(
            f'layout {skeleton.name} has no table {way} {other!r}; '
            f'it has {", ".join(maps) or "none"}'
        )
    return maps[other]


def _other_side(joint_name: str) -> str:
    if joint_name.startswith('right_'):
        return joint_name.replace('right_', 'left_', 1)
    return (
        joint_name.replace('left_', 'right_', 1) if joint_name.startswith('left_') else joint_name
    )


def _sides(*parts: str) -> tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in parts for side in ('right', 'left'))


_GIRDLES = tuple(
    (trunk, f'{side}_{end}')
    for trunk, end in (('thorax', 'shoulder'), ('pelvis', 'hip'))
    for side in ('right', 'left')
)
_TORSO = ('pelvis', 'thorax', 'neck', 'head')
_TORSO_LINKS = ((0, 1), (1, 2), (2, 3))

_LIMB_LINKS_16 = ((4, 6), (6, 8), (5, 7), (7, 9), (10, 12), (12, 14), (11, 13), (13, 15))
_LIMB_LINKS_20 = (
    *((4, 6), (6, 8), (8, 10), (5, 7), (7, 9), (9, 11)),
    *((12, 14), (14, 16), (16, 18), (13, 15), (15, 17), (17, 19)),
)
_NTU16 = (0, 20, 2, 3, 4, 8, 5, 9, 6, 10, 12, 16, 13, 17, 14, 18)
_NTU20 = (0, 20, 2, 3, 4, 8, 5, 9, 6, 10, 7, 11, 12, 16, 13, 17, 14, 18, 15, 19)
_H36M20 = (0, 12, 13, 15, 25, 17, 26, 18, 27, 19, 30, 22, 1, 6, 2, 7, 3, 8, 4, 9)
_MPII_OF_16 = (14, 12, 10, 11, 13, 15, 0, 1, 2, 3, 8, 6, 4, 5, 7, 9)
_MPII_OF_20 = (16, 14, 12, 13, 15, 17, 0, 1, 2, 3, 8, 6, 4, 5, 7, 9)
_PA16_OF_20 = (*range(10), *range(12, 18))

PA16J = Skeleton(
    name='pa16j',
    joint_names=(*_TORSO, *_sides('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')),
    links=(*_TORSO_LINKS, *_LIMB_LINKS_16),
    maps_from={'mpii': (6, 7, 8, 9, 12, 13, 11, 14, 10, 15, 2, 3, 1, 4, 0, 5), 'ntu': _NTU16},
    maps_to={
        'mpii': _MPII_OF_16,
        'penn_action': tuple(range(3, 16)),
        'lsp': (14, 12, 10, 11, 13, 15, 8, 6, 4, 5, 7, 9, 2, 3),
        'jhmdb': (2, 1, 3, 4, 5, 10, 11, 6, 7, 12, 13, 8, 9, 14, 15),
    },
)

PA17J = Skeleton(
    name='pa17j',
    joint_names=(*PA16J.joint_names, 'spine'),
    links=(*((0, 16), (16, 1), (1, 2), (2, 3)), *_LIMB_LINKS_16),
    maps_from={
        'h36m': (0, 12, 13, 15, 25, 17, 26, 18, 27, 19, 1, 6, 2, 7, 3, 8, 11),
        'mpi_inf_3dhp': (4, 5, 6, 7, 14, 9, 15, 10, 16, 11, 23, 18, 24, 19, 25, 20, 3),
        'mpi_inf_3dhp_test': (14, 1, 16, 0, 2, 5, 3, 6, 4, 7, 8, 11, 9, 12, 10, 13, 15),
        'ntu': (*_NTU16, 1),
    },
    maps_to={
        'mpii': _MPII_OF_16,
        'penn_action': tuple(range(3, 16)),
        'pa16j': tuple(range(16)),
    },
)

PA20J = Skeleton(
    name='pa20j',
    joint_names=(
        *_TORSO,
        *_sides('shoulder', 'elbow', 'wrist', 'hand', 'hip', 'knee', 'ankle', 'foot'),
    ),
    links=(*_TORSO_LINKS, *_LIMB_LINKS_20),
    maps_from={'h36m': _H36M20, 'ntu': _NTU20},
    maps_to={
        'mpii': _MPII_OF_20,
        'penn_action': (*range(3, 10), *range(12, 18)),
        'pa16j': _PA16_OF_20,
    },
)

PA21J = Skeleton(
    name='pa21j',
    joint_names=(*PA20J.joint_names, 'spine'),
    links=(*((0, 20), (20, 1), (1, 2), (2, 3)), *_LIMB_LINKS_20),
    maps_from={'h36m': (*_H36M20, 11), 'ntu': (*_NTU20, 1)},
    maps_to={
        'mpii': _MPII_OF_20,
        'penn_action': (*range(3, 10), *range(12, 18)),
        'pa16j': _PA16_OF_20,
        'pa17j': (*_PA16_OF_20, 20),
    },
)

COCO17J = Skeleton(
    name='coco17j',
    joint_names=(
        'nose',
        *('left_eye', 'right_eye', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder'),
        *('left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip'),
        *('left_knee', 'right_knee', 'left_ankle', 'right_ankle'),
    ),
    links=(
        *((13, 15), (13, 11), (14, 16), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (7, 5)),
        *((8, 6), (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (3, 1), (4, 2), (3, 5), (4, 6)),
    ),
    root=None,
)

SKELETONS: Mapping[str, Skeleton] = MappingProxyType(
    {skeleton.name: skeleton for skeleton in (PA16J, PA17J, PA20J, PA21J, COCO17J)}
)
