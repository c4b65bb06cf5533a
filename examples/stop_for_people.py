"""Stops a robot while somebody may be too near, or nothing is known: `stop`, 20 times a second."""

import signal

import numpy as np
import rclpy
from rclpy.node import Node
from std_msgs.msg import Bool

from pose_action_ros.msg import PersonArray


class StopForPeople(Node):
    def __init__(self):
        super().__init__('stop_for_people')
        self.distance_m = self.declare_parameter('distance_m', 1.5).value
        self.wait_s = self.declare_parameter('wait_s', 0.5).value
        self.seen_s = self.near_s = float('-inf')  # stamps of images: newest, last near
        self.stop = self.create_publisher(Bool, 'stop', 1)
        self.create_subscription(PersonArray, 'people', self.on_people, 1)
        self.create_timer(0.05, self.on_timer)

    def on_people(self, msg):
        self.seen_s = msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9
        for pose in (person.pose for person in msg.people):
            distance_m = np.linalg.norm(root := [pose.root.x, pose.root.y, pose.root.z])
            sigma_m = np.sqrt(root @ pose.root_covariance.reshape(3, 3) @ root) / distance_m
            if not distance_m - 2.0 * sigma_m > self.distance_m:  # also where it is NaN: unknown
                self.near_s = self.seen_s

    def on_timer(self):
        age_s = self.get_clock().now().nanoseconds * 1e-9 - self.seen_s
        self.stop.publish(Bool(data=not abs(age_s) < self.wait_s < abs(self.seen_s - self.near_s)))


rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
node, stopped = StopForPeople(), []
signal.signal(signal.SIGINT, lambda *_: stopped.append(True))  # Ctrl-C interrupts no callback
while not stopped:
    rclpy.spin_once(node, timeout_sec=0.1)
