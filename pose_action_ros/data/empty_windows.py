"""Windows of photographs without people, which teach the confidence that nobody is there.

Owns: `EmptyWindows`, windows beside all annotated people; and `read_candidates`, places beside
them that a finder takes for people. Such places are harder than drawn ones.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.data.augment import Variation
from pose_action_ros.data.files import read_picture
from pose_action_ros.data.photographs import image_key, read_json
from pose_action_ros.data.recorded import Track, as_pose_sample, cut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pose_action_ros.data.augment import Framing
    from pose_action_ros.data.photographs import Photographs
    from pose_action_ros.data.sample import PoseSample

    Array = NDArray[np.float64]

__all__ = ['EmptyWindows', 'is_free', 'read_candidates', 'write_candidates']

_TRIES = 40
_CANDIDATES = 0.6  # share of windows at candidates, in photographs that have some
_SHIFT, _SCALE = 0.15, 1.3  # variation of a candidate's window


class EmptyWindows:
    """Windows of a library's photographs without people: visibility 0, joints NaN.

    Args:
        library: The photographs; every person in them must be annotated with corners.
        framing: Draws the rotation of a training window.
        candidates: Places that resemble people, by photograph, from `read_candidates`.
    """

    def __init__(
        self,
        library: Photographs,
        framing: Framing | None = None,
        candidates: Mapping[str, Sequence[PersonBox]] | None = None,
    ) -> None:
        self.library = library
        self._framing = framing
        corners: dict[Path, list[Array]] = {}
        places: dict[Path, Sequence[PersonBox]] = {}
        for person in library.everybody:
            corners.setdefault(person.image, []).append(person.corners_px)
            places[person.image] = (candidates or {}).get(image_key(person.title), ())
        self._photographs = [(p, np.array(corners[p]), places[p]) for p in sorted(corners)]

    def __len__(self) -> int:
        return len(self._photographs)

    def __getitem__(self, index: int) -> PoseSample:
        """Return the window of photograph `index`, which depends on the number alone.

        Raises:
            DatasetError: The file is missing or damaged.
        """
        return self.varied(index, np.random.default_rng(index))

    def varied(self, index: int, rng: np.random.Generator) -> PoseSample:
        """Return a drawn window of photograph `index`; raises as above."""
        path, corners, places = self._photographs[index]
        image = read_picture(path)
        angle = 0.0 if self._framing is None else self._framing.draw(rng).angle_deg
        box = None
        if len(places) and rng.random() < _CANDIDATES:
            box = _near(places[rng.integers(len(places))], corners, angle, rng)
        if box is None:
            box = _free_window(image.shape[:2], corners, angle, rng)
        joints = self.library.skeleton.num_joints
        nowhere = np.full((1, joints, 3), np.nan)
        track = Track(nowhere[..., :2], nowhere[..., 0], box, nowhere)
        fields = cut(track, [image], self.library.skeleton, Variation(angle_deg=angle))
        fields['visibility'].zero_()
        return as_pose_sample(fields)


def read_candidates(path: Path) -> dict[str, list[PersonBox]]:
    """Return the places in photographs that a finder takes for people.

    Args:
        path: From `write_candidates`.

    Returns:
        Windows by `image_key`, in pixels.

    Raises:
        DatasetError: The file is missing or laid out otherwise.
    """
    try:
        values: dict[str, Any] = read_json(path)
        return {
            image_key(name): [_box(*numbers) for numbers in boxes]
            for name, boxes in values['candidates'].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f'{path} cannot be read ({error!r}); expected the JSON file that '
            '`pose-action data candidates` writes'
        ) from error


def write_candidates(path: Path, candidates: Mapping[str, Sequence[PersonBox]]) -> None:
    """Write places as JSON: `candidates`, with lists of centre x, centre y, side by photograph.

    Args:
        path: The file; its folder is created.
        candidates: Windows in pixels, by name of the photograph.
    """
    rows = {
        name: [[round(v, 1) for v in (box.center_x, box.center_y, box.size)] for box in boxes]
        for name, boxes in candidates.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({'candidates': rows}) + '\n', encoding='utf-8')


def is_free(box: PersonBox, corners_px: Array, angle_deg: float = 0.0) -> bool:
    """Whether a window lies beside all persons.

    Args:
        box: The window.
        corners_px: (N, 4) x1, y1, x2, y2 of the persons; with NaN no window is free.
        angle_deg: Rotation of the window.
    """
    turned = np.abs([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))]).sum()
    reach = turned * box.size / 2.0
    apart = (
        (corners_px[:, 0] > box.center_x + reach)
        | (corners_px[:, 2] < box.center_x - reach)
        | (corners_px[:, 1] > box.center_y + reach)
        | (corners_px[:, 3] < box.center_y - reach)
    )
    return bool(apart.all())


def _box(x: float, y: float, size: float) -> PersonBox:
    if not (np.isfinite([x, y, size]).all() and size > 0.0):
        raise ValueError(f'{[x, y, size]} is no window')
    return PersonBox(float(x), float(y), float(size))


def _near(
    place: PersonBox, corners: Array, angle_deg: float, rng: np.random.Generator
) -> PersonBox | None:
    """A window at a place, moved and scaled a little; None if a person is too near."""
    shift_x, shift_y = rng.uniform(-_SHIFT, _SHIFT, 2) * place.size
    size = place.size * float(np.exp(rng.uniform(-1.0, 1.0) * np.log(_SCALE)))
    varied = PersonBox(float(place.center_x + shift_x), float(place.center_y + shift_y), size)
    return next((box for box in (varied, place) if is_free(box, corners, angle_deg)), None)


def _free_window(
    shape: tuple[int, ...], corners: Array, angle_deg: float, rng: np.random.Generator
) -> PersonBox:
    """A window beside all persons, even if it is turned; outside the picture if no place is free.

    No place is free if a person's corners are unknown.
    """
    height, width = shape
    side = min(height, width)
    size = 0.12 * side
    for attempt in range(_TRIES if np.isfinite(corners).all() else 0):
        largest = side * (1.0 - 0.8 * attempt / _TRIES)
        size = float(np.exp(rng.uniform(np.log(0.12 * side), np.log(largest))))
        x, y = (float(rng.uniform(0.4 * size, limit - 0.4 * size)) for limit in (width, height))
        box = PersonBox(x, y, size)
        if is_free(box, corners, angle_deg):
            return box
    return PersonBox(-2.0 * size, -2.0 * size, size)
