"""Shows frames on a page in the browser, or records them in a `.rrd` file, with rerun.

Owns: the page's layout, and the names of its entities in rerun. The page is served to this machine
alone. The library is imported when a view is made.
"""

from __future__ import annotations

import os
import socket
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import cv2
import numpy as np

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.geometry.camera_placement import level_placement
from pose_action_ros.view.page_server import serve_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pose_action_ros.core.skeleton import Skeleton
    from pose_action_ros.view.frame import ShownFrame, ShownPerson

__all__ = ['LiveView']

_HOST = '127.0.0.1'
_PAGE_PORT, _DATA_PORT = 9090, 9876  # the first ones that are tried
_PORTS = 100
_MEMORY = '512MiB'  # data kept for pages that open late; the oldest is dropped
_JPEG_QUALITY = 80
_ROOT_AHEAD_M = (0.0, 0.0, 3.0)  # place of a pose without a known position
_SHOWN_S = 15.0  # duration of the plots
_EYE_M, _FOCUS_M = (0.4, -2.5, 2.1), (3.6, 0.0, 0.9)  # as in config/demo.rviz
_ABOVE_PX, _ABOVE_M = 14.0, 0.25  # of a label over the topmost joint
_RIGHT, _LEFT, _TRUNK = (255, 120, 40), (40, 170, 255), (90, 230, 90)  # RGB


