"""A subscription that fits its publishers: reliable if all of them are, otherwise best effort.

The reason is in docs/adr/0011-reliable-where-offered.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy, qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions

from pose_action_ros.ros.topic_errors import naming_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo
    from rclpy.node import Node
    from rclpy.subscription import Subscription

__all__ = ['FittingSubscription']


class FittingSubscription:
    """Receives the newest message of a topic, and is created again when its publishers change.

    The parameter `qos_overrides.TOPIC.subscription.reliability` fixes the reliability; its default
    is `best_available`.

    Args:
        node: The node that owns it.
        message_type: Type of the messages.
        topic: Their topic, before remapping.
        callback: Called with each message and rclpy's information about it.
    """

    def __init__(
        self,
        node: Node,
        message_type: type,
        topic: str,
        callback: Callable[[Any, Mapping[str, Any]], None],
    ) -> None:
        self._wrong_type = self._wrong_qos = ''
        self._node = node
        self._type = message_type
        self._type_name = (
            f'{message_type.__module__.partition(".")[0]}/msg/{message_type.__name__}'
        )
        self._topic = topic
        self._callback = callback
        self._subscription = self._open()

    @property
    def misfit(self) -> str:
        """The reason if a publisher does not match; otherwise empty."""
        return self._wrong_type or self._wrong_qos

    def close(self) -> None:
        """Destroy the subscription."""
        self._node.destroy_subscription(self._subscription)

    def fit(self) -> None:
        """Fit the subscription to the present publishers."""
        self._wrong_type = self._other_types()
        offers = self._offers()
        if not offers:
            self._wrong_qos = ''  # the publisher that did not fit has left
        if not self._is_fixed and self._reliability != _best(offers):
            old, self._subscription = self._subscription, self._open()
            self._node.destroy_subscription(old)

    def _open(self) -> Subscription:
        # rclpy writes what the parameters say into the profile: each subscription has its own.
        newest_only = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_AVAILABLE)
        with naming_topic(self._node, self._topic, 'subscription'):
            return self._node.create_subscription(
                self._type,
                self._topic,
                self._receive,
                newest_only,
                event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._note_misfit),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(
                    callback=self._choose
                ),
            )

    def _choose(self, profile: QoSProfile) -> SetParametersResult:
        """Set the reliability, unless a parameter has fixed it."""
        self._is_fixed = profile.reliability != ReliabilityPolicy.BEST_AVAILABLE
        if not self._is_fixed:
            profile.reliability = _best(self._offers())
        self._reliability = profile.reliability
        return SetParametersResult(successful=True)

    def _offers(self) -> list[ReliabilityPolicy]:
        """The reliability of each publisher of the type."""
        return [
            publisher.qos_profile.reliability
            for publisher in self._node.get_publishers_info_by_topic(self._topic)
            if publisher.topic_type == self._type_name
        ]

    def _other_types(self) -> str:
        """The types that are published instead, if no publisher has the right one."""
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        types = {publisher.topic_type for publisher in publishers}
        if not types or self._type_name in types:
            return ''
        topic = self._node.resolve_topic_name(self._topic)
        return f'{topic} is of type {", ".join(sorted(types))}; expected {self._type_name}'

    def _receive(self, msg: Any, info: Mapping[str, Any]) -> None:
        self._wrong_qos = ''  # this publisher fits
        self._callback(msg, info)

    def _note_misfit(self, event: QoSRequestedIncompatibleQoSInfo) -> None:
        policy = event.last_policy_kind
        if policy == QoSPolicyKind.RELIABILITY and not self._is_fixed:
            return  # `fit` ends it
        topic = self._node.resolve_topic_name(self._topic)
        self._wrong_qos = (
            f'{topic} is offered with an incompatible QoS ({qos_policy_name_from_kind(policy)}); '
            f'set qos_overrides.{topic}.subscription.* to fit'
        )


def _best(offers: list[ReliabilityPolicy]) -> ReliabilityPolicy:
    """Reliable if all publishers are; otherwise, or without publishers, best effort."""
    is_reliable = offers and all(offer == ReliabilityPolicy.RELIABLE for offer in offers)
    return ReliabilityPolicy.RELIABLE if is_reliable else ReliabilityPolicy.BEST_EFFORT
