"""The live page for any camera: shows the results of a node with its images in the browser.

The launch files start it with `view:=true`. It needs rerun, the extra `view`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from pose_action_ros.demo.observer import DemoObserver, ObservedFrame
from pose_action_ros.demo.shown_message import shown_message
from pose_action_ros.ros.parameters import declare_settings, read_settings
from pose_action_ros.ros.stopping import run_node
from pose_action_ros.view.live_view import LiveView

__all__ = ['ViewNode', 'ViewSettings', 'main']


@dataclass(frozen=True)
class ViewSettings:
    """Parameters of `view_node`."""

    record: str = field(
        default='',
        metadata={'help': 'A .rrd file that keeps the page; empty: none.', 'read_only': True},
    )
    serve: bool = field(
        default=True, metadata={'help': 'Serve the page on this machine.', 'read_only': True}
    )
    open_browser: bool = field(
        default=True,
        metadata={
            'help': 'Open the page in the browser if there is a display.',
            'read_only': True,
        },
    )


class ViewNode(DemoObserver):
    """Shows every image with its pose and its label.

    Raises:
        ConfigError: rerun is not installed, or the recording can't be written.
    """

    def __init__(self) -> None:
        super().__init__(self._show, 'view', every_image=False)
        declare_settings(self, ViewSettings())
        settings = read_settings(self, ViewSettings)
        self._view = LiveView(
            self.get_namespace().strip('/') or 'live',
            serve=settings.serve,
            record=Path(settings.record) if settings.record else None,
            open_browser=settings.open_browser,
        )
        self._health = ''
        if self._view.url:
            self.get_logger().info(f'the page is at {self._view.url}')

    def destroy_node(self) -> None:
        """Finish the recording, and destroy the node."""
        self.flush()
        self._view.close()
        super().destroy_node()

    def _show(self, frame: ObservedFrame) -> None:
        self._view.show(shown_message(frame, self.tally))
        if self.tally.health != self._health:
            self._health = self.tally.health
            self._view.say(self._health)


def main() -> int:
    """Show the page until told to stop; 1 if rerun is missing."""
    return run_node(ViewNode, 'view')


if __name__ == '__main__':
    sys.exit(main())