class LiveView:
    """A page, a recording, or both.

    Args:
        title: Title of the page.
        serve: Serve the page.
        record: A `.rrd` file for all data, to be opened by `rerun FILE`.
        open_browser: Open the page in the browser, if there is a display.

    Attributes:
        url: Address of the page; empty if none is served.

    Raises:
        ConfigError: rerun is not installed, or the file can't be written.
    """

    def __init__(
        self,
        title: str,
        *,
        serve: bool = True,
        record: Path | None = None,
        open_browser: bool = True,
    ) -> None:
        self._rr: Any = _load_rerun()
        self.url = ''
        self._start_ns: int | None = None
        self._time_s = 0.0
        self._drawn: set[str] = set()  # rates and ages that have a colour
        self._labels: tuple[str, ...] = ()
        self._recording = self._rr.RecordingStream(f'pose_action_ros {title}')
        sinks = []
        if record is not None:
            if not record.parent.is_dir() or record.is_dir():
                raise ConfigError(
                    f'cannot record to {record}: give a file in a folder that exists'
                )
            sinks.append(self._rr.FileSink(record))
        if serve:
            server = self._rr.GrpcServerSink(
                _HOST, _free_port(_DATA_PORT), server_memory_limit=_MEMORY
            )
            sinks.append(server)
            self._serve_page(server.uri, open_browser=open_browser)
        self._recording.set_sinks(*sinks, default_blueprint=self._layout())
        self._log('world', self._rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        placement = level_placement(1.2)
        self._log(
            'world/camera',
            self._rr.Transform3D(translation=placement[:, 3], mat3x3=placement[:, :3]),
            static=True,
        )

    def show(self, frame: ShownFrame) -> None:
        """Show a frame; its time is that of its stamp since the first one."""
        rr = self._rr
        if self._start_ns is None:
            self._start_ns = frame.stamp_ns
        self._time_s = (frame.stamp_ns - self._start_ns) * 1e-9
        self._recording.set_time('time', duration=self._time_s)
        bgr = cv2.cvtColor(frame.image_rgb, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode('.jpg', bgr, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
        self._log('image', rr.EncodedImage(contents=data.tobytes(), media_type='image/jpeg'))
        persons = frame.persons
        flat = [_bones(person, person.joints_image_px) for person in persons]
        solid = [_bones(person, _place(person)) for person in persons]
        self._log('image/people', _strips(rr.LineStrips2D, flat, 2.0))
        self._log('world/camera/people', _strips(rr.LineStrips3D, solid, 0.02))
        self._log('image/labels', self._tags(rr.Points2D, persons, flat=True))
        self._log('world/camera/labels', self._tags(rr.Points3D, persons, flat=False))
        if persons and persons[0].scores:
            self._show_scores(persons[0])
        self._show_numbers('rates', frame.rates_hz)
        self._show_numbers('ages', frame.ages_ms)

    def say(self, text: str) -> None:
        """Add a line to the page's log, at the time of the newest frame."""
        self._recording.set_time('time', duration=self._time_s)  # each thread has its own
        self._log('log', self._rr.TextLog(text))

    def close(self) -> None:
        """Finish the recording; the page is served until the process ends."""
        self._recording.flush()
        self._recording.disconnect()

    def _log(self, path: str | list[str], what: Any, *, static: bool = False) -> None:
        """Log to an entity; the parts of a list may contain spaces."""
        self._recording.log(path, what, static=static)

    def _show_scores(self, person: ShownPerson) -> None:
        labels = tuple(person.scores)
        if labels != self._labels:
            self._labels = labels
            lines = self._rr.SeriesLines(names=list(labels), colors=_spread_colours(len(labels)))
            self._log('scores', lines, static=True)
        self._log('scores', self._rr.Scalars(list(person.scores.values())))

    def _show_numbers(self, group: str, numbers: Mapping[str, float]) -> None:
        """Draw a line for each name; rerun's own colours may be alike."""
        if not numbers:
            return
        colours = _spread_colours(len(numbers))
        for (name, number), colour in zip(numbers.items(), colours, strict=True):
            if not np.isfinite(number):
                continue
            if f'{group}/{name}' not in self._drawn:
                self._drawn.add(f'{group}/{name}')
                lines = self._rr.SeriesLines(names=name, colors=[colour])
                self._log([group, name], lines, static=True)
            self._log([group, name], self._rr.Scalars(number))

    def _tags(self, points: Any, persons: tuple[ShownPerson, ...], *, flat: bool) -> Any:
        """The labels, each above the topmost joint of its person; y is down."""
        above = (0.0, _ABOVE_PX) if flat else (0.0, _ABOVE_M, 0.0)
        places, texts = [], []
        for person in persons:
            joints = person.joints_image_px if flat else _place(person)
            seen = joints[np.isfinite(joints).all(axis=1)]
            if len(seen):
                places.append(seen[int(seen[:, 1].argmin())] - above)
                texts.append(person.text)
        dots = np.array(places).reshape(-1, 2 if flat else 3)
        return points(dots, labels=texts, show_labels=True, radii=1.0 if flat else 0.005)

    def _layout(self) -> Any:
        import rerun.blueprint as rrb

        rr = self._rr
        lately = rrb.VisibleTimeRange(
            'time',
            start=rr.TimeRangeBoundary.cursor_relative(seconds=-_SHOWN_S),
            end=rr.TimeRangeBoundary.cursor_relative(),
        )
        eye = rrb.EyeControls3D(
            kind=rrb.Eye3DKind.Orbital, position=_EYE_M, look_target=_FOCUS_M, eye_up=(0, 0, 1)
        )

        def plot(name: str, title: str, **options: Any) -> Any:
            return rrb.TimeSeriesView(origin=f'/{name}', name=title, time_ranges=lately, **options)

        kinds = rrb.encodings.TextLogColumnKind
        text_alone = rrb.archetypes.TextLogColumns(
            timeline_columns=[rrb.encodings.TimelineColumn('time')],
            text_log_columns=[rrb.encodings.TextLogColumn(kinds.Body)],
        )
        scores = plot('scores', 'scores of the actions', axis_y=rrb.ScalarAxis(range=(0.0, 1.05)))
        pose = rrb.Spatial3DView(
            origin='/world',
            name='pose',
            eye_controls=eye,
            line_grid=rrb.LineGrid3D(visible=False),  # the ground is not known
        )
        return rrb.Blueprint(
            rrb.Horizontal(
                rrb.Vertical(rrb.Spatial2DView(origin='/image', name='image'), scores),
                rrb.Vertical(
                    pose,
                    rrb.Horizontal(plot('rates', 'rates, Hz'), plot('ages', 'ages, ms')),
                    rrb.TextLogView(origin='/log', name='log', columns=text_alone),
                    row_shares=(4, 3, 2),
                ),
            ),
            rrb.TimePanel(state='collapsed'),
            rrb.SelectionPanel(state='hidden'),
            rrb.BlueprintPanel(state='hidden'),
        )

    def _serve_page(self, data: str, *, open_browser: bool) -> None:
        port = _free_port(_PAGE_PORT)
        serve_page(_HOST, port, _program(), _free_port(_PAGE_PORT + _PORTS))
        self.url = f'http://{_HOST}:{port}/?url={quote(data, safe="")}'
        has_display = any(os.environ.get(name) for name in ('DISPLAY', 'WAYLAND_DISPLAY'))
        if open_browser and has_display:
            webbrowser.open(self.url)


def _load_rerun() -> Any:
    try:
        import rerun
    except ImportError as error:
        raise ConfigError(
            f'the view does not load ({error}): `pip install rerun-sdk==0.41.*`'
        ) from error
    return rerun


def _program() -> Path:
    """Rerun's program, which comes with the library."""
    import rerun_cli

    folder = Path(rerun_cli.__file__).parent
    bundled = folder / 'Rerun.app' / 'Contents' / 'MacOS' / 'Rerun'
    return bundled if bundled.exists() else folder / f'rerun{".exe" * (os.name == "nt")}'


def _free_port(first: int) -> int:
    """The first free port from that number on."""
    for port in range(first, first + _PORTS):
        with socket.socket() as probe:
            if probe.connect_ex((_HOST, port)) != 0:
                return port
    raise ConfigError(f'no port of this machine is free from {first} to {first + _PORTS - 1}')


def _place(person: ShownPerson) -> NDArray[np.floating]:
    """(J, 3) drawn positions, metres in the camera's frame; NaN without 3D."""
    if person.joints_m is None:
        return np.full((len(person.joints_image_px), 3), np.nan)
    return person.joints_m if person.in_camera else person.joints_m + np.array(_ROOT_AHEAD_M)


def _bones(
    person: ShownPerson, joints: NDArray[np.floating]
) -> list[tuple[NDArray[np.floating], tuple[int, int, int]]]:
    """Lines of two joints that are seen, with their colours."""
    skeleton = get_skeleton(person.layout)
    seen = np.isfinite(joints).all(axis=1)
    return [
        (joints[[start, end]], _colour(skeleton, end))
        for start, end in skeleton.drawn_links
        if seen[start] and seen[end]
    ]


def _colour(skeleton: Skeleton, joint: int) -> tuple[int, int, int]:
    name = skeleton.joint_names[joint]
    return _RIGHT if name.startswith('right_') else _LEFT if name.startswith('left_') else _TRUNK


def _spread_colours(count: int) -> NDArray[np.uint8]:
    """(count, 3) RGB as different as possible, above all neighbours: golden steps of the hue."""
    number = np.arange(count)
    hue = (number * 0.618 % 1.0 * 180.0).astype(np.uint8)
    # Close hues are 5, 8 or 13 steps apart, so their lightness differs.
    light = np.array([190, 255, 130], np.uint8)[number % 3]
    hsv = np.stack([hue, np.full_like(hue, 190), light], axis=-1)
    return np.asarray(cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0], np.uint8)


def _strips(kind: Any, people: list[list[Any]], radius: float) -> Any:
    """All bones in one; an empty list clears the earlier ones."""
    bones = [bone for person in people for bone in person]
    return kind([line for line, _ in bones], colors=[c for _, c in bones], radii=radius)
