"""Training samples of the finder: canvases of scenes, and the target maps.

Owns: `SceneStore`, which keeps all scenes of a run in memory; `FinderSamples`, endless training
canvases and a fixed validation set; `finder_targets`, which draws the maps of a canvas.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.mixing import ENDLESS
from pose_action_ros.data.opening import open_library
from pose_action_ros.data.photographs import image_key
from pose_action_ros.data.scenes import (
    PeopleScene,
    compose,
    empty_scenes,
    photograph_scenes,
    simulated_scenes,
)
from pose_action_ros.models.finder import CELL_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.models.finder import FinderConfig
    from pose_action_ros.training.config import FinderData

    Array = NDArray[np.float32]

__all__ = ['MOST_PEOPLE', 'FinderSamples', 'SceneStore', 'finder_targets']

MOST_PEOPLE = 64
"""Rows of `corners` in a sample; unused rows are NaN."""

_BETWEEN = 1.3  # people within this factor of the limit count as small and as large
_SPREAD = 0.11  # standard deviation of a person's spot over their size
_LEAST_SPREAD = 0.7  # cells
_NEAR = 0.6  # cells above this share of the spot's peak have a target for the size
_GREY = 0.1
_VAL_SHARE = 9  # ratio of training to validation photographs of a set
_FOUR = 0.4  # share of canvases with four pictures, among those with several


@dataclass(frozen=True)
class SceneStore:
    """Scenes by kind.

    Attributes:
        photographs: Photographs of people.
        simulated: Rendered scenes of several actors.
        empty: Pictures without people; may be none.
    """

    photographs: tuple[PeopleScene, ...]
    simulated: tuple[PeopleScene, ...]
    empty: tuple[PeopleScene, ...]

    @classmethod
    def load(cls, data: FinderData) -> tuple[SceneStore, SceneStore]:
        """Read all pictures; return the training and the validation scenes.

        A photograph in several sets is taken from the set that annotates everybody. A validation
        photograph of any set is excluded from the training scenes of all sets.

        Raises:
            ConfigError: A set has an unknown option.
            DatasetError: A file is missing or damaged.
        """
        train: dict[str, PeopleScene] = {}
        val: dict[str, PeopleScene] = {}
        for options in data.photographs.values():
            train |= {k: s for k, s in _photographs(options, 'train') if _is_better(s, train, k)}
            val |= {k: s for k, s in _photographs(options, 'val') if _is_better(s, val, k)}
        backdrops, nobody = [], []
        if data.empty:
            backdrops = [p for p in visible_files(Path(data.empty), '**/*') if p.is_file()]
            nobody = empty_scenes(Path(data.empty))
        return (
            cls(
                tuple(scene for key, scene in train.items() if key not in val),
                tuple(simulated_scenes(0, data.simulated, backdrops)),
                tuple(nobody),
            ),
            cls(tuple(val.values()), tuple(simulated_scenes(1, data.val_simulated)), ()),
        )


class FinderSamples:
    """Canvases with their maps; `samples[i]` depends on the scenes, the seed and i alone.

    Args:
        store: The scenes.
        config: Shape of the finder: size of the canvas, limit of small people.
        data: Shares and variation.
        seed: Seed of training canvases; None: validation, with each scene once and unvaried.
        unlabelled_weight: See `FinderPhase`.
    """

    def __init__(
        self,
        store: SceneStore,
        config: FinderConfig,
        data: FinderData,
        *,
        seed: int | None,
        unlabelled_weight: float,
    ) -> None:
        self._store, self._config, self._data = store, config, data
        self._seed, self._unlabelled_weight = seed, unlabelled_weight
        self._fixed = (*store.photographs, *store.simulated, *store.empty)

    def __len__(self) -> int:
        return len(self._fixed) if self._seed is None else ENDLESS

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """Return image (3, H, W) uint8, its maps as in `finder_targets`, and corners."""
        size = (self._config.long_px, self._config.short_px)
        if self._seed is None:
            canvas = compose([self._fixed[index]], size, None)
        else:
            rng = np.random.default_rng([self._seed, 0x46494E44, index])
            canvas = compose(self._drawn(rng), size, rng)
            canvas.image[:] = _coloured(canvas.image, self._data.colour, rng)
        maps = finder_targets(canvas, self._config.small_px, self._unlabelled_weight)
        corners = np.full((MOST_PEOPLE, 4), np.nan, np.float32)
        people = canvas.corners_px[canvas.sure][:MOST_PEOPLE]
        corners[: len(people)] = people
        image = np.ascontiguousarray(canvas.image.transpose(2, 0, 1))
        return {
            'image': torch.from_numpy(image),
            'corners': torch.from_numpy(corners),
            **{name: torch.from_numpy(value) for name, value in maps.items()},
        }

    def _drawn(self, rng: np.random.Generator) -> list[PeopleScene]:
        count = 1
        if rng.random() < self._data.together:
            count = 4 if rng.random() < _FOUR else 2
        return [self._one(rng) for _ in range(count)]

    def _one(self, rng: np.random.Generator) -> PeopleScene:
        data, store, kind = self._data, self._store, rng.random()
        scenes = store.photographs or store.simulated
        if store.empty and kind < data.empty_share:
            scenes = store.empty
        elif kind < data.empty_share + data.simulated_share:
            scenes = store.simulated
        return scenes[rng.integers(len(scenes))]


def finder_targets(
    canvas: PeopleScene, small_px: float, unlabelled_weight: float
) -> dict[str, Array]:
    """Return the maps of a canvas, of (H / 8, W / 8) cells.

    Args:
        canvas: The picture; `complete` is (H, W).
        small_px: Limit of small people.
        unlabelled_weight: Weight of the background for small people outside `complete`.

    Returns:
        heat (2, h, w), for small and for large people, with a peak of 1 at each centre;
        heat_weight (2, h, w); offset (2, h, w), valid where middle (1, h, w) is 1;
        log_size (1, h, w), valid where near (1, h, w) is 1.
    """
    complete = canvas.complete[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX]
    h, w = complete.shape
    heat, weight = np.zeros((2, h, w), np.float32), np.ones((2, h, w), np.float32)
    weight[0][~complete] = unlabelled_weight
    offset, log_size = np.zeros((2, h, w), np.float32), np.zeros((1, h, w), np.float32)
    middle, best = np.zeros((1, h, w), np.float32), np.zeros((h, w), np.float32)
    rows, columns = np.mgrid[:h, :w].astype(np.float32) + 0.5
    for corners, sure in zip(canvas.corners_px / CELL_PX, canvas.sure, strict=True):
        x, y = (corners[:2] + corners[2:]) / 2.0
        size = max(float((corners[2:] - corners[:2]).max()), 0.1)
        if not sure:
            weight[:, _cells(corners, (h, w))] = 0.0
            continue
        column, row = min(int(x), w - 1), min(int(y), h - 1)
        spread = max(_LEAST_SPREAD, _SPREAD * size)
        away = (columns - column - 0.5) ** 2 + (rows - row - 0.5) ** 2
        spot = np.exp(-away / (2.0 * spread**2))
        kinds = [size * CELL_PX < small_px * _BETWEEN, size * CELL_PX * _BETWEEN >= small_px]
        heat[kinds] = np.maximum(heat[kinds], spot)
        weight[np.array(kinds)[:, None, None] & (spot > np.exp(-4.0))] = 1.0
        mine = (spot > _NEAR) & (spot > best)
        best[mine] = spot[mine]
        log_size[0][mine] = np.log(size)
        offset[:, row, column], middle[0, row, column] = (x - column, y - row), 1.0
    near = (best > 0.0).astype(np.float32)[None]
    return {
        'heat': heat, 'heat_weight': weight, 'offset': np.clip(offset, 0.0, 1.0),
        'middle': middle, 'log_size': log_size, 'near': near,
    }  # fmt: skip


def _cells(corners: Array, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w) mask of the cells of a box, including its border."""
    x0, y0 = np.floor(corners[:2]).astype(int) - 1
    x1, y1 = np.ceil(corners[2:]).astype(int) + 1
    mask = np.zeros(shape, bool)
    mask[max(y0, 0) : y1, max(x0, 0) : x1] = True
    return mask


