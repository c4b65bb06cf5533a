"""A picture of each class: some of its films with the detected person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.data.contact_sheet import contact_sheet, save_sheet
from pose_action_ros.geometry import crop_transform, extract_crop, whole_image_box

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pose_action_ros.data.film_folder import FilmFolder, FolderFilm
    from pose_action_ros.teaching.film_features import FilmFeatures

__all__ = ['save_sheets']

_FILMS = 12


def save_sheets(
    folder: FilmFolder, seen: Mapping[str, FilmFeatures], layout: str, output: Path
) -> None:
    """Write OUTPUT/CLASS.jpg for each class: the middle of up to twelve films.

    Args:
        folder: The films.
        seen: Features by name of the film; without a person the whole image is shown.
        layout: Layout of the joints.
        output: A folder.
    """
    skeleton = get_skeleton(layout)
    for action in folder.actions:
        films = [film for film in folder.films if film.action == action and film.name in seen]
        chosen = np.unique(np.linspace(0, len(films) - 1, min(_FILMS, len(films))).astype(int))
        tiles, captions = [], []
        for film in (films[int(at)] for at in chosen):
            view = seen[film.name]
            try:
                tiles.append(_tile(film, view, skeleton.num_joints))
            except DatasetError:
                continue
            captions.append(f'{100 * view.seen:.0f} % {film.path.name}')
        if tiles:
            save_sheet(contact_sheet(tiles, captions, skeleton), output / f'{action}.jpg')


def _tile(film: FolderFilm, view: FilmFeatures, joints: int) -> dict[str, Any]:
    """Crop and joints of the middle frame in which somebody is found."""
    middle = len(view) // 2
    moment_s = view.times_s[middle] if len(view) else view.last_s / 2
    later = (image for time_s, image in film.frames() if time_s >= moment_s - 1e-6)
    image = next(later, None)
    if image is None:
        raise DatasetError(f'{film.path} ends before {moment_s:.2f} s')
    box = whole_image_box(image.shape[1], image.shape[0])
    if len(view):
        box = PersonBox(*(float(value) for value in view.windows[middle]))
    transform = crop_transform(box)
    joints_crop = np.full((joints, 2), np.nan, np.float32)
    if len(view):
        joints_crop = transform.to_crop(view.joints_image[middle])[:, :2].astype(np.float32)
    crop = extract_crop(image, transform).transpose(2, 0, 1)
    return {'crop': torch.from_numpy(crop), 'joints_crop': torch.from_numpy(joints_crop)}
