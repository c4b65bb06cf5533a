"""Where people are, when somebody else says so."""

import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.ros import box_sources
from pose_action_ros.ros.box_sources import open_box_source


def test_without_vision_msgs_detections_are_refused(monkeypatch):
    monkeypatch.setattr(box_sources, 'find_vision_msgs', lambda: None)
    with pytest.raises(ConfigError, match='vision_msgs'):
        open_box_source('detections')
