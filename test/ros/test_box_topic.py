"""Where people are, when somebody else says so."""

import pytest

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.ros import box_topic
from pose_action_ros.ros.box_topic import open_box_topic


def test_without_vision_msgs_detections_are_refused(monkeypatch):
    monkeypatch.setattr(box_topic, 'find_vision_msgs', lambda: None)
    with pytest.raises(ConfigError, match='vision_msgs'):
        open_box_topic('detections')
