"""While the network loads the node speaks and answers; a signal ends it at once and quietly."""

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from pose_action_ros.messages.image import image_to_msg
from pose_action_ros.msg import PersonArray
from pose_action_ros.ros.message_types import MAKE

pytestmark = pytest.mark.ros
SLOW = 'untrained:ntu'  # takes seconds to make and to warm up
# Stands in for the network, which takes as long to load as the test needs.
ENDLESS = """
import builtins, sys, time

real = builtins.__import__

def watch(name, *args, **kwargs):
    module = real(name, *args, **kwargs)
    stream = sys.modules.get('pose_action_ros.inference.stream')
    if hasattr(stream, 'PoseActionStream'):
        stream.PoseActionStream.open = lambda *a, **k: time.sleep(3600)
        builtins.__import__ = real
    return module

builtins.__import__ = watch
"""


@pytest.fixture
def endless(tmp_path):
    """A folder that makes loading take a minute in the node."""
    (tmp_path / 'sitecustomize.py').write_text(ENDLESS)
    return tmp_path


def loading(diagnostics):
    return [
        status
        for array in diagnostics
        for status in array.status
        if status.message.startswith('configuring')
    ]


def test_the_node_answers_while_it_configures(graph, endless):
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', path=endless, autostart='false')
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    labels = {'activate', 'cleanup', 'transition_success', 'no such'}
    refused(graph, 'unconfigured', labels, {3, 7, 255})
    client = graph.node.create_client(ChangeState, '/pose_action/change_state')
    graph.wait(client.service_is_ready, what='service')
    answer = client.call_async(request)
    graph.wait(lambda: len(loading(diagnostics)) >= 2, what='diagnostics of a node that loads')
    assert {status.level for status in loading(diagnostics)} == {DiagnosticStatus.OK}
    state = graph.call(GetState, '/pose_action/get_state', GetState.Request()).current_state
    assert (state.id, state.label) == (State.TRANSITION_STATE_CONFIGURING, 'configuring')
    reset = graph.call(Trigger, '/pose_action/reset', Trigger.Request())
    assert 'not configured' in reset.message
    value = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=True)
    change = SetParameters.Request(parameters=[Parameter(name='use_depth', value=value)])
    refusal = graph.call(SetParameters, '/pose_action/set_parameters', change).results[0]
    assert 'use_depth takes effect at configure, and the node is configuring' in refusal.reason
    # The last two would end the transition in the place of the node.
    refused(graph, 'configuring', {'configure', 'transition_success'}, {1, 5, 10, 11})
    assert not answer.done()


