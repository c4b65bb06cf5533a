"""Cost of the node beyond the network: decode, crop, result, messages, publish; 640 x 480.

Run: .venv/bin/python benchmarks/node_cost.py
"""

import os

os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('ROS_DOMAIN_ID', '99')

import cv2
import rclpy
from rich.console import Console
from rich.table import Table
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from pose_action_ros.cli.bench_measure import in_turns
from pose_action_ros.cli.bench_stages import Replay
from pose_action_ros.core.predictions import PersonBox
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.geometry import Camera, crop_transform, extract_crop
from pose_action_ros.inference import PoseActionStream
from pose_action_ros.messages.action import action_to_msg
from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.messages.markers import MarkerBuilder, MarkerSettings
from pose_action_ros.messages.pose import SourceImage, pose_to_msg
from pose_action_ros.models import open_model
from pose_action_ros.msg import ActionLabel, Pose3D
from pose_action_ros.ros.image_decoder import ImageDecoder
from pose_action_ros.ros.message_types import MAKE
from pose_action_ros.runtime import Engine
from pose_action_ros.simulation.scene import SimulatedFilm

SIZE = (640, 480)


def main():
    """Measure, and print the table."""
    cv2.setNumThreads(1)
    film = SimulatedFilm(seed=1, width=SIZE[0], height=SIZE[1], fps=20.0)
    shot = film.frame(1.0)
    header = Header(frame_id='camera')
    messages = {'rgb8': image_to_msg(MAKE, shot.image_rgb, header, 'rgb8')}
    messages['bgr8'] = image_to_msg(MAKE, shot.image_rgb[..., ::-1], header, 'bgr8')
    engine = Engine(open_model('demo'), 'cpu', 1)
    config, boxes = engine.config, [PersonBox(SIZE[0] / 2, SIZE[1] / 2, 0.8 * SIZE[1])]
    stream = PoseActionStream(Replay(engine))
    camera = Camera.from_field_of_view(*SIZE, 60.0)
    stamps = iter(range(0, 1 << 60, 66_666_667))
    see = lambda: stream.process(shot.image_rgb, next(stamps), camera=camera, boxes=boxes)  # noqa: E731
    for _ in range(20):
        person = see().persons[0]
    skeleton, codec = get_skeleton(config.layout), ImageDecoder()
    builder = MarkerBuilder(MAKE, skeleton, MarkerSettings())
    source = SourceImage(header, SIZE, config.name)
    pose = pose_to_msg(MAKE, person, skeleton, source)
    window = crop_transform(person.box)

    rclpy.init()
    node = rclpy.create_node('cost')
    publishers = [
        node.create_publisher(kind, name, 10)
        for kind, name in ((Pose3D, 'poses'), (ActionLabel, 'actions'), (MarkerArray, 'markers'))
    ]
    for publisher in publishers:  # somebody listens, so that messages really go out
        node.create_subscription(publisher.msg_type, publisher.topic_name, lambda msg: None, 10)

    def publish():
        publishers[0].publish(pose_to_msg(MAKE, person, skeleton, source))
        publishers[1].publish(action_to_msg(MAKE, person.action, 1, header, config.name))
        publishers[2].publish(MarkerArray(markers=builder.build(pose, 'wave 87 %')))

    things = {f'decode {name}': lambda m=msg: codec.to_rgb(m) for name, msg in messages.items()}
    things['crop'] = lambda: extract_crop(shot.image_rgb, window)
    things['stream without network (crop, clip, metres)'] = see
    things['messages and publish'] = publish
    times = in_turns(things, 200)
    table = Table('stage', 'median ms', 'p95 ms', title='beyond the network, one core, 640 x 480')
    for name, value in times.items():
        table.add_row(name, f'{value.median_ms:.2f}', f'{value.p95_ms:.2f}')
    total = sum(
        times[name].median_ms
        for name in ('decode bgr8', 'stream without network (crop, clip, metres)',
                     'messages and publish')
    )  # fmt: skip
    table.add_row('together (bgr8)', f'{total:.2f}', '')
    Console().print(table)
    rclpy.shutdown()


if __name__ == '__main__':
    main()
