"""Strict reading of a run's settings from YAML.

Unknown keys, wrong types and values out of range raise. The error for an unknown key names the
nearest known key.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from pose_action_ros.core.errors import ConfigError
from pose_action_ros.core.yaml_text import read_yaml, read_yaml_file
from pose_action_ros.training.config import FinderTrainConfig, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from dataclasses import Field
    from pathlib import Path

__all__ = ['config_from_mapping', 'config_to_mapping', 'load_config', 'settings_table']


def load_config(path: Path, changes: Sequence[str] = ()) -> TrainConfig | FinderTrainConfig:
    """Read a run's settings.

    Args:
        path: A YAML file with the settings that differ from the defaults.
        changes: Entries `section.key=value` that override the file; values are YAML.

    Raises:
        ConfigError: The file is missing or is not a YAML mapping; a key, type or value is wrong.
    """
    mapping = read_yaml_file(path, 'config/train/demo.yaml')
    mapping = {} if mapping is None else mapping
    if not isinstance(mapping, dict):
        raise ConfigError(f'{path} holds a {type(mapping).__name__}; expected `key: value` lines')
    for change in changes:
        _apply(mapping, change)
    return config_from_mapping(mapping)


def config_from_mapping(mapping: Mapping[str, Any]) -> TrainConfig | FinderTrainConfig:
    """Build the settings of a run from nested mappings; missing keys keep their defaults.

    `task: finder` selects the settings of the finder, otherwise those of the network for poses
    and actions are built.

    Raises:
        ConfigError: A key, type or value is wrong.
    """
    return _build(FinderTrainConfig if 'task' in mapping else TrainConfig, mapping, '')


def config_to_mapping(config: Any) -> dict[str, Any]:
    """Return nested plain mappings, ready for YAML; the inverse of `config_from_mapping`."""
    values = {item.name: getattr(config, item.name) for item in fields(config)}
    return {
        name: config_to_mapping(value) if is_dataclass(value) else value
        for name, value in values.items()
    }


def settings_table(config: Any = None, prefix: str = '') -> Iterator[tuple[str, Any, str]]:
    """Yield (dotted key, value, help) for every setting of a configuration."""
    config = TrainConfig() if config is None else config
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            yield from settings_table(value, f'{prefix}{item.name}.')
        else:
            yield f'{prefix}{item.name}', value, item.metadata['help']


def _apply(mapping: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition('=')
    if not equals:
        raise ConfigError(f'found {change!r}; expected section.key=value, such as pose.epochs=3')
    *sections, name = key.strip().split('.')
    for section in sections:
        mapping = mapping.setdefault(section, {})
        if not isinstance(mapping, dict):
            raise ConfigError(f'{change!r}: {section} is a value, not a section')
    mapping[name] = read_yaml(text, change)


def _build(kind: type[Any], mapping: Any, path: str) -> Any:
    if not isinstance(mapping, dict):
        raise ConfigError(f'{path.rstrip(".")}: found {mapping!r}; expected `key: value` lines')
    known = {item.name: item for item in fields(kind)}
    types = get_type_hints(kind)
    values = {}
    for key, value in mapping.items():
        if key not in known:
            raise ConfigError(_unknown(f'{path}{key}', str(key), list(known)))
        if is_dataclass(types[key]):
            values[key] = _build(types[key], {} if value is None else value, f'{path}{key}.')
        else:
            values[key] = _checked(value, types[key], known[key], f'{path}{key}')
    return kind(**values)


def _unknown(path: str, key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f'did you mean {nearest[0]!r}?' if nearest else f'known are {", ".join(known)}'
    return f'unknown setting {path!r}; {hint}'


def _checked(value: Any, kind: Any, item: Field[Any], path: str) -> Any:
    value = _converted(value, kind, path)
    low, high = item.metadata['low'], item.metadata['high']
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and not math.isfinite(value):
        raise ConfigError(f'{path} is {value}; expected a finite number')
    if number and ((low is not None and value < low) or (high is not None and value > high)):
        raise ConfigError(f'{path} is {value}; expected {_range(low, high)}')
    choices = item.metadata['choices']
    if choices and value not in choices:
        raise ConfigError(f'{path} is {value!r}; expected one of {", ".join(choices)}')
    return value


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f'at least {low}'
    return f'at most {high}' if low is None else f'{low} to {high}'


def _converted(value: Any, kind: Any, path: str) -> Any:
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if value is None and NoneType in options:
        return None
    for option in options:
        if option is float and not isinstance(value, bool):
            try:
                return float(value)  # YAML 1.1 reads 1e-3 as text
            except (TypeError, ValueError):
                continue
        plain = get_origin(option) or option
        if plain is not NoneType and type(value) is plain:
            return value
    names = ' or '.join('null' if option is NoneType else option.__name__ for option in options)
    raise ConfigError(f'{path} is {value!r} ({type(value).__name__}); expected {names}')
