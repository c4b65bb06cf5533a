"""Reacts once when a person begins an action, not with every image: a String on `reactions`."""

import signal

import rclpy
from rclpy.node import Node
from std_msgs.msg import String

from pose_action_ros.msg import PersonArray


class ReactToAction(Node):
    def __init__(self):
        super().__init__('react_to_action')
        self.label = self.declare_parameter('label', 'wave').value
        self.pause_s = self.declare_parameter('pause_s', 2.0).value
        self.last_s = {}  # by track: stamp of the last image in which the person did it
        self.reactions = self.create_publisher(String, 'reactions', 10)
        self.create_subscription(PersonArray, 'people', self.on_people, 10)

    def on_people(self, msg):
        stamp_s = msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9
        for person in msg.people:
            if person.action.valid and person.action.label == self.label:
                last_s = self.last_s.get(person.track_id, float('-inf'))
                self.last_s[person.track_id] = stamp_s
                if abs(stamp_s - last_s) > self.pause_s:
                    self.react(person)
        for track_id in msg.ended_tracks:
            self.last_s.pop(track_id, None)

    def react(self, person):
        self.reactions.publish(String(data=f'person {person.track_id}: {person.action.label}'))


rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
node, stopped = ReactToAction(), []
signal.signal(signal.SIGINT, lambda *_: stopped.append(True))  # Ctrl-C interrupts no callback
while not stopped:
    rclpy.spin_once(node, timeout_sec=0.1)
