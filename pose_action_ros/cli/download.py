"""Downloads one file over HTTP: resumes, shows progress, checks the MD5, or reports the fault.

Plain `urllib`: a partial file stays beside the target as `NAME.part`, and the next attempt
requests the rest of it (`Range`).
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pose_action_ros.core.console import ERRORS
from pose_action_ros.core.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ['download']

_TIMEOUT_S = 30.0
_PIECE = 1 << 16


def download(url: str, target: Path, md5: str) -> None:
    """Download a file.

    Args:
        url: Its address, http or https.
        target: The file to write; its folder is made.
        md5: Its MD5 sum, hexadecimal.

    Raises:
        CheckpointError: The address is wrong, the server can't be reached or refuses, the
            connection broke off, or the MD5 sum differs.
    """
    if not url.startswith(('http://', 'https://')):
        raise CheckpointError(f'{url} is not an address; expected http:// or https://')
    part = target.with_name(f'{target.name}.part')
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        resumed = _attempt(url, part)
        found = _md5(part)
        if found != md5 and resumed:  # the earlier part belongs to another file
            part.unlink()
            _attempt(url, part)
            found = _md5(part)
        if found != md5:
            part.unlink()
            raise CheckpointError(
                f'{url} has the MD5 sum {found}, expected {md5}: the file was changed, or damaged '
                'during the download; it was deleted'
            )
        part.replace(target)
    except urllib.error.HTTPError as error:
        raise CheckpointError(f'{url}: the server answers {error.code} {error.reason}') from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, 'reason', error)
        raise CheckpointError(f'{url} cannot be reached ({reason})') from error
    except (http.client.HTTPException, ValueError) as error:
        raise CheckpointError(f'{url}: unexpected answer ({error!r})') from error
    except OSError as error:
        raise CheckpointError(f'cannot write {part} ({error})') from error


def _attempt(url: str, part: Path) -> bool:
    """Get the file, or its missing part; return whether a part was there before."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={'User-Agent': 'pose_action_ros'})
    if have:
        request.add_header('Range', f'bytes={have}-')
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            if not (have and _continues(answer, have)):
                have = 0
            _receive(answer, part, have)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
            raise
        error.close()  # nothing follows the part: it is the whole file, or part of another one
    return have > 0


def _continues(answer: http.client.HTTPResponse, have: int) -> bool:
    """Whether the server sends only the rest; a server without ranges sends everything."""
    content_range = answer.headers.get('Content-Range', '')
    return answer.status == http.HTTPStatus.PARTIAL_CONTENT and content_range.startswith(
        f'bytes {have}-'
    )


def _receive(answer: http.client.HTTPResponse, part: Path, have: int) -> None:
    length = answer.headers.get('Content-Length')
    total = None if length is None else have + int(length)
    with part.open('ab' if have else 'wb') as file, _progress() as progress:
        task = progress.add_task(part.stem, total=total, completed=have)
        while piece := answer.read(_PIECE):
            file.write(piece)
            progress.advance(task, len(piece))
    size = part.stat().st_size
    if total is not None and size < total:
        raise CheckpointError(
            f'the connection broke off after {size} of {total} bytes; run the same command again '
            'to continue'
        )


def _progress() -> Progress:
    return Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=ERRORS,
    )


def _md5(path: Path) -> str:
    with path.open('rb') as file:
        digest = hashlib.md5(usedforsecurity=False)
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
