"""The command `pose-action`: its signals, its errors and its exit status.

The verbs are in `app.py`. Their libraries take half a second to load, so signals are handled
before that.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from pose_action_ros.core.ending import ended_by, interrupted_by_signals
from pose_action_ros.core.errors import PoseActionError

__all__ = ['main']

_CTRL_C = 130  # the status of every verb that KeyboardInterrupt ends


def main() -> None:
    """Run the command line.

    An expected error is one line and exit status 1. A signal gives 128 and its number.
    """
    # Threads that spin while they wait cost tenfold on cores that are shared; set before torch.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # a name may have letters that it cannot show
            stream.reconfigure(errors='backslashreplace')  # type: ignore[union-attr]
    with interrupted_by_signals():
        try:
            from pose_action_ros.cli.app import app

            app()
        except KeyboardInterrupt:
            sys.exit(ended_by() or _CTRL_C)
        except SystemExit as end:
            sys.exit((end.code == _CTRL_C and ended_by()) or end.code)
        except Exception as error:
            if ended_by():  # a library may turn the interruption into an error of its own
                sys.exit(ended_by())
            if isinstance(error, ImportError):
                text = f'{type(error).__name__}: {error}'
                _fail(f'{text}; `pose-action doctor` names the broken library')
            if not isinstance(error, (PoseActionError, OSError)):
                raise
            _fail(str(error))  # an OSError: such as a folder that may not be written


def _fail(message: str) -> NoReturn:
    from pose_action_ros.core.console import say_error

    say_error(message)
    sys.exit(1)


if __name__ == '__main__':
    main()
