"""The node: images in; poses, actions and markers out. The contract is docs/ros_interface.md.

A managed node: `configure` loads the network and warms it up, `cleanup` frees it. The image
callback only stores the newest frame; one worker thread does the rest.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.qos import QoSProfile, qos_policy_name_from_kind, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import SetBool, Trigger

from pose_action_ros.core.errors import ConfigError, PoseActionError
from pose_action_ros.core.skeleton import get_skeleton
from pose_action_ros.geometry import read_calibration
from pose_action_ros.inference.side_inputs import DepthImages, SideInputs
from pose_action_ros.inference.stream import PoseActionStream
from pose_action_ros.ros.conversions import stamp_from_msg
from pose_action_ros.ros.diagnostics import (
    FrameTimes,
    NodeStatistics,
    diagnostics_to_msg,
    resident_mib,
)
from pose_action_ros.ros.image_codec import ImageCodec
from pose_action_ros.ros.intake import PublisherGaps
from pose_action_ros.ros.outputs import Outputs
from pose_action_ros.ros.parameters import (
    check_settings,
    declare_settings,
    numbers_as_declared,
    read_settings,
)
from pose_action_ros.ros.person_source import open_person_source
from pose_action_ros.ros.settings import NodeSettings
from pose_action_ros.ros.target_frame import TargetFrame
from pose_action_ros.ros.worker import FrameWorker, SeenFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rcl_interfaces.msg import SetParametersResult
    from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo
    from rclpy.lifecycle import LifecycleState
    from rclpy.parameter import Parameter
    from rclpy.subscription import Subscription

    from pose_action_ros.ros.person_source import DetectionSource, RegionSource

__all__ = ['PoseActionNode', 'main']

_SILENCE_S = 2.0
_NEWEST_ONLY = QoSProfile(
    depth=1,
    reliability=qos_profile_sensor_data.reliability,
    durability=qos_profile_sensor_data.durability,
)


class PoseActionNode(LifecycleNode):
    """The lifecycle node `pose_action`."""

    def __init__(self) -> None:
        super().__init__('pose_action')
        declare_settings(self, NodeSettings())
        self.settings = read_settings(self, NodeSettings)
        self.add_pre_set_parameters_callback(lambda changes: numbers_as_declared(self, changes))
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._on_parameters)
        self._statistics = NodeStatistics()
        self._codec = ImageCodec()
        self._stream: PoseActionStream | None = None
        self._outputs: Outputs | None = None
        self._worker: FrameWorker | None = None
        self._gaps = PublisherGaps()
        self._enabled = True
        self._side = SideInputs()
        self._target: TargetFrame | None = None
        self._failure = 'no network is loaded'
        self._subscriptions_of_ours: list[Subscription] = []
        self._diagnostics = self.create_publisher(
            DiagnosticArray,
            '/diagnostics',
            1,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self.create_service(Trigger, '~/reset', self._on_reset)
        self.create_service(SetBool, '~/enable', self._on_enable)
        # Diagnostics go on while a simulation or a recording is paused.
        self.create_timer(1.0, self._on_second, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def start(self) -> None:
        """Configure and activate; where configuring fails the node waits for a manager."""
        if self.trigger_configure() is TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    # Lifecycle ------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the weights, warm the network up, create subscriptions and publishers."""
        self.settings = read_settings(self, NodeSettings)
        try:
            stream = self._open()
        except Exception as error:  # rclpy keeps what it catches to itself
            expected = isinstance(error, (PoseActionError, MemoryError))
            text = ' '.join(str(error).split()) if expected else ''
            self._failure = text or repr(error)
            self.get_logger().error(f'not configured: {self._failure}')
            self._release()
            return TransitionCallbackReturn.FAILURE
        for note in stream.notes:
            self.get_logger().info(note)
        if self._codec.reason:
            self.get_logger().info(f'images are decoded by this package: {self._codec.reason}')
        self.get_logger().info(
            f'{stream.model_name} is loaded on {stream.device}, images from {self._image_topic}'
        )
        return TransitionCallbackReturn.SUCCESS

    def _open(self) -> PoseActionStream:
        """What fails fast comes first: the network takes seconds to load."""
        settings, model = self.settings, self.settings.model
        source = open_person_source(settings.person_source)
        if settings.target_frame:
            self._target = TargetFrame(self, settings.target_frame)
        stream = self._stream = PoseActionStream.open(
            model.weights,
            settings=settings,
            device=model.device,
            threads=model.threads,
            backend=model.backend,
            precision=model.precision,
        )
        self._outputs = Outputs(
            self,
            skeleton=get_skeleton(stream.layout),
            model=stream.model_name,
            labels=stream.labels,
            markers=settings.viz,
            target=self._target,
        )
        self._subscribe(source)
        return stream

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start the worker."""
        result = super().on_activate(state)
        if self._stream is None or self._outputs is None:
            return TransitionCallbackReturn.ERROR
        self._statistics.start()
        self._worker = FrameWorker(
            stream=self._stream,
            codec=self._codec,
            side=self._side,
            publish=self._publish,
            watched=self._outputs.watched,
            statistics=self._statistics,
            logger=self.get_logger(),
            settings=lambda: self.settings,
        )
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the worker, forget the tracks and remove the markers."""
        self.stop_work()
        if self._outputs is not None:
            self._outputs.delete_markers()
        if self._stream is not None:
            self._stream.reset()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the network and its memory."""
        self._release()
        self._failure = 'no network is loaded'
        return TransitionCallbackReturn.SUCCESS

    def _release(self) -> None:
        self._statistics.warnings.clear()
        for subscription in self._subscriptions_of_ours:
            self.destroy_subscription(subscription)
        self._subscriptions_of_ours.clear()
        if self._outputs is not None:
            self._outputs.close()
            self._outputs = None
        if self._target is not None:
            self._target.close()
            self._target = None
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free whatever there is."""
        self.on_deactivate(state)
        return self.on_cleanup(state)

    def stop_work(self) -> None:
        """End the worker after its frame: no process may end while a network runs in it."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Return to unconfigured, from where `configure` may be tried again."""
        return self.on_shutdown(state)

    # Inputs ---------------------------------------------------------------------------------

    def _subscribe(self, source: RegionSource | DetectionSource | None) -> None:
        settings = self.settings
        self._side = SideInputs(people=source)
        self._image_topic = self.resolve_topic_name('image')
        image_type: type = Image
        if settings.image_transport == 'compressed':
            self._image_topic += '/compressed'
            image_type = CompressedImage
        self._add_subscription(image_type, self._image_topic, self._on_image)
        self._add_subscription(CameraInfo, self._camera_info_topic(), self._on_camera_info)
        if settings.use_depth:
            depth = self._side.depth = DepthImages(self._codec.to_depth_m)
            put = lambda msg, _: depth.items.put(  # noqa: E731
                stamp_from_msg(msg.header.stamp), msg, time.monotonic_ns()
            )
            self._add_subscription(Image, 'depth', put)
        if source is not None:
            self._add_subscription(
                source.message_type,
                source.topic,
                lambda msg, _: source.put(
                    stamp_from_msg(msg.header.stamp) if hasattr(msg, 'header') else 0,
                    msg,
                    time.monotonic_ns(),
                ),
            )

    def _camera_info_topic(self) -> str:
        """Return the sibling of the resolved image topic, unless it was remapped itself."""
        resolved = self.resolve_topic_name('camera_info')
        plain = f'{self.get_namespace().rstrip("/")}/camera_info'
        if resolved != plain:
            return resolved
        return f'{self.resolve_topic_name("image").rpartition("/")[0]}/camera_info'

    def _add_subscription(self, message_type: type, topic: str, callback: Callable) -> None:
        def receive(msg: Any, info: Mapping[str, Any]) -> None:
            self._statistics.warnings.pop(f'qos {topic}', None)  # this publisher fits
            callback(msg, info)

        def warn_of_qos(event: QoSRequestedIncompatibleQoSInfo) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind)
            text = (
                f'{topic} is offered with an incompatible QoS ({policy}); set '
                f'qos_overrides.{self.resolve_topic_name(topic)}.subscription.* to fit'
            )
            self._statistics.warnings[f'qos {topic}'] = text
            self.get_logger().warning(text)

        self._subscriptions_of_ours.append(
            self.create_subscription(
                message_type,
                topic,
                receive,
                _NEWEST_ONLY,
                event_callbacks=SubscriptionEventCallbacks(incompatible_qos=warn_of_qos),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        )

    def _on_image(self, msg: Image | CompressedImage, info: Mapping[str, Any]) -> None:
        self._statistics.count_arrival()
        missed = self._gaps.missed(info)
        if self._worker is not None and self._enabled:
            self._worker.frames.put(msg, missed)

    def _on_camera_info(self, msg: CameraInfo, _: Mapping[str, Any]) -> None:
        self._side.calibration = read_calibration(msg, rectified=self.settings.image_rectified)

    # Results --------------------------------------------------------------------------------

    def _publish(self, seen: SeenFrame) -> None:
        clock = self.get_clock()
        start_ns = clock.now().nanoseconds
        if self._outputs is None:
            return
        self._outputs.publish(seen)
        end_ns = clock.now().nanoseconds
        prediction = seen.prediction
        for person in prediction.persons[:1]:  # the most certain
            self._statistics.count_distance(person.root_depth_sigma_m, person.scale_source)
        self._statistics.count_result(
            FrameTimes(
                age=(end_ns - stamp_from_msg(seen.msg.header.stamp)) * 1e-6,
                preprocess=seen.decode_ms + prediction.preprocess_ms,
                inference=prediction.inference_ms,
                publish=(end_ns - start_ns) * 1e-6,
            )
        )

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._stream is None:
            response.message = 'nothing to reset: the node is not configured'
            return response
        if self._worker is not None:
            with self._worker.stream_lock:
                self._stream.reset()
        if self._outputs is not None:
            self._outputs.delete_markers()
        response.success, response.message = True, 'all tracks and clips are dropped'
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        response.success, response.message = True, 'running' if request.data else 'paused'
        return response

    # Parameters and diagnostics -------------------------------------------------------------

    def _check_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        return check_settings(self, NodeSettings, changes)

    def _on_parameters(self, changes: list[Parameter]) -> None:
        self.settings = read_settings(self, NodeSettings)
        if self._stream is not None:
            self._stream.settings = self.settings
        if self._outputs is not None:
            self._outputs.redraw(self.settings.viz)

    def _on_second(self) -> None:
        level, text = self._health()
        worker = self._worker
        values = {
            **self._statistics.values(),
            **self._statistics.distance(),
            'frames_received': worker.frames.received if worker else 0,
            'frames_dropped': worker.frames.dropped if worker else 0,
            'frames_bad': self._statistics.frames_bad,
            'frames_unwatched': self._statistics.frames_unwatched,
            'clip_fill': self._stream.clip_fill if self._stream else 0.0,
            'device': self._stream.device if self._stream else '',
            'model': self._stream.model_name if self._stream else '',
            'image_decoder': self._codec.decoder,
            'memory_mib': resident_mib(),
        }
        stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name()
        self._diagnostics.publish(diagnostics_to_msg(stamp, name, level, text, values))

    def _health(self) -> tuple[bytes, str]:
        if self._stream is None:
            return DiagnosticStatus.ERROR, f'not configured: {self._failure}'
        if self._worker is None:
            return DiagnosticStatus.STALE, 'not active'
        silence_s = self._statistics.seconds_since_arrival()
        self._statistics.warnings.pop('silence', None)
        if silence_s > _SILENCE_S:
            text = f'no image on {self._image_topic} for {_SILENCE_S:g} s'
            self._statistics.warnings['silence'] = text
            self.get_logger().warning(text, throttle_duration_sec=10.0)
        for topic, problem in self._side.problems().items():
            if problem and self._statistics.warnings.get(topic) != problem:
                self.get_logger().warning(problem)
            self._statistics.warnings[topic] = problem
        warnings = [text for text in tuple(self._statistics.warnings.values()) if text]
        if warnings:
            return DiagnosticStatus.WARN, '; '.join(warnings)
        return DiagnosticStatus.OK, 'running' if self._enabled else 'paused'


def main() -> int:
    """Run the node until it is told to stop; 1 where a parameter is given a wrong value."""
    rclpy.init()
    try:
        node = PoseActionNode()
        try:
            if node.settings.autostart:
                node.start()
            rclpy.spin(node)
        finally:
            node.stop_work()
    except ConfigError as error:
        rclpy.logging.get_logger('pose_action').fatal(str(error))
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
