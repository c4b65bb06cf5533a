"""`pose-action data`: checks a recorded data set and makes its fast cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pose_action_ros.cli.options import picture
from pose_action_ros.core.console import ERRORS, RESULTS

if TYPE_CHECKING:
    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.data.augment import Extent
    from pose_action_ros.data.recorded import Library

__all__ = ['DatasetOptions', 'data_app', 'parsed_options']

data_app = typer.Typer(help='Recorded data sets on disk.', no_args_is_help=True)

_LISTED = 10  # faults that are listed one by one
_NOTE = 400  # characters of a note


DatasetOptions = Annotated[
    list[str] | None,
    typer.Option(help='KEY=VALUE: an option of the data set, as in data.options; repeatable.'),
]


@data_app.callback()
def _data() -> None:
    """Recorded data sets on disk."""


@data_app.command('check')
def check(
    name: Annotated[str, typer.Argument(help='A data set of docs/data.md.')],
    root: Annotated[Path, typer.Argument(help='Its folder, as in docs/data.md.')],
    samples: Annotated[
        int, typer.Option(help='Number of samples to read from each split.', min=1)
    ] = 6,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help='File for the contact sheet; default: NAME_check.png.', callback=picture
        ),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="Joint layout; default: the data set's own.")
    ] = None,
    augmentation: Annotated[
        str, typer.Option(help='Show the samples of a training: paper or released.')
    ] = 'none',
    option: DatasetOptions = None,
) -> None:
    """Read some samples of every split and draw them with their skeletons."""
    from pose_action_ros.core.errors import DatasetError, shortened
    from pose_action_ros.core.skeleton import get_skeleton
    from pose_action_ros.data.augment import chosen_ranges
    from pose_action_ros.data.contact_sheet import contact_sheet, save_sheet
    from pose_action_ros.data.opening import open_library, reader_named
    from pose_action_ros.data.photographs import NoSplitError
    from pose_action_ros.data.recorded import skipped_files

    reader = reader_named(name)
    skeleton = get_skeleton(layout or reader.layout)
    ranges = chosen_ranges(augmentation, name, 'poses')
    options = parsed_options(option)
    table = Table('split', 'recordings', 'samples', 'actions', 'read', 'joints', title=str(root))
    tiles: list[tuple[dict[str, Any], str]] = []
    faults: list[str] = []
    notes: list[str] = []
    for split in reader.splits:
        try:
            library = open_library(name, root, split, skeleton, **options)
            row, read, wrong, unread = _look(library, skeleton, samples, ranges)
        except NoSplitError as error:
            notes.append(str(error))
            continue
        except DatasetError as error:
            faults.append(f'{split}: {error}')
            continue
        notes += [f'{split}: {text}' for text in (*skipped_files(library), *unread)]
        table.add_row(split, *row)
        tiles += [(sample, f'{split} {caption}') for sample, caption in read]
        faults += [f'{split}: {text}' for text in wrong]
    if tiles:
        RESULTS.print(table)
        _note_broken(library)
        path = sheet or Path(f'{name}_check.png')
        pictures, captions = zip(*tiles, strict=True)
        save_sheet(contact_sheet(pictures, captions, skeleton), path)
        RESULTS.print(f'contact sheet: {path}', soft_wrap=True)
    for note in notes:
        RESULTS.print(shortened(note, _NOTE), soft_wrap=True)
    _raise_for(faults if tiles else faults or notes)


def parsed_options(texts: list[str] | None) -> dict[str, Any]:
    """Return options of a data set; values are read as YAML.

    Raises:
        ConfigError: A text is not KEY=VALUE.
    """
    from pose_action_ros.core.errors import ConfigError
    from pose_action_ros.core.yaml_text import read_yaml

    options = {}
    for text in texts or []:
        key, equals, value = text.partition('=')
        if not equals:
            raise ConfigError(f'--option {text}: expected KEY=VALUE')
        options[key] = read_yaml(value, f'--option {text}: the value')
    return options


def _raise_for(faults: list[str]) -> None:
    """End with the faults: how many, and the first of them."""
    from pose_action_ros.core.errors import DatasetError

    if faults:
        listed = '; '.join(faults[:_LISTED])
        more = f'; and {len(faults) - _LISTED} more' if len(faults) > _LISTED else ''
        raise DatasetError(f'{len(faults)} faults: {listed}{more}')


def _look(
    library: Library, skeleton: Skeleton, count: int, ranges: Any
) -> tuple[list[str], list[tuple[dict[str, Any], str]], list[str], list[str]]:
    """A row of the table, samples with captions, faults of pictures and of annotations."""
    import numpy as np

    from pose_action_ros.core.errors import DatasetError, PoseActionError
    from pose_action_ros.data.recorded import RecordedPoses

    poses = RecordedPoses(library, ranges)
    shown = np.unique(np.linspace(0, len(poses) - 1, count).round().astype(int)).tolist()
    read: list[tuple[dict[str, Any], str]] = []
    faults, unread, known = [], [], 0.0
    for index in shown:
        try:
            recording, frame = poses.locate(index)
        except DatasetError as error:
            unread.append(f'1 recording is skipped: {error}')
            continue
        try:
            sample = poses.varied(index, np.random.default_rng(index))
        except PoseActionError as error:
            faults.append(str(error))
            continue
        known += float(sample['visibility'].isfinite().float().mean())
        read.append((dict(sample), _caption(library, recording, frame)))
    actions = {library.action(i) for i in range(len(library))} - {-1}
    joints = f'{100 * known / max(len(read), 1):.0f} % of {skeleton.num_joints}'
    total = f'{len(actions)} of {len(library.actions)}' if library.actions else 'none'
    row = [str(len(library)), str(len(poses)), total, f'{len(read)} of {len(shown)}', joints]
    return row, read, faults, unread


def _caption(library: Library, recording: int, frame: int) -> str:
    action = library.action(recording)
    label = f' {library.actions[action]}' if action >= 0 else ''
    return f'{library.title(recording)}:{frame}{label}'


def _note_broken(library: Library) -> None:
    """Report the number of skipped samples of NTU, if the list is not the published one."""
    from pose_action_ros.data.ntu import BROKEN_COUNT, Ntu

    if isinstance(library, Ntu) and len(library.broken) != BROKEN_COUNT:
        RESULTS.print(
            f'list of broken samples: {len(library.broken)} names; the one that NTU RGB+D '
            f'publishes for its 60 classes has {BROKEN_COUNT}, see docs/data.md',
        )


@data_app.command('prepare')
def prepare(
    name: Annotated[str, typer.Argument(help='A data set of docs/data.md.')],
    root: Annotated[Path, typer.Argument(help='Its folder, as in docs/data.md.')],
    output: Annotated[Path, typer.Argument(help='Folder of the cache: data.options.prepared.')],
    option: DatasetOptions = None,
    augmentation: Annotated[
        str,
        typer.Option(
            help='Augmentation of the training, which decides the size of the cache: paper, '
            'released, none, or the YAML of data.options.augmentation or framing.'
        ),
    ] = 'paper',
    workers: Annotated[int, typer.Option(help='Number of processes.', min=1)] = 1,
    quiet: Annotated[bool, typer.Option('--quiet', help='No progress bars.')] = False,
) -> None:
    """Make the fast cache; continue one that was interrupted."""
    from contextlib import nullcontext
    from functools import partial
    from multiprocessing import get_context

    from pose_action_ros.core.skeleton import get_skeleton
    from pose_action_ros.data.opening import open_library, reader_named
    from pose_action_ros.data.photographs import NoSplitError
    from pose_action_ros.data.prepared import is_prepared, start_cache
    from pose_action_ros.training.reporting import track

    reader = reader_named(name)
    skeleton = get_skeleton(reader.layout)
    options, extent = parsed_options(option), _extent(name, augmentation)
    total, faults = 0, []
    with get_context('spawn').Pool(workers) if workers > 1 else nullcontext() as pool:
        for split in reader.splits:
            try:
                library = open_library(name, root, split, skeleton, **options)
            except NoSplitError as error:
                RESULTS.print(str(error), soft_wrap=True)
                continue
            folder = output / split
            shown_extent = start_cache(folder, extent)
            missing = [i for i in range(len(library)) if not is_prepared(folder, library, i)]
            job = partial(_prepared, folder, library, shown_extent)
            results = pool.imap(job, missing) if pool else map(job, missing)
            shown = not quiet and ERRORS.is_terminal
            for size, fault in track(results, split, total=len(missing), shown=shown):
                total += size
                faults += [fault] if fault else []
            done = len(library) - len(missing)
            RESULTS.print(f'{split}: {len(missing)} recordings prepared, {done} were there')
    RESULTS.print(f'{total / 2**20:.1f} MiB in {output}', soft_wrap=True)
    _raise_for(faults)


def _extent(name: str, augmentation: str) -> Extent:
    """The variation of the windows of a training, for poses and for clips."""
    from pose_action_ros.core.yaml_text import read_yaml
    from pose_action_ros.data.augment import Extent, chosen_ranges
    from pose_action_ros.training.simulated_sources import make_framing

    values = read_yaml(augmentation, f'--augmentation {augmentation}')
    if isinstance(values, dict) and {'scale', 'shift', 'angle_deg', 'far'} & set(values):
        return make_framing(values).extent
    kinds = [chosen_ranges(values, name, kind) for kind in ('poses', 'clips')]
    first, second = (Extent() if ranges is None else ranges.extent for ranges in kinds)
    return first.joined(second)


def _prepared(folder: Path, library: Library, extent: Extent, index: int) -> tuple[int, str]:
    """Return the number of written bytes and the fault; runs in a separate process."""
    from pose_action_ros.core.errors import PoseActionError
    from pose_action_ros.data.prepared import prepare_recording

    try:
        return prepare_recording(folder, library, index, extent), ''
    except PoseActionError as error:
        return 0, str(error)