def _photographs(options: dict[str, Any], split: str) -> list[tuple[str, PeopleScene]]:
    options = dict(options)
    try:
        name, root = options.pop('name'), options.pop('root')
    except KeyError as error:
        raise ConfigError(f'data.photographs: {options} has no {error}') from error
    complete, most = bool(options.pop('complete', False)), options.pop('most', None)
    library: Any = open_library(name, root, split, get_skeleton('pa17j'), **options)
    scenes = photograph_scenes(library, complete=complete)
    keyed = ((f'{library.name}'.replace('yolo_pose', 'coco') + image_key(t), s) for t, s in scenes)
    if most and split == 'val':
        most = max(1, most // _VAL_SHARE)
    return list(islice(keyed, most))


def _is_better(scene: PeopleScene, others: dict[str, PeopleScene], key: str) -> bool:
    return key not in others or bool(scene.complete.all())


def _coloured(image: NDArray[np.uint8], amount: float, rng: np.random.Generator) -> NDArray[Any]:
    """Vary contrast, brightness and colours; one image in ten is grey."""
    gain = 1.0 + rng.uniform(-amount, amount) + rng.uniform(-0.1, 0.1, 3) * (amount > 0.0)
    shift = 127.0 * rng.uniform(-amount, amount)
    table = np.arange(256)[:, None] * gain + 127.0 * (1.0 - gain) + shift
    table = np.clip(table, 0.0, 255.0).astype(np.uint8)
    if rng.random() < _GREY and amount > 0.0:
        image = np.repeat(image.mean(-1, keepdims=True).astype(np.uint8), 3, -1)
    return table[image, np.arange(3)]
