"""Reads YAML strictly: every fault is a `ConfigError`, also a key that is given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ['read_yaml', 'read_yaml_file']


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys differ."""
        self.flatten_mapping(node)
        seen: set[Any] = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen:
                line = key.start_mark.line + 1
                raise yaml.MarkedYAMLError(
                    problem=f'line {line}: {name!r} is given twice; expected it once'
                )
            seen.add(name)
        return dict(super().construct_mapping(node, deep=deep))


def read_yaml(text: str, source: str) -> Any:
    """Return the value of a YAML text.

    Args:
        text: The text.
        source: Where it is from, for an error.

    Raises:
        ConfigError: It is not YAML, a date in it does not exist, or it has a key twice.
    """
    try:
        return _Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f'{source} is not YAML: {error or type(error).__name__}') from error


def read_yaml_file(path: Path, example: str) -> Any:
    """Return the value of a YAML file.

    Args:
        path: The file.
        example: A file that is right, for an error.

    Raises:
        ConfigError: The file is missing or is not YAML in UTF-8.
    """
    try:
        text = path.read_text(encoding='utf-8-sig')
    except OSError as error:
        raise ConfigError(
            f'{path}: {error.strerror}; expected a YAML file such as {example}'
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f'{path} is not UTF-8 ({error}); save it as UTF-8') from error
    return read_yaml(text, str(path))
