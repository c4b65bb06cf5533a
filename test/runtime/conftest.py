"""What the tests of the runtime share."""

import pytest


@pytest.fixture(scope='module')
def net(tiny, filled):
    """A narrow network with actions on clips of 8 frames."""
    return filled(tiny('compact', clip_frames=8))
