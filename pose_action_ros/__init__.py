"""2D and 3D pose and action of a person from one camera, in one pass of one network.

The package implements Luvizon, Picard and Tabia, "2D/3D Pose Estimation and Action
Recognition using Multitask Deep Learning" (CVPR 2018), and runs it on a robot. The tour,
from the ground up (each sub-package imports only those below it):

    core         joint layouts, results, errors
    geometry     images, person crops, cameras
    models       the network, one file per figure of the paper
    data         data sets, as one stream of samples
    metrics      MPJPE, PCKh, accuracy
    simulation   the actor that the demo films and the demo weights learn from
    runtime      runs a network: PyTorch, CUDA graphs, OpenVINO
    training     losses and Lightning modules
    inference    image in, FramePrediction out: the whole product without ROS
    teaching     own actions, learned from a folder of films
    export       the network as ONNX or OpenVINO files
    messages     results to messages and messages to inputs, with ROS and without
    view         a live page in the browser
    ros          the ROS 2 node
    recordings   rosbag2 in, rosbag2 out, without ROS
    batch        many inputs on the cores of a machine or on a cluster
    demo         the camera and the show
    cli          the `pose-action` command

Importing this package loads neither torch nor rclpy.
"""

from pkgutil import extend_path

# The built messages (pose_action_ros.msg) live in the install prefix, this code may live in a
# checkout: both are one package.
__path__ = extend_path(__path__, __name__)
