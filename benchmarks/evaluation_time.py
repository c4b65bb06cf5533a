"""How many hours of one core the evaluation of NTU RGB+D takes, from its parts on one film.

    python benchmarks/evaluation_time.py
    python benchmarks/evaluation_time.py --weights untrained:compact --threads 2

A film of NTU's size and mean length is drawn and written; nothing is downloaded. It is decoded
once, as `evaluate ntu --multi-clip` does, and its clips are cut and read by the network. Seconds
are those that the process computed, so that other load on the machine counts little. Hours are
computed for the test films of the cross-subject protocol.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import torch
from data_loading import Recording

from pose_action_ros.models import open_model
from pose_action_ros.training.action_scores import evaluate_clips
from pose_action_ros.training.film_clips import clip_views, read_clips

TEST_FILMS = 16_487  # cross-subject, without the data set's own list of broken samples
MEAN_FRAMES = 70  # 4 million frames in 56,880 films
SIZE, WINDOW_PX = (1920, 1080), 700


class Film(Recording):
    """A film of which every second frame is taken."""

    stride = 2

    def action(self, index):
        """Return that it shows the first action."""
        return 0


def spent(job):
    """Return what a job returns, and the seconds that it computed."""
    begin = time.process_time()
    return job(), time.process_time() - begin


def measure(weights, folder):
    """Return the seconds of each part for one film, its clips and its crops."""
    net = open_model(weights)
    film = Film(folder / 'film', SIZE, WINDOW_PX, True, MEAN_FRAMES)
    film.actions, frames = net.config.actions, net.config.clip_frames
    protocols = {
        name: clip_views(film, frames, multi=name == 'multi') for name in ('single', 'multi')
    }
    views = sorted({view for each in protocols.values() for view in each})
    numbers = sorted({frame for view in views for frame in view.frames})
    _, decode_s = spent(lambda: film.images(0, numbers))
    _, read_s = spent(lambda: list(read_clips(film, views)))
    _, all_s = spent(lambda: evaluate_clips(net, film, protocols))
    parts = {'decode': decode_s, 'cut': read_s - decode_s, 'network': all_s - read_s}
    return parts, len(views), len(views) * frames


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--weights', default='untrained:ntu')
    parser.add_argument('--threads', type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        parts, clips, crops = measure(given.weights, Path(folder))
    print(f'{MEAN_FRAMES} frames, {clips} clips, {crops} crops a film\n')
    print('| part | s a film | a second | hours of a core, all films |')
    print('|---|---:|---:|---:|')
    counts = {'decode': MEAN_FRAMES, 'cut': crops, 'network': crops}
    for name, seconds in {**parts, 'all': sum(parts.values())}.items():
        rate = f'{counts[name] / seconds:.0f}' if name in counts else ''
        print(f'| {name} | {seconds:.2f} | {rate} | {seconds * TEST_FILMS / 3600:.1f} |')


if __name__ == '__main__':
    main()
