"""Human3.6M's files: the authors' annotations, or official poses, cameras and videos.

Sources: the authors' release (branch cvpr18) for its file; the official `metadata.xml`, whose
numbers `w0` hold 6 extrinsics for each of 4 x 11 cameras and subjects, then 9 intrinsics per
camera, as Martinez et al. (ICCV 2017) document them.
"""

from __future__ import annotations

import importlib
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.core.paths import visible_files
from pose_action_ros.data.files import matlab_items, read_mat, read_picture, read_video
from pose_action_ros.geometry.human36m_camera import Human36mCamera

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    'H36M_ACTIONS',
    'H36M_CAMERAS',
    'Human36mSequence',
    'official_sequences',
    'read_cameras',
    'released_sequences',
]

H36M_ACTIONS = (
    *('Directions', 'Discussion', 'Eating', 'Greeting', 'Phoning', 'Posing', 'Purchases'),
    *('Sitting', 'SittingDown', 'Smoking', 'Photo', 'Waiting', 'Walking', 'WalkDog'),
    'WalkTogether',
)
"""In the order of the paper's Table 1, which is that of the data set's numbers 2 to 16."""

H36M_CAMERAS = ('54138969', '55011271', '58860488', '60457274')

_OTHER_NAMES = {'TakingPhoto': 'Photo', 'WalkingDog': 'WalkDog'}  # as subject 1 has them
_JOINTS = 32
_TRAIN_SUBJECTS = (1, 5, 6, 7, 8)  # those of `sequences_tr`
_TEST_PARTS = ('sequences_te', 'sequences_val')
_SUBJECT = re.compile(r'a\d\d_s(\d\d)_')
_FIRST_ACTION = 2  # number 1 is "all"
_HEIGHTS = {'54138969': 1002, '55011271': 1000, '58860488': 1000, '60457274': 1002}
_SUBJECTS = 11


