"""One action after another: order, durations, transitions, and the actor's path.

Owns: `Sequence`, an endless performance of one actor. It consists of segments, each with one
label. A segment begins with the transition from the last one, so the label names the current
motion. After sitting down or falling the actor stands up. World frame: x, y on the ground, z up,
metres; heading 0 looks along x.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_action_ros.core.actions import SIMULATED_ACTIONS
from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.skeleton import PA17J
from pose_action_ros.simulation.body import DOFS, BodyFrames, forward
from pose_action_ros.simulation.motions import ENDS_APART, fall_direction, move
from pose_action_ros.simulation.style import Style, cycle_s, neutral, smooth_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_action_ros.simulation.body import Proportions
    from pose_action_ros.simulation.figure import Figure

    Array = NDArray[np.float64]

__all__ = ['Moment', 'Segment', 'Sequence', 'Visit', 'Wander', 'round_of_actions']

_TRAVEL_M_PER_S = {'walk': 1.15, 'run': 1.9}
_FEET = [PA17J.index('right_ankle'), PA17J.index('left_ankle')]
_LIFT, _PLANT = DOFS.index('lift'), [DOFS.index('plant_right'), DOFS.index('plant_left')]


@dataclass(frozen=True, eq=False)
class Segment:
    """One action of a sequence.

    Attributes:
        action: Its label.
        start_s: Its beginning, seconds.
        duration_s: Its duration, seconds.
        blend_s: Duration of the transition from the last pose, seconds.
        style: Style of the performance.
        pose: (D,) at the beginning.
        place_m: (2,) x, y at the beginning.
        heading: Radians at the beginning.
        turn: Radians by which the heading changes during the transition.
        bend: Turning of the path in radians per second, for walking and running.
        speed: Metres per second along the path.
        seat_m: (3,) x, y and height of the seat in the world, or None.
    """

    action: str
    start_s: float
    duration_s: float
    blend_s: float
    style: Style
    pose: Array
    place_m: Array
    heading: float
    turn: float
    bend: float
    speed: float
    seat_m: Array | None = None

    @property
    def end_s(self) -> float:
        """Beginning of the next segment."""
        return self.start_s + self.duration_s

    def poses(self, time_s: Array) -> Array:
        """Return (T, D) poses at times since the segment began."""
        moving = move(self.action, time_s, self.style, self.pose)
        if self.action == 'stand up':
            return moving
        share = smooth_step(time_s / self.blend_s)[:, None]
        return self.pose + share * (moving - self.pose)

    def path(self, time_s: Array) -> tuple[Array, Array]:
        """Return (T, 2) x, y and (T,) heading at times since the segment began."""
        heading = self.heading + self.turn * smooth_step(time_s / self.blend_s)
        if self.speed == 0.0:
            return np.repeat(self.place_m[None], len(time_s), axis=0), heading
        late = np.maximum(time_s - 0.5 * self.blend_s, 0.0)
        first = self.heading + self.turn
        radius = self.speed / self.bend
        angle = first + self.bend * late
        offset = np.stack([np.sin(angle) - np.sin(first), np.cos(first) - np.cos(angle)], -1)
        return self.place_m + radius * offset, heading + self.bend * late


@dataclass(frozen=True, eq=False)
class Moment:
    """Positions of the actor's body at T times, in the world.

    Attributes:
        body: Joints and rotations in the body frame, pelvis at the origin.
        rotation: (T, 3, 3) body frame to world.
        place_m: (T, 3) the pelvis in the world.
        away_m: (T, 2) shift of the whole performance, x and y; part of `place_m`.
    """

    body: BodyFrames
    rotation: Array
    place_m: Array
    away_m: Array

    @property
    def joints_world_m(self) -> Array:
        """(T, 17, 3) metres."""
        turned = self.body.joints_m @ np.swapaxes(self.rotation, -1, -2)
        return turned + self.place_m[:, None]


@dataclass(frozen=True)
class Wander:
    """Motion of a whole performance over the ground: to a place, then back and forth around it.

    Attributes:
        place_m: x and y of its middle in the world.
        reach_m: x and y of the way from the middle to either end.
        period_s: Time of one way back and forth.
        start: Its beginning on that way, 0 to 1.
    """

    place_m: tuple[float, float] = (0.0, 0.0)
    reach_m: tuple[float, float] = (0.0, 0.0)
    period_s: float = 8.0
    start: float = 0.0

    def moved(self, moment: Moment, times_s: Array) -> Moment:
        """Return a moment of (T,) times, moved to its place."""
        swing = np.sin(2.0 * np.pi * (times_s / self.period_s + self.start))
        away_m = np.asarray(self.place_m) + swing[:, None] * np.asarray(self.reach_m)
        place_m = moment.place_m + np.pad(away_m, ((0, 0), (0, 1)))
        return Moment(moment.body, moment.rotation, place_m, moment.away_m + away_m)

    def is_there(self, time_s: float) -> bool:
        """Return True: this actor never leaves."""
        return True


@dataclass(frozen=True)
class Visit:
    """A whole performance that comes into the image, stays and leaves, again and again.

    Attributes:
        inside_m: x and y in the world of the place in view.
        outside_m: x and y of the place out of view.
        period_s: Time from one visit to the next.
        stay_s: Duration of a visit, at the end of each period, with both ways.
        way_s: Duration of the way in, and of the way out.
    """

    inside_m: tuple[float, float]
    outside_m: tuple[float, float]
    period_s: float = 15.0
    stay_s: float = 5.0
    way_s: float = 1.5

    def moved(self, moment: Moment, times_s: Array) -> Moment:
        """Return a moment of (T,) times at the place where it is then."""
        left_s = self.period_s - times_s % self.period_s
        near = smooth_step(np.minimum(left_s, self.stay_s - left_s) / self.way_s)[:, None]
        inside, outside = np.asarray(self.inside_m), np.asarray(self.outside_m)
        away_m = outside + near * (inside - outside)
        place_m = moment.place_m + np.pad(away_m, ((0, 0), (0, 1)))
        return Moment(moment.body, moment.rotation, place_m, moment.away_m + away_m)

    def is_there(self, time_s: float) -> bool:
        """Return whether a visit is under way."""
        return self.period_s - time_s % self.period_s < self.stay_s


def round_of_actions(rng: np.random.Generator) -> list[str]:
    """Return all actions in random order; after sitting down or falling the actor stands up."""
    others = [a for a in SIMULATED_ACTIONS if a != 'stand up']
    labels = []
    for index in rng.permutation(len(others)):
        labels.append(others[index])
        if others[index] in ENDS_APART:
            labels.append('stand up')
    return labels


class Sequence:
    """An endless performance.

    Args:
        rng: Decides everything; the sequence owns it.
        body: The actor.
        figure: The actor's surface, which stands on the ground.
        roam_m: Largest distance of the walking actor from the origin.
        toward: Heading that faces the camera.
        opening: Actions to begin with, before the rounds of all actions.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        body: Proportions,
        figure: Figure,
        *,
        roam_m: float = 0.8,
        toward: float = 0.0,
        opening: tuple[str, ...] = (),
    ) -> None:
        self._rng, self._body, self._figure = rng, body, figure
        self._roam_m, self._toward = roam_m, toward
        self._queue = list(opening)
        self._segments: list[Segment] = []
        self._starts: list[float] = []

    def segment_at(self, time_s: float) -> Segment:
        """Return the segment that holds a time >= 0; `Segment.start_s` says when it began.

        Raises:
            ConfigError: The time is negative or not finite.
        """
        if not 0.0 <= time_s < float('inf'):
            raise ConfigError(f'a film has no time {time_s} s; expected 0 or later')
        while not self._segments or self._segments[-1].end_s <= time_s:
            self._segments.append(self._next())
            self._starts.append(self._segments[-1].start_s)
        return self._segments[bisect_right(self._starts, time_s) - 1]

    def segment(self, index: int) -> Segment:
        """Return the segment number `index`, counted from 0."""
        while len(self._segments) <= index:
            self.segment_at(self._segments[-1].end_s if self._segments else 0.0)
        return self._segments[index]

    def at(self, times_s: Array) -> Moment:
        """Return the actor at (T,) times >= 0."""
        segments = [self.segment_at(float(time_s)) for time_s in times_s]
        rows = []
        for segment in dict.fromkeys(segments):
            mine = np.array([other is segment for other in segments])
            since = times_s[mine] - segment.start_s
            rows.append((np.flatnonzero(mine), segment.poses(since), *segment.path(since)))
        index, poses, places, headings = (
            np.concatenate(column) for column in zip(*rows, strict=True)
        )
        order = np.argsort(index)
        return self._stand(poses[order], places[order], headings[order])

    def _stand(self, poses: Array, places: Array, headings: Array) -> Moment:
        """Put the body on the ground, with the planted feet in their places."""
        frames = forward(self._body, poses)
        cos, sin, zero = np.cos(headings), np.sin(headings), np.zeros(len(headings))
        rotation = np.stack([cos, -sin, zero, sin, cos, zero, zero, zero, zero + 1], -1)
        rotation = rotation.reshape(-1, 3, 3)
        feet = (poses[:, _PLANT, None] * frames.joints_m[:, _FEET, :2]).sum(1)
        ground = np.empty((len(poses), 3))
        ground[:, :2] = places - (rotation[:, :2, :2] @ feet[..., None])[..., 0]
        ground[:, 2] = poses[:, _LIFT] - self._figure.lowest(frames)
        return Moment(frames, rotation, ground, np.zeros((len(poses), 2)))

    def _next(self) -> Segment:
        rng = self._rng
        if not self._queue:
            self._queue = round_of_actions(rng)
        action = self._queue.pop(0)
        style = Style.sample(rng)
        last = self._segments[-1] if self._segments else None
        duration = _duration(action, style, rng)
        blend_s = float(rng.uniform(0.28, 0.45))
        if last is None:
            place, heading = np.zeros(2), self._facing(rng)
            start, pose, turn = 0.0, neutral(style), 0.0
        else:
            end = np.array([last.duration_s])
            (place,), (heading,) = last.path(end)
            start, pose = last.end_s, last.poses(end)[0]
            turn = self._turn(action, style, float(heading))
            blend_s += 0.15 * abs(turn)
        speed, bend = self._travel(action, style, place, heading + turn, duration)
        segment = Segment(
            action, start, duration, blend_s, style, pose, place, float(heading), turn, bend, speed
        )
        return replace(segment, seat_m=self._seat(segment, last))

    def _seat(self, segment: Segment, last: Segment | None) -> Array | None:
        """The place where the actor sits down; standing up leaves that seat."""
        if segment.action == 'stand up':
            return last.seat_m if last is not None else None
        if segment.action != 'sit down':
            return None
        end = np.array([segment.duration_s])
        moment = self._stand(segment.poses(end), *segment.path(end))
        seat = moment.place_m[0].copy()
        seat[:2] += 0.04 * moment.rotation[0, :2, 0]
        seat[2] -= 0.052 * self._body.stature
        return seat

    def _turn(self, action: str, style: Style, heading: float) -> float:
        """The actor's first turn; nobody falls towards the camera and out of view."""
        if action == 'stand up':
            return 0.0
        for _ in range(20):
            turn = float(np.clip(_wrapped(self._facing(self._rng) - heading), -1.8, 1.8))
            head = heading + turn + fall_direction(style) - self._toward
            if action != 'fall' or np.cos(head) < 0.3:
                break
        return turn

    def _facing(self, rng: np.random.Generator) -> float:
        """A random heading, mostly towards the camera."""
        if rng.random() < 0.55:
            return self._toward + rng.uniform(-1.1, 1.1)
        return rng.uniform(-np.pi, np.pi)

    def _travel(self, action, style, place, heading, duration) -> tuple[float, float]:
        """Speed and turning of a path within reach; (0, 0) for walking in place."""
        rng = self._rng
        wanted = rng.random() < 0.7
        if action not in _TRAVEL_M_PER_S or not wanted:
            return 0.0, 0.0
        speed = _TRAVEL_M_PER_S[action] * style.speed * style.amplitude
        times = np.linspace(0.0, duration, 12)
        for _ in range(8):
            bend = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 2.2)
            angle = heading + bend * times
            x = place[0] + speed / bend * (np.sin(angle) - np.sin(heading))
            y = place[1] + speed / bend * (np.cos(heading) - np.cos(angle))
            if np.hypot(x, y).max() < self._roam_m:
                return float(speed), float(bend)
        return 0.0, 0.0


def _duration(action: str, style: Style, rng: np.random.Generator) -> float:
    """Duration of an action: 2 to 3 s; sitting down, standing up and falling happen once."""
    rest = rng.uniform(0.1, 0.3) if action == 'stand up' else rng.uniform(0.35, 0.8)
    if action in (*ENDS_APART, 'stand up'):
        return float(max(1.15 * cycle_s(action, style), 1.2) + rest)
    return float(rng.uniform(2.0, 3.0))


def _wrapped(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
