"""The shipped finder: small enough, of known origin, and it finds simulated actors."""

from pathlib import Path

import numpy as np
import pytest

from pose_action_ros.core.weights import FINDER_WEIGHTS
from pose_action_ros.data.scenes import simulated_scenes
from pose_action_ros.inference import PoseActionStream
from pose_action_ros.metrics.tracking import TrackScore
from pose_action_ros.models import find_weights
from pose_action_ros.models.checkpoint import read_metadata
from pose_action_ros.models.finder import FINDER_KEY, open_finder
from pose_action_ros.runtime.finder_engine import FinderEngine
from pose_action_ros.simulation.company import SimulatedCompany

ROOT = Path(__file__).parents[2]


def test_file_and_provenance():
    path = find_weights(FINDER_WEIGHTS)
    assert path == ROOT / 'weights/finder.safetensors'
    assert path.stat().st_size <= 1.5e6
    assert {'seed', 'settings', 'phases'} <= set(read_metadata(path, FINDER_KEY))


@pytest.fixture(scope='module')
def engine():
    return FinderEngine(open_finder(FINDER_WEIGHTS), 'cpu', 1, backend='torch')


def test_most_actors_have_a_candidate_of_their_place_and_size(engine):
    people = found = 0
    for scene in simulated_scenes(2, 24):  # the split of the test, which training has not seen
        candidates = [box for box, _ in engine.candidates(scene.image, 0.2, 16)]
        for x1, y1, x2, y2 in scene.corners_px[scene.sure]:
            size = max(x2 - x1, y2 - y1)
            people += 1
            found += any(
                abs(box.center_x - (x1 + x2) / 2) <= 0.3 * size
                and abs(box.center_y - (y1 + y2) / 2) <= 0.3 * size
                and abs(np.log(box.size / size)) <= np.log(1.7)
                for box in candidates
            )
    assert people > 50
    assert found / people >= 0.7


def test_it_is_surer_of_people_than_of_places_without(engine):
    best = {True: [], False: []}
    for scene in simulated_scenes(2, 48):
        if scene.sure.any() or not len(scene.sure):
            score = max((s for _, s in engine.candidates(scene.image, 0.0, 1)), default=0.0)
            best[bool(scene.sure.any())].append(score)
    assert np.median(best[True]) > np.median(best[False])


def test_two_actors_are_found_and_followed():
    stream = PoseActionStream.open('demo', finder=FINDER_WEIGHTS, device='cpu')
    film, score = SimulatedCompany(1, 2), TrackScore()
    for index in range(20):
        frame = film.frame(index / 15)
        prediction = stream.process(frame.image_rgb, round(index / 15 * 1e9) + 1)
        tracks = {person.track_id: person.joints_image_px for person in prediction.persons}
        score.add(tracks, frame.joints_image_px, frame.visible)
    assert score.people == 40
    assert score.missed <= 8
    assert score.false <= 8
    assert score.switches <= 1
