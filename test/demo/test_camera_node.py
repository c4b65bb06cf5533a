"""The camera node in a process of its own: file, folder, actor, and what it says of each."""

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from pose_action_ros.demo.camera_settings import CameraSettings
from pose_action_ros.messages.stamp import stamp_from_msg
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.target_frame import FrameTransform
from pose_action_ros.simulation.scene import SimulatedFilm

pytestmark = pytest.mark.ros


def picture(level):
    image = np.full((48, 64, 3), level, np.uint8)
    image[:24] = (255, 0, 0)  # blue on top, in OpenCV's order
    return image


def test_a_folder_is_filmed_in_the_order_of_its_names(graph, tmp_path):
    for index in range(3):
        cv2.imwrite(str(tmp_path / f'{index}.png'), picture(100 + index))
    images = graph.collect(Image, 'image', 50)
    infos = graph.collect(CameraInfo, 'camera_info', 50)
    graph.start('camera_node', source=tmp_path, rate_hz=20.0)
    graph.wait(lambda: len(images) >= 6 and len(infos) >= 6)
    levels = [image.data[-1] for image in images]
    assert set(levels) == {100, 101, 102}
    assert tuple(images[0].data[:3]) == (0, 0, 255)
    assert images[0].encoding == 'rgb8'
    assert infos[0].k[0] == 0.0  # unknown: uncalibrated
    steps = np.diff([stamp_from_msg(image.header.stamp) for image in images])
    passed = np.round(steps / 50e6)  # a busy machine leaves some out
    assert passed * 50e6 == pytest.approx(steps, abs=1e3)
    assert ((np.diff(levels) - passed) % 3 == 0).all()


def test_a_video_is_filmed_at_its_own_rate_and_ends(graph, tmp_path):
    path = tmp_path / 'film.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 25.0, (64, 48))
    for index in range(125):
        writer.write(picture(2 * index))
    writer.release()
    images = graph.collect(Image, 'image', 50)
    infos = graph.collect(CameraInfo, 'camera_info', 50)
    log = graph.collect(Log, '/rosout', 50)
    parameters = {'source': path, 'loop': 'false', 'field_of_view_deg': 60.0}
    graph.start('camera_node', **parameters)
    graph.wait(lambda: images and infos)
    ended = lambda: any('the film has ended' in line.msg for line in log)  # noqa: E731
    graph.wait(ended, what='end of the film')
    assert 2 <= len(images) <= 125  # the first ones pass before the peer is found
    assert infos[0].k[0] == pytest.approx(32 / np.tan(np.radians(30)))
    _, log = graph.stop('camera_node')
    assert 'the film has ended' in log


def test_the_actor_comes_with_the_truth(graph):
    images = graph.collect(Image, 'image', 50)
    poses = graph.collect(Pose3D, 'camera/truth/poses', 50)
    actions = graph.collect(ActionLabel, 'camera/truth/actions', 50)
    compressed = graph.collect(CompressedImage, 'image/compressed', 50)
    infos = graph.collect(CameraInfo, 'camera_info', 50)
    graph.start('camera_node', width=320, height=240)
    graph.wait(lambda: len(images) > 2 and len(poses) > 2 and actions and compressed and infos)
    known = {stamp_from_msg(pose.header.stamp): pose for pose in poses}
    pose = next(
        known[stamp] for image in images if (stamp := stamp_from_msg(image.header.stamp)) in known
    )
    assert pose.reference == Pose3D.REFERENCE_CAMERA
    assert sum(actions[0].scores) == pytest.approx(1.0)
    focal, center = infos[0].k[0], infos[0].k[2]
    joint = pose.joints[0]
    assert joint.u == pytest.approx(focal * joint.position.x / joint.position.z + center, abs=0.1)
    shape = cv2.imdecode(np.frombuffer(compressed[0].data, np.uint8), cv2.IMREAD_COLOR).shape
    assert shape == (240, 320, 3)


def test_each_actor_has_a_truth_of_the_same_image(graph):
    poses = graph.collect(Pose3D, 'camera/truth/poses', 50)
    actions = graph.collect(ActionLabel, 'camera/truth/actions', 50)
    graph.start('camera_node', width=160, height=120, actors=2, seed=3)

    def of(messages):
        found = {}
        for msg in messages:
            found.setdefault(stamp_from_msg(msg.header.stamp), {})[msg.track_id] = msg
        return {stamp: actors for stamp, actors in found.items() if set(actors) == {0, 1}}

    graph.wait(lambda: set(of(poses)) & set(of(actions)), what='truth of both actors')
    first, second = next(iter(of(poses).values())).values()
    assert first.root != second.root


def test_the_camera_stands_in_the_world_for_those_who_come_later(graph):
    messages = pytest.importorskip('tf2_msgs.msg', reason='needs tf2_msgs, which no wheel carries')
    images = graph.collect(Image, 'image', 50)
    graph.start('camera_node', width=64, height=48)
    graph.wait(lambda: images, what='images')
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    found = graph.collect(messages.TFMessage, '/tf_static', latched)
    graph.wait(lambda: found, what='static transform')
    (transform,) = found[0].transforms
    assert transform.header.frame_id == 'world'
    assert transform.child_frame_id == images[0].header.frame_id
    expected = SimulatedFilm(seed=CameraSettings().seed, width=64, height=48).placement
    place = transform.transform.translation
    assert (place.x, place.y, place.z) == pytest.approx(expected[:, 3])
    np.testing.assert_allclose(FrameTransform.from_msg(transform).rotation, expected[:, :3])


@pytest.mark.parametrize('source', ['/no/such/film.mp4', 'empty'])
def test_a_source_that_is_not_there_is_said(graph, tmp_path, source):
    (tmp_path / 'empty').mkdir()
    graph.start('camera_node', source=source if source != 'empty' else tmp_path / 'empty')
    process = graph.processes.pop('camera_node')
    _, log = process.communicate(timeout=240)
    assert process.returncode == 1
    assert 'FATAL' in log
    assert source in log
    assert 'Traceback' not in log