def test_a_node_that_was_shut_down_says_so(graph):
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', autostart='false')
    shutdown = Transition(id=Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    request = ChangeState.Request(transition=shutdown)
    assert graph.call(ChangeState, '/pose_action/change_state', request).success
    last = lambda: diagnostics[-1].status[0] if diagnostics else DiagnosticStatus()  # noqa: E731
    graph.wait(lambda: 'shut down' in last().message, what='text of a node that was shut down')
    assert last().level == DiagnosticStatus.OK


@pytest.mark.parametrize('topic', ['/diagnostics', '/poses'])
def test_a_wrong_override_names_its_topic(graph, topic, weights):
    """That of /diagnostics ends the node at its start, any other one leaves it unconfigured."""
    name = f'qos_overrides.{topic}.publisher.reliability'
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', **{name: 'fast', 'model.weights': weights})
    if topic == '/diagnostics':
        process = graph.processes.pop('pose_action_node')
        _, log = process.communicate(timeout=240)
        assert process.returncode == 1
        assert 'Traceback' not in log
    else:
        failed = lambda: [  # noqa: E731
            a.status[0].message for a in diagnostics if a.status[0].level == DiagnosticStatus.ERROR
        ]
        graph.wait(failed, what='a failed configuration')
        log = failed()[-1]
    assert f'the publisher of {topic} is refused: ' in log
    assert f'correct qos_overrides.{topic}.publisher.*' in log


def test_a_request_that_rclpy_fails_on_does_not_end_the_node(graph):
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', autostart='false')
    value = ParameterValue(type=42)  # no parameter has such a type
    request = SetParameters.Request(parameters=[Parameter(name='body.height', value=value)])
    client = graph.node.create_client(SetParameters, '/pose_action/set_parameters')
    graph.wait(client.service_is_ready, what='service')
    answer = client.call_async(request)
    for _ in range(2):
        state = graph.call(GetState, '/pose_action/get_state', GetState.Request()).current_state
        assert state.id == State.PRIMARY_STATE_UNCONFIGURED
    assert not answer.done()
    counted = lambda: [  # noqa: E731
        v.value
        for array in diagnostics
        for v in array.status[0].values
        if v.key == 'callbacks_failed'
    ]
    graph.wait(lambda: counted()[-1:] == ['1'], what='the failure in the diagnostics')
    status, log = graph.stop('pose_action_node')
    assert status == 0
    assert 'a message or request was skipped: ValueError(' in log


def refused(graph, state, labels, numbers):
    """Ask for transitions, each of which the node must refuse and stay what it is."""
    asked = [Transition(label=label) for label in sorted(labels)]
    asked += [Transition(id=number) for number in sorted(numbers)]
    for transition in asked:
        request = ChangeState.Request(transition=transition)
        assert not graph.call(ChangeState, '/pose_action/change_state', request).success
        now = graph.call(GetState, '/pose_action/get_state', GetState.Request()).current_state
        assert now.label == state


def test_results_have_topics_and_the_node_reports_before_the_network_is_loaded(graph, endless):
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', path=endless, **{'model.weights': 'demo'})
    graph.wait(lambda: loading(diagnostics), what='diagnostics of a node that loads')
    node = graph.node
    graph.wait(
        lambda: all(node.count_publishers(f'/{name}') for name in ('poses', 'actions', 'markers')),
        what='topics of results',
    )
    # A player that waits for a subscription would send images that nobody can process yet.
    assert not node.count_subscribers('/image')
    texts = [status.message for status in loading(diagnostics)]
    assert re.fullmatch(r'configuring: loading demo: importing PyTorch \(\d+ s\)', texts[-1])
    graph.wait(lambda: len({s.message for s in loading(diagnostics)}) > 1, what='time that passes')
    _, log = graph.stop('pose_action_node')
    first, second = [line for line in log.splitlines() if '[pose_action]' in line][:2]
    assert first.endswith('starts')
    assert 'loading demo: importing PyTorch' in second


def test_the_first_image_after_the_subscription_is_processed(graph, weights):
    """A publisher that waits for the subscription, such as a recording, loses no image."""
    people = graph.collect(PersonArray, 'people')
    images = graph.publisher(Image, 'image')
    graph.start('pose_action_node', **{'model.weights': weights, 'model.backend': 'torch'})
    graph.wait(images.get_subscription_count, what='subscription to images')
    graph.wait(lambda: graph.node.count_publishers('/people'), what='publisher of people')
    sent = image_to_msg(MAKE, np.zeros((48, 64, 3), np.uint8), Header(stamp=Time(sec=5)), 'rgb8')
    images.publish(sent)
    graph.wait(lambda: people, what='result')
    assert people[0].header.stamp == sent.header.stamp


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_loads(graph, endless, how):
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.start('pose_action_node', path=endless)
    graph.wait(lambda: loading(diagnostics), what='diagnostics of a node that loads')
    status, log = end(graph, how)  # long before the hour that loading takes
    assert status == 0
    assert all('[INFO]' in line for line in log.splitlines()), log


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('after_s', [0.0, 0.7, 1.5, 3.0])
def test_a_signal_ends_it_whenever_it_comes(graph, how, after_s):
    """While it imports, while it loads a real network, or as soon as that is loaded."""
    graph.start('pose_action_node', **{'model.weights': SLOW})
    wait_for_handler(graph.processes['pose_action_node'].pid)
    time.sleep(after_s)  # where it is then is another place on every machine
    status, log = end(graph, how)
    assert status == 0, log
    assert not [line for line in log.splitlines() if '[INFO]' not in line], log


def wait_for_handler(pid):
    """Wait until the interpreter has come to our code, which catches SIGTERM first of all."""
    caught = ''
    while not int(caught or '0', 16) >> (signal.SIGTERM - 1) & 1:
        time.sleep(0.01)
        status = Path(f'/proc/{pid}/status').read_text()
        caught = status.partition('SigCgt:')[2].split()[0]


def end(graph, how):
    """Send a signal; return exit status and log."""
    process = graph.processes.pop('pose_action_node')
    process.send_signal(how)
    _, log = process.communicate(timeout=240)
    return process.returncode, log
