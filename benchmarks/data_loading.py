"""Crops per second that one core reads from recorded data, and the limiting stage.

Times are CPU seconds of the process, so other load on the machine has little influence.

Pictures and videos of the data sets' real sizes are drawn and written first; nothing is
downloaded. Prints a Markdown table; `python benchmarks/data_loading.py`.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.core.skeleton import PA16J
from pose_action_ros.data.augment import PAPER
from pose_action_ros.data.files import read_picture, read_video
from pose_action_ros.data.prepared import PreparedLibrary, prepare_recording, start_cache
from pose_action_ros.data.recorded import Track, cut

# name: size of the picture, side of the window, video or not, frames read at a time
KINDS = {
    'MPII, 1280 x 720 JPEG': ((1280, 720), 450, False, 1),
    'Human3.6M, 1000 x 1002 JPEG': ((1000, 1002), 520, False, 1),
    'Penn Action, 480 x 270 JPEG, clip of 16': ((480, 270), 300, False, 16),
    'NTU RGB+D, 1920 x 1080 video, clip of 20': ((1920, 1080), 700, True, 20),
    'NTU RGB+D, 960 x 540 JPEG, clip of 20': ((960, 540), 350, False, 20),
}
FRAMES = 40


def textured(rng, width, height):
    """Smooth shapes with grain: compresses about as a photograph does."""
    image = cv2.resize(rng.integers(0, 255, (9, 16, 3), np.uint8), (width, height))
    grain = cv2.GaussianBlur(rng.normal(0, 22, (height, width, 3)).astype(np.float32), (0, 0), 1)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


class Recording:
    """One recording of noise with one person in the middle; a `Library`."""

    name, skeleton, actions, stride, every = 'noise', PA16J, (), 1, None

    def __init__(self, folder, size, window, video):
        self.folder, self.size, self.window, self.video = folder, size, window, video
        rng = np.random.default_rng(0)
        images = [textured(rng, *size) for _ in range(4)]
        folder.mkdir(parents=True)
        if video:
            self.path = folder / 'a.avi'
            writer = cv2.VideoWriter(str(self.path), cv2.VideoWriter_fourcc(*'XVID'), 30, size)
            for frame in range(FRAMES):
                writer.write(images[frame % 4])
            writer.release()
        else:
            for frame in range(FRAMES):
                cv2.imwrite(str(folder / f'{frame:06d}.jpg'), images[frame % 4])

    def __len__(self):
        return 1

    def title(self, index):
        """Return a name."""
        return 'noise'

    def length(self, index):
        """Return the number of frames."""
        return FRAMES

    def action(self, index):
        """Return that there is none."""
        return -1

    def track(self, index, frames):
        """Return a person in the middle."""
        width, height = self.size
        joints = np.full((len(frames), 16, 2), (width / 2, height / 2))
        unknown = np.full((len(frames), 16, 3), np.nan)
        return Track(
            joints, unknown[..., 0], PersonBox(width / 2, height / 2, self.window), unknown
        )

    def images(self, index, frames):
        """Return frames as a reader does."""
        if self.video:
            return read_video(self.path, frames)
        return [read_picture(self.folder / f'{frame:06d}.jpg') for frame in frames]


def rates(library, frames_at_once, seconds):
    """Crops a second of reading, of cutting, and of both."""
    rng = np.random.default_rng(1)
    spent, crops = {'read': 0.0, 'cut': 0.0}, 0
    while sum(spent.values()) < seconds:
        start = int(rng.integers(FRAMES - frames_at_once + 1))
        frames = range(start, start + frames_at_once)
        begin = time.process_time()
        images = library.images(0, frames)
        middle = time.process_time()
        cut(library.track(0, frames), images, PA16J, PAPER.draw(rng))
        spent['cut'] += time.process_time() - middle
        spent['read'] += middle - begin
        crops += frames_at_once
    return crops / spent['read'], crops / spent['cut'], crops / sum(spent.values())


def main():
    """Measure all kinds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=3.0, help='per line')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print('| crops a second, one core | decode | crop | both |')
    print('|---|---:|---:|---:|')
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, (size, window, video, at_once)) in enumerate(KINDS.items()):
            original = Recording(Path(folder) / f'{number}', size, window, video)
            cache = Path(folder) / f'cache{number}'
            prepare_recording(cache, original, 0, start_cache(cache, PAPER.extent))
            for label, library in (
                (name, original),
                ('... prepared', PreparedLibrary(original, cache)),
            ):
                values = rates(library, at_once, arguments.seconds)
                print(f'| {label} | {" | ".join(f"{value:.0f}" for value in values)} |')


if __name__ == '__main__':
    main()
