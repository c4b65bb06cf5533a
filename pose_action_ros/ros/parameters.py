"""ROS parameters from frozen dataclasses: one home for names, defaults, texts and ranges.

A field of a settings dataclass becomes a parameter of the same name; a field that is itself a
settings dataclass becomes a dotted group. `field(metadata=...)` carries `help`, `min`, `max`,
`choices`, `read_only` and `at_configure`. A dataclass may check itself in `__post_init__` by
raising `ConfigError`; the node then refuses the change with that reason and the old value stays.
"""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import (
    InvalidParameterTypeException,
    ParameterException,
    ParameterNotDeclaredException,
)
from rclpy.parameter import Parameter

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.ros.unused_parameters import warn_of_unused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rclpy.node import Node

__all__ = [
    'changes_at_configure',
    'check_settings',
    'declare_settings',
    'numbers_as_declared',
    'read_settings',
    'settings_parameters',
]

SettingsT = TypeVar('SettingsT')


def declare_settings(node: Node, defaults: Any) -> None:
    """Declare one parameter per field of a settings dataclass, nested ones as dotted groups.

    A whole number that is given for a float or a text is taken as one (`track.enlarge:=2`).
    A warning names every given parameter and parameter file that has no effect.

    Args:
        node: The node that gets the parameters.
        defaults: An instance of the dataclass; its values are the defaults.

    Raises:
        ConfigError: A value that was given at the start has the wrong type or is out of range.
    """
    for name, value, metadata in settings_parameters(defaults):
        descriptor = _descriptor(value, metadata)
        try:
            try:
                node.declare_parameter(name, value, descriptor)
            except InvalidParameterTypeException:
                given = _given(node, name, value)
                if type(given) is not int or not isinstance(value, (float, str)):
                    raise
                number = type(value)(given)
                node.declare_parameter(name, number, descriptor, ignore_override=True)
        except ParameterException as error:
            raise ConfigError(f'parameter {name}: {error}') from error
    warn_of_unused(node, sys.argv)


def read_settings(
    node: Node, settings_class: type[SettingsT], overrides: Mapping[str, Any] | None = None
) -> SettingsT:
    """Build the settings from the node's parameters.

    Args:
        node: The node on which `declare_settings` was called.
        settings_class: The settings dataclass.
        overrides: Values by parameter name, in place of the node's.

    Raises:
        ConfigError: A value is not one of its choices, or the dataclass refuses the combination.
    """
    return _build(node, settings_class, '', overrides or {})


def check_settings(
    node: Node,
    settings_class: type,
    changes: Sequence[Parameter],
    *,
    in_use: Any = None,
    state: str = 'active',
) -> SetParametersResult:
    """Check the settings after these changes; a refusal has a reason.

    Args:
        node: The node on which `declare_settings` was called.
        settings_class: The settings dataclass.
        changes: The requested changes.
        in_use: The settings of the last `configure` while the node is configured: changes that
            take effect at `configure` are refused. None otherwise.
        state: State of the node, for that refusal.
    """
    values = {change.name: change.value for change in changes}
    try:
        changed = read_settings(node, settings_class, values)
    except ConfigError as error:
        return SetParametersResult(successful=False, reason=str(error))
    current = read_settings(node, settings_class)
    others = [] if in_use is None else changes_at_configure(current, changed)
    useless = [name for name in others if name in changes_at_configure(in_use, changed)]
    if useless:
        reason = (
            f'{", ".join(useless)} takes effect at configure, and the node is {state}; clean it '
            'up first'
        )
        return SetParametersResult(successful=False, reason=reason)
    return SetParametersResult(successful=True)


def changes_at_configure(old: Any, new: Any) -> list[str]:
    """Return the names of the parameters that differ and take effect at `configure`."""
    values = {name: value for name, value, _ in settings_parameters(new)}
    return [
        name
        for name, value, metadata in settings_parameters(old)
        if metadata.get('at_configure') and value != values[name]
    ]


def numbers_as_declared(node: Node, changes: Sequence[Parameter]) -> list[Parameter]:
    """Return the changes with whole numbers as floats where the parameter is one.

    For `Node.add_pre_set_parameters_callback`: `ros2 param set NODE track.enlarge 2`.

    Raises:
        ParameterNotDeclaredException: With the names that the node does not have; rclpy's own
            answer lacks them.
    """
    unknown = [change.name for change in changes if not node.has_parameter(change.name)]
    if unknown:
        raise ParameterNotDeclaredException(unknown)
    return [
        Parameter(change.name, value=float(change.value))
        if change.type_ is Parameter.Type.INTEGER
        and node.get_parameter(change.name).type_ is Parameter.Type.DOUBLE
        else change
        for change in changes
    ]


def settings_parameters(
    settings: Any, prefix: str = ''
) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield (dotted name, default, field metadata) for every leaf of a settings dataclass."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            yield from settings_parameters(value, f'{prefix}{field.name}.')
        else:
            yield f'{prefix}{field.name}', value, field.metadata


def _build(
    node: Node, settings_class: type[Any], prefix: str, overrides: Mapping[str, Any]
) -> Any:
    types = get_type_hints(settings_class)
    values = {}
    for field in fields(settings_class):
        name = f'{prefix}{field.name}'
        if is_dataclass(types[field.name]):
            values[field.name] = _build(node, types[field.name], f'{name}.', overrides)
            continue
        value = overrides[name] if name in overrides else node.get_parameter(name).value
        choices = field.metadata.get('choices')
        if choices and value not in choices:
            raise ConfigError(f'{name} is {value!r}; it must be one of {", ".join(choices)}')
        values[field.name] = value
    return settings_class(**values)


def _given(node: Node, name: str, default: Any) -> Any:
    """The value that was given at the start, of any type."""
    anything = ParameterDescriptor(dynamic_typing=True)
    value = node.declare_parameter(name, default, anything).value
    node.undeclare_parameter(name)
    return value


def _descriptor(value: Any, metadata: Mapping[str, Any]) -> ParameterDescriptor:
    when = ' Takes effect at configure.' if metadata.get('at_configure') else ''
    descriptor = ParameterDescriptor(
        description=metadata.get('help', '') + when, read_only=metadata.get('read_only', False)
    )
    if 'choices' in metadata:
        descriptor.additional_constraints = f'one of {", ".join(metadata["choices"])}'
    if 'min' in metadata or 'max' in metadata:
        low, high = metadata.get('min', 0), metadata.get('max', 1 << 31)
        if isinstance(value, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high))
            ]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    return descriptor
