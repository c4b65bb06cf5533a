"""The node: turns images into people, poses and actions. The contract is docs/ros_interface.md.

A managed node: `configure` loads the network and warms it up while the executor continues, and
`cleanup` frees it. Image callbacks only store the newest frame. One worker thread does the rest.
"""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleNodeMixin, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_srvs.srv import SetBool, Trigger

from pose_action_ros.core.errors import PoseActionError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.ros.box_topic import BoxTopic, open_box_topic
from pose_action_ros.ros.diagnostics import NodeStatistics, diagnostics_to_msg, resident_mib
from pose_action_ros.ros.health import Health
from pose_action_ros.ros.image_decoder import ImageDecoder
from pose_action_ros.ros.inputs import Inputs
from pose_action_ros.ros.network_loader import NetworkLoader
from pose_action_ros.ros.outputs import Outputs
from pose_action_ros.ros.parameters import (
    changes_at_configure,
    check_settings,
    declare_settings,
    numbers_as_declared,
    read_settings,
)
from pose_action_ros.ros.person_frames import PersonFrames
from pose_action_ros.ros.problem_log import ProblemLog
from pose_action_ros.ros.renamed import (
    refuse_old_changes,
    refuse_old_parameters,
    refuse_old_topics,
)
from pose_action_ros.ros.settings import NodeSettings
from pose_action_ros.ros.target_frame import TargetFrame
from pose_action_ros.ros.topic_errors import naming_topic, without_places
from pose_action_ros.ros.worker import FrameWorker

if TYPE_CHECKING:
    from collections.abc import Generator

    from lifecycle_msgs.srv import ChangeState
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.lifecycle import LifecycleState
    from rclpy.parameter import Parameter

    from pose_action_ros.inference.stream import PoseActionStream

__all__ = ['PoseActionNode']

_PRIMARY_STATES = (
    State.PRIMARY_STATE_UNCONFIGURED,
    State.PRIMARY_STATE_INACTIVE,
    State.PRIMARY_STATE_ACTIVE,
)
_POLL_S = 0.01  # while the network loads


