"""Frames of clips, against what the authors' code chose."""

from pathlib import Path

import numpy as np
import pytest

from pose_action_ros.core.errors import DatasetError
from pose_action_ros.data.clips import clip_frames, clip_starts, multi_clips

REFERENCE = np.load(Path(__file__).parents[1] / 'fixtures' / 'geometry_metrics_ref.npz')
CASES = [name for name in REFERENCE.files if name.startswith('clipidx_')]


@pytest.mark.parametrize('name', CASES)
def test_the_middle_clip_is_the_authors(name):
    length, stride, frames = (
        int(''.join(c for c in part if c.isdigit())) for part in name.split('_')[1:]
    )
    assert clip_frames(length, frames, stride) == REFERENCE[name].tolist()


def test_there_are_reference_clips():
    assert len(CASES) == 12


def test_drawn_clips_lie_in_the_video_and_reach_both_ends():
    rng = np.random.default_rng(0)
    clips = [clip_frames(20, 4, 3, rng) for _ in range(200)]
    assert {clip[0] for clip in clips} == set(range(11))
    assert all(np.diff(clip).tolist() == [3, 3, 3] for clip in clips)
    short = [clip_frames(3, 8, 2, rng) for _ in range(50)]
    assert all(clip == sorted(clip) and clip[0] >= 0 and clip[-1] < 3 for clip in short)


def test_multi_clips_start_every_half_clip_and_one_frame():
    assert clip_starts(50, 16, 2) == [0, 9, 18]  # 18 + 32 = 50 just fits
    assert clip_starts(49, 16, 2) == [0, 9]
    assert clip_starts(31, 16, 2) == []
    assert multi_clips(33, 16, 2) == [list(range(0, 32, 2))]


def test_no_frames_are_refused():
    with pytest.raises(DatasetError, match='no clip of 16 frames'):
        clip_frames(0, 16, 1)
