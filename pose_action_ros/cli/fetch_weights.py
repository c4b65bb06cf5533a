"""`pose-action fetch-weights`: the authors' released weights, fetched once, when asked for.

Source of addresses and sums: GitHub releases of `dluvizon/deephar` and that repository's own
scripts (branch cvpr18). The files are under the authors' terms, so this package contains none of
them. Nothing is downloaded unless the user runs this command.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pose_action_ros.cli.convert_weights import convert, released
from pose_action_ros.cli.download import download
from pose_action_ros.core.console import RESULTS
from pose_action_ros.core.errors import CheckpointError
from pose_action_ros.core.weights import DEMO_WEIGHTS, SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ['RELEASES', 'RELEASES_URL', 'Release', 'fetch', 'fetch_weights']

RELEASES_URL = 'https://github.com/dluvizon/deephar/releases/download/'


class Release(NamedTuple):
    """One released file.

    Attributes:
        path: Below `RELEASES_URL`.
        md5: Its MD5 sum in the authors' scripts.
    """

    path: str
    md5: str


RELEASES = {
    'mpii': Release(
        'v0.1/weights_PE_MPII_cvpr18_19-09-2017.h5', 'd6b85ba4b8a3fc9d05c8ad73f763d999'
    ),
    'h36m': Release(
        'v0.2/weights_3DPE_H36M_cvpr18_Nov-2017.h5', 'af79f83ad939117d4ccc2cf1d4bd37d2'
    ),
    'penn_action': Release(
        'v0.3/weights_AR_merge_ep074_26-10-17.h5', 'f53f89257077616a79a6c1cd1702d50f'
    ),
    'ntu': Release('v0.4/weights_AR_merge_NTU_v2.h5', 'ff98d70a7f6bc5976cc11c7a5760e8b7'),
}
"""The released file by preset."""


def _released(preset: str) -> str:
    if preset in (SHIPPED_WEIGHTS, DEMO_WEIGHTS):
        raise typer.BadParameter(
            f'{preset!r} comes with the package and needs no download: --weights {preset}'
        )
    return released(preset)


def fetch_weights(
    preset: Annotated[
        str, typer.Argument(metavar='PRESET', help=f'{", ".join(RELEASES)}.', callback=_released)
    ],
    url: Annotated[
        str, typer.Option(help="A mirror: the releases' folder, or the .h5 file itself.")
    ] = RELEASES_URL,
    force: Annotated[
        bool, typer.Option('--force', help='Download the file again if it exists.')
    ] = False,
) -> None:
    """Download, check and convert the authors' weights; then --weights PRESET finds them."""
    from pose_action_ros.models.checkpoint import cache_folder

    target = cache_folder() / f'{preset}.safetensors'
    if target.exists() and not force:
        RESULTS.print(f'{target} exists already; --force downloads it again', soft_wrap=True)
        return
    fetch(preset, target, url)
    RESULTS.print(f'{target} is ready: --weights {preset}', soft_wrap=True)


def fetch(preset: str, target: Path, url: str = RELEASES_URL) -> None:
    """Fetch the weights of a preset.

    Args:
        preset: One of `RELEASES`.
        target: The weights file to write; the download goes beside it.
        url: Folder of the releases, or the file itself.

    Raises:
        CheckpointError: The file can't be fetched, is not the released one, or can't be converted.
    """
    release = RELEASES[preset]
    address = url if url.endswith('.h5') else f'{url.rstrip("/")}/{release.path}'
    downloaded = target.with_name(release.path.rsplit('/', 1)[1])
    try:
        download(address, downloaded, release.md5)
    except CheckpointError as error:
        raise CheckpointError(
            f'{error}. By hand: get {address} on another machine (MD5 {release.md5}), then '
            f'`pose-action convert-weights {preset} FILE.h5 {target}`'
        ) from error
    provenance = {
        'source_url': address,
        'source_md5': release.md5,
        'fetched': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'authors': 'Luvizon, Picard and Tabia, CVPR 2018; released weights, dluvizon/deephar',
    }
    convert(downloaded, target, preset, provenance=provenance)
    downloaded.unlink()