class _OneTurn:
    """Awaited, it lets the executor run other callbacks."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class PoseActionNode(LifecycleNode):
    """The lifecycle node `pose_action`."""

    def __init__(self) -> None:
        Node.__init__(self, 'pose_action')
        # A slow transition must not delay the answers of other services.
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._on_change_state
        refuse_old_parameters(self)
        declare_settings(self, NodeSettings())
        self.settings = self._configured = read_settings(self, NodeSettings)
        # rclpy joins what such callbacks return, so there is one for all.
        self.add_pre_set_parameters_callback(
            lambda changes: numbers_as_declared(self, refuse_old_changes(changes))
        )
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._on_parameters)
        self._statistics = NodeStatistics()
        self._decoder = ImageDecoder()
        self._stream: PoseActionStream | None = None
        self._outputs: Outputs | None = None
        self._inputs: Inputs | None = None
        self._boxes: BoxTopic | None = None
        self._worker: FrameWorker | None = None
        self._target: TargetFrame | None = None
        self._frames: PersonFrames | None = None
        self._loader: NetworkLoader | None = None
        self._enabled = True
        self._failure = ''
        self._problem_log = ProblemLog(self.get_logger())
        with naming_topic(self, '/diagnostics', 'publisher'):
            self._diagnostics = self.create_publisher(
                DiagnosticArray,
                '/diagnostics',
                1,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        self.create_service(Trigger, '~/reset', self._on_reset)
        self.create_service(SetBool, '~/enable', self._on_enable)
        # Diagnostics continue while a simulation or a recording is paused.
        self.create_timer(1.0, self._on_second, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def is_loading(self) -> bool:
        """A network is being loaded, in a thread that can't be interrupted."""
        return self._loader is not None and self._loader.is_loading

    def log_failure(self, error: Exception) -> None:
        """Count and log an error of a callback, also of rclpy's own: no request ends the node."""
        self._statistics.callbacks_failed += 1
        text = f'a message or request was skipped: {error!r}'
        self.get_logger().error(text, throttle_duration_sec=1.0)

    async def start(self) -> None:
        """Configure and activate; if `configure` fails, the node waits for a manager."""
        if await self._configure() is TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    # Lifecycle ------------------------------------------------------------------------------

    async def _on_change_state(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        """Configure while the executor continues; all other transitions are quick.

        A transition that the state does not allow is refused here, because Jazzy's rclpy would
        end the node.
        """
        number, state = self._state_machine.current_state
        wanted = request.transition.label or request.transition.id
        possible = self._state_machine.available_transitions
        names = {name for at, label, *_ in possible for name in (at, label)}
        if number not in _PRIMARY_STATES or wanted not in names:
            self.get_logger().warning(f'transition {wanted!r} is refused: the node is {state}')
            response.success = False
        elif wanted in ('configure', Transition.TRANSITION_CONFIGURE):
            response.success = await self._configure() is TransitionCallbackReturn.SUCCESS
        else:
            response = self._change_state(request, response)
        return response

    async def _configure(self) -> TransitionCallbackReturn:
        """As `trigger_configure`, while the executor continues."""
        self._state_machine.trigger_transition_by_id(Transition.TRANSITION_CONFIGURE, True)
        try:
            loader = self._prepare()
            loader.start()
            while self.is_loading:
                time.sleep(_POLL_S)  # otherwise the executor would spin without a pause
                await _OneTurn()
            result = self._finish(loader)
        except Exception as error:
            if not self.context.ok():  # a signal has ended ROS meanwhile
                return TransitionCallbackReturn.FAILURE
            result = self._fail(error)
        self._state_machine.trigger_transition_by_label(result.to_label(), True)
        return result

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the weights, warm the network up, create subscriptions and publishers."""
        try:
            return self._finish(self._prepare())
        except Exception as error:  # rclpy hides the errors that it catches
            return self._fail(error)

    def _prepare(self) -> NetworkLoader:
        """Create publishers and check settings first, because the network takes seconds to load.

        The subscriptions come last, so a publisher that waits for one loses no image.
        """
        settings = self.settings = self._configured = read_settings(self, NodeSettings)
        self._failure = ''
        self._decoder.infrared = settings.image_infrared
        if settings.person_source == 'detections':
            refuse_old_topics(self, sys.argv)
        self._boxes = open_box_topic(settings.person_source)
        if settings.publish_tf:
            self._frames = PersonFrames(self)
        if settings.target_frame:
            self._target = TargetFrame(self, settings.target_frame)
        self._outputs = Outputs(self, self._target, self._frames)
        self._loader = NetworkLoader(settings, self.get_logger())
        return self._loader

    def _finish(self, loader: NetworkLoader) -> TransitionCallbackReturn:
        stream = self._stream = loader.finish()
        stream.settings = self.settings  # which may have changed meanwhile
        if self._outputs is None:
            return TransitionCallbackReturn.ERROR
        self._outputs.describe(
            get_skeleton(stream.layout), stream.model_name, stream.labels, self.settings.viz
        )
        for note in stream.notes:
            self.get_logger().info(note)
        if self._decoder.reason:
            self.get_logger().info(f'images are decoded by this package: {self._decoder.reason}')
        self._inputs = Inputs(self, self.settings, self._boxes, self._statistics)
        self._inputs.enabled = self._enabled
        self.get_logger().info(
            f'{stream.model_name} is loaded on {stream.device}, images from '
            f'{self._inputs.image_topic}'
        )
        return TransitionCallbackReturn.SUCCESS

    def _fail(self, error: Exception) -> TransitionCallbackReturn:
        expected = isinstance(error, (PoseActionError, MemoryError))
        text = ' '.join(without_places(error).split())
        self._failure = text if text and expected else f'{type(error).__name__}({text})'
        self.get_logger().error(f'not configured: {self._failure}')
        self._release()
        return TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start the worker."""
        result = super().on_activate(state)
        if self._stream is None or self._outputs is None or self._inputs is None:
            return TransitionCallbackReturn.ERROR
        self._statistics.start()
        self._worker = FrameWorker(
            decoder=self._decoder,
            matched=self._inputs.matched,
            stream=self._stream,
            outputs=self._outputs,
            statistics=self._statistics,
            settings=self.settings,
            clock=self.get_clock(),
            logger=self.get_logger(),
        )
        self._inputs.slot = self._worker.slot
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the worker, drop the tracks and remove the markers."""
        self.stop_work()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the network and its memory."""
        self._release()
        self._failure = ''
        return TransitionCallbackReturn.SUCCESS

    def _release(self) -> None:
        for part in (self._inputs, self._outputs, self._target, self._frames, self._stream):
            if part is not None:
                part.close()
        self._inputs = self._outputs = self._target = self._frames = self._stream = None

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the worker and free everything."""
        self.on_deactivate(state)
        return self.on_cleanup(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Return to unconfigured, from where `configure` may be tried again."""
        result = self.on_shutdown(state)
        self._failure = f'a transition from {state.label} has failed'
        return result

    def stop_work(self) -> None:
        """End the worker after its frame: no process may end while a network runs in it."""
        if self._inputs is not None:
            self._inputs.slot = None
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    # Services and parameters ----------------------------------------------------------------

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._stream is None:
            response.message = 'nothing to reset: the node is not configured'
            return response
        if self._worker is not None:
            self._worker.reset()
        response.success, response.message = True, 'all tracks and clips are dropped'
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data and not self._enabled:
            self._statistics.start()  # the past of before the pause explains nothing
        self._enabled = request.data
        if self._inputs is not None:
            self._inputs.enabled = request.data
        response.success, response.message = True, 'running' if request.data else 'paused'
        return response

    def _check_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        is_in_use = self._worker is not None or self.is_loading
        in_use = self._configured if is_in_use else None
        state = self._state_machine.current_state[1]
        return check_settings(self, NodeSettings, changes, in_use=in_use, state=state)

    def _on_parameters(self, changes: list[Parameter]) -> None:
        settings = self.settings = read_settings(self, NodeSettings)
        if self._inputs is not None:
            self._inputs.change(settings)
        if self._worker is not None:
            self._worker.change(settings)
        elif self._stream is not None and self._outputs is not None:
            self._stream.settings = settings
            self._outputs.redraw(settings.viz)

    # Diagnostics ----------------------------------------------------------------------------

    def _on_second(self) -> None:
        if self._inputs is not None:
            self._inputs.fit()
        level, text = self._health()
        worker, stream = self._worker, self._stream
        values = {
            **self._statistics.values(),
            **self._statistics.distance(),
            'frames_received': worker.slot.received if worker else 0,
            'frames_dropped': worker.slot.dropped if worker else 0,
            **self._statistics.counts(),
            'clip_fill': self._statistics.clip_fill if worker else 0.0,
            'device': stream.device if stream else '',
            'model': stream.model_name if stream else '',
            'image_decoder': self._decoder.decoder,
            'memory_mib': resident_mib(),
        }
        stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name()
        self._diagnostics.publish(diagnostics_to_msg(stamp, name, level, text, values))

    def _health(self) -> tuple[bytes, str]:
        if self._loader is not None and self._loader.is_loading:
            return DiagnosticStatus.OK, f'configuring: {self._loader.progress}'
        if self._failure:
            return DiagnosticStatus.ERROR, f'not configured: {self._failure}'
        if self._state_machine.current_state[0] == State.PRIMARY_STATE_FINALIZED:
            return DiagnosticStatus.OK, 'finalized: the node was shut down'
        if self._stream is None:
            return DiagnosticStatus.OK, 'unconfigured: no network is loaded'
        problems = self._problems()
        self._problem_log.warn(problems)
        if problems:
            return DiagnosticStatus.WARN, '; '.join(problems.values())
        if self._worker is None:
            return DiagnosticStatus.OK, 'inactive'
        return DiagnosticStatus.OK, 'running' if self._enabled else 'paused'

    def _problems(self) -> dict[str, str]:
        """Faults that keep the node from its work, by cause; a pause is none."""
        worker, inputs, stream = self._worker, self._inputs, self._stream
        unused = changes_at_configure(self._configured, self.settings)
        found = {}
        if unused:
            found['unused'] = (
                f'{", ".join(unused)} changed since configure and is not in use: clean up and '
                'configure again'
            )
        if worker is None or inputs is None or stream is None or not self._enabled:
            return found
        calibration = inputs.matched.calibration
        if worker.image_size is not None:
            calibration = calibration.for_image(*worker.image_size)
        if stream.is_3d:
            self._problem_log.warn({'scaled': calibration.note}, repeat_s=math.inf)
        health = Health(inputs, self._statistics, stream, self._target, self.get_clock())
        return found | health.problems(calibration, self.settings.clip.max_gap)
