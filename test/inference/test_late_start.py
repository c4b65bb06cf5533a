"""Results do not depend on where a stream began: windows lie on a grid (ADR 17)."""

import numpy as np

from pose_action_ros.inference import PoseActionStream
from pose_action_ros.simulation.scene import SimulatedFilm

RATE_HZ, SECONDS, LATE = 15.0, 6.0, 20


def test_a_late_start_soon_gives_the_results_of_the_whole_run():
    film = SimulatedFilm(3, 320, 240, RATE_HZ)
    images = [film.frame(n / RATE_HZ).image_rgb for n in range(round(SECONDS * RATE_HZ))]
    stream = PoseActionStream.open('demo', device='cpu')

    def joints(start):
        fresh = stream.fresh()
        results = [
            fresh.process(image, round((start + n) / RATE_HZ * 1e9))
            for n, image in enumerate(images[start:])
        ]
        return [result.persons[0].joints_image_px for result in results if result.persons]

    whole, late = joints(0), joints(LATE)
    assert len(whole) == len(images), 'the person is seen in every image'
    assert len(late) == len(images) - LATE
    apart = [np.nanmax(np.abs(a - b)) for a, b in zip(whole[LATE:], late, strict=True)]
    assert apart[0] > 1.0, 'the first window is the whole image, so the streams begin apart'
    # Without the grid it is 4 pixels for ever. The median, since poses may part for a moment.
    assert np.median(apart[round(2.0 * RATE_HZ) :]) < 0.1