@dataclass(frozen=True, eq=False)
class Human36mSequence:
    """One camera's view of one action.

    Attributes:
        name: Subject, action and camera, or the authors' name.
        action: Index into `H36M_ACTIONS`.
        camera: World to image.
        image_size: Width and height in pixels.
        folder: Extracted frames, `%05d.jpg` from 1.
        video: The video; used if there is no such folder.
        annotation: The poses themselves with the numbers of their frames, or a `.cdf` file.
    """

    name: str
    action: int
    camera: Human36mCamera
    image_size: tuple[int, int]
    folder: Path
    video: Path | None
    annotation: tuple[NDArray[np.float64], NDArray[np.int64]] | Path

    @cached_property
    def poses_mm(self) -> NDArray[np.float64]:
        """(F, 32, 3) world millimetres; raises DatasetError for a damaged file."""
        if isinstance(self.annotation, tuple):
            return self.annotation[0]
        return _read_cdf(self.annotation)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """(F,) numbers of the frames, from 1."""
        if isinstance(self.annotation, tuple):
            return self.annotation[1]
        return np.arange(1, len(self.poses_mm) + 1)

    def images(self, frames: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return (H, W, 3) RGB frames; raises DatasetError if one cannot be read."""
        numbers = [int(self.numbers[frame]) for frame in frames]
        if self.video is not None and not self.folder.is_dir():
            return read_video(self.video, [number - 1 for number in numbers])
        return [read_picture(self.folder / f'{number:05d}.jpg') for number in numbers]


def released_sequences(
    path: Path, images: Path, subjects: Sequence[int]
) -> Iterator[Human36mSequence]:
    """Yield the sequences of the authors' file.

    Args:
        path: The file.
        images: Folder with one folder of frames per sequence.
        subjects: Their numbers. Those for test are read from `sequences_te`, or from
            `sequences_val` if that is empty; both are subjects 9 and 11.

    Raises:
        DatasetError: The file is missing, damaged or laid out otherwise.
    """
    names = ['sequences_tr'] if set(subjects) <= set(_TRAIN_SUBJECTS) else list(_TEST_PARTS)
    sequences = next(filter(None, (matlab_items(read_mat(path, [n])[n]) for n in names)), [])
    try:
        for sequence in sequences:
            if int(_SUBJECT.match(str(sequence.name))[1]) not in subjects:  # type: ignore[index]
                continue
            frames = matlab_items(sequence.frames)
            poses = np.stack([np.asarray(frame.pose3d, float).T for frame in frames])
            if poses.shape[1:] != (_JOINTS, 3):
                raise ValueError(f'poses of shape {poses.shape[1:]}; expected ({_JOINTS}, 3)')
            numbers = np.array([int(frame.f) for frame in frames])
            yield Human36mSequence(
                name=str(sequence.name),
                action=int(str(sequence.name)[1:3]) - _FIRST_ACTION,
                camera=_released_camera(sequence.camera_parameters),
                image_size=(int(frames[0].w), int(frames[0].h)),
                folder=images / str(sequence.name),
                video=None,
                annotation=(poses, numbers),
            )
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise DatasetError(f'{path} is not laid out as expected: {error}') from error


def official_sequences(
    root: Path, subjects: Sequence[int], skipped: dict[str, str]
) -> Iterator[Human36mSequence]:
    """Yield the sequences of the official distribution, four cameras each.

    Args:
        root: Folder with `metadata.xml` and a folder per subject.
        subjects: Their numbers; missing folders are skipped.
        skipped: Receives the names of files that are not poses of the data set, with the reason.

    Raises:
        DatasetError: `metadata.xml` is missing or damaged.
    """
    present = [n for n in subjects if (root / f'S{n}' / 'MyPoseFeatures').is_dir()]
    cameras = read_cameras(root / 'metadata.xml') if present else {}
    for subject in present:
        folder = root / f'S{subject}'
        for pose in visible_files(folder / 'MyPoseFeatures' / 'D3_Positions', '*.cdf'):
            action = _action(pose)
            if pose.stem.startswith('_ALL'):
                continue
            if action is None:
                skipped[f'S{subject}/{pose.name}'] = 'not an action of Human3.6M'
                continue
            for camera in H36M_CAMERAS:
                name = f'{pose.stem}.{camera}'
                yield Human36mSequence(
                    name=f'S{subject} {name}',
                    action=action,
                    camera=cameras[subject, camera],
                    image_size=(1000, _HEIGHTS[camera]),
                    folder=root / 'images' / f'S{subject}' / name,
                    video=folder / 'Videos' / f'{name}.mp4',
                    annotation=pose,
                )


def read_cameras(path: Path) -> dict[tuple[int, str], Human36mCamera]:
    """Return the cameras of the official `metadata.xml` by (subject, camera).

    Raises:
        DatasetError: The file is missing or damaged.
    """
    try:
        text = ET.parse(path).getroot().findtext('.//w0') or ''
        numbers = np.array(text.strip(' []\n').split(), np.float64)
    except (OSError, ET.ParseError, ValueError) as error:
        raise DatasetError(f'{path} cannot be read: {error}') from error
    extrinsic = 6 * _SUBJECTS * len(H36M_CAMERAS)
    if len(numbers) != extrinsic + 9 * len(H36M_CAMERAS):
        raise DatasetError(f'{path} has {len(numbers)} camera numbers (w0); expected 300')
    outer = numbers[:extrinsic].reshape(len(H36M_CAMERAS), _SUBJECTS, 6)
    inner = numbers[extrinsic:].reshape(len(H36M_CAMERAS), 9)
    return {
        (subject + 1, camera): Human36mCamera(
            rotation=_rotation(outer[c, subject, :3]),
            translation_mm=outer[c, subject, 3:],
            focal_px=inner[c, :2],
            center_px=inner[c, 2:4],
            radial=inner[c, 4:7],
            tangential=inner[c, :6:-1],  # officially y first; the authors' formula has x first
        )
        for c, camera in enumerate(H36M_CAMERAS)
        for subject in range(_SUBJECTS)
    }


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """World to camera: about x, then y, then z, multiplied from left to right."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)


def _released_camera(values: Any) -> Human36mCamera:
    parts = [np.asarray(getattr(values, name), float).reshape(-1) for name in 'RTfcpk']
    return Human36mCamera.from_serialised(np.concatenate(parts))


def _action(path: Path) -> int | None:
    name = path.stem.split(' ')[0]
    name = _OTHER_NAMES.get(name, name)
    return H36M_ACTIONS.index(name) if name in H36M_ACTIONS else None


@lru_cache(maxsize=16)
def _read_cdf(path: Path) -> NDArray[np.float64]:
    """(F, 32, 3) world millimetres of an official file; four cameras share it."""
    try:
        cdflib = importlib.import_module('cdflib')
    except ImportError as error:
        raise DatasetError(
            f'{path}: official poses need the package cdflib; `pip install cdflib`, or use the '
            "authors' annotations.mat"
        ) from error
    try:
        values = np.asarray(cdflib.CDF(str(path)).varget('Pose'), np.float64)
        return values.reshape(-1, _JOINTS, 3)
    except Exception as error:  # any error of the library
        raise DatasetError(
            f'{path} is not a CDF file of 32 joints or is damaged: {error}'
        ) from error
