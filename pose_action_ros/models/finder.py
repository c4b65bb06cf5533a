"""The finder, a network that finds candidates for people in a whole image. Not in the paper.

Owns: `PersonFinder`, its config, its file, and `decode`, which extracts `Candidates` from maps.
After X. Zhou et al., Objects as Points, 2019: a heat map of people's centres, and the person's
size at each centre. Small and large people have separate heat maps, because many photographs lack
labels of small figures. The first layers are the pose network's entry flow, so its weights can be
reused. The finder aims at recall. The pose network then decides whether a candidate is a person.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_action_ros.core.errors import CheckpointError, ConfigError
from pose_action_ros.core.weights import UNTRAINED
from pose_action_ros.models.checkpoint import (
    find_weights,
    load_network,
    read_metadata,
    write_network,
)
from pose_action_ros.models.entry_flow import EntryFlow
from pose_action_ros.models.layers import ConvUnit, SeparableResidual, max_pool, upsample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    'CELL_PX',
    'FINDER_KEY',
    'Candidates',
    'FinderConfig',
    'FinderMaps',
    'PersonFinder',
    'decode',
    'is_finder',
    'open_finder',
    'save_finder',
]

CELL_PX = 8
"""Pixels of the finder's image per cell of its maps."""

FINDER_KEY = 'pose_action_ros.finder'
"""Metadata key of the finder's config, one line of JSON."""

_MOST_CHANNELS = 1024
_MOST_SIDE_PX = 2048
_RARE = -4.0  # initial logit of a centre, because most cells have none
_KERNEL = 3


@dataclass(frozen=True)
class FinderConfig:
    """The shape of a `PersonFinder`.

    Attributes:
        name: Short name.
        long_px: Longer side of the input image, a multiple of 32.
        short_px: Shorter side, a multiple of 32; a portrait image is not rotated.
        small_px: People are small if their larger side is below this, in pixels of the input.
        features: Channels of the entry flow; equal to a pose network's to reuse its weights.
        eighth: Channels at 1/8 of the image's sides, the resolution of the maps.
        sixteenth: Channels at 1/16 and 1/32.
    """

    name: str = 'finder'
    long_px: int = 256
    short_px: int = 192
    small_px: float = 48.0
    features: int = 160
    eighth: int = 64
    sixteenth: int = 128

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ConfigError: A field is out of range.
        """
        for name in ('features', 'eighth', 'sixteenth'):
            if not 1 <= getattr(self, name) <= _MOST_CHANNELS:
                raise ConfigError(
                    f'finder {name} is {getattr(self, name)}; expected 1 to {_MOST_CHANNELS}'
                )
        for name in ('long_px', 'short_px'):
            value = getattr(self, name)
            if not 32 <= value <= _MOST_SIDE_PX or value % 32:
                raise ConfigError(
                    f'finder {name} is {value}; expected a multiple of 32 to {_MOST_SIDE_PX}'
                )

    def to_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> FinderConfig:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: It is no JSON object of these fields.
        """
        try:
            values = json.loads(text)
            plain = cls()
            return cls(**{k: type(getattr(plain, k))(v) for k, v in values.items()})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f'{text!r} is not the config of a finder: {error!r}') from error


class FinderMaps(NamedTuple):
    """The finder's output for B images, with one cell for every 8 x 8 pixels.

    Attributes:
        logits: (B, 2, H, W) for the centre of a small, and of a large, person in the cell.
        offset: (B, 2, H, W) x and y of the centre in the cell, 0 to 1.
        log_size: (B, 1, H, W) logarithm of the person's larger side in cells.
    """

    logits: Tensor
    offset: Tensor
    log_size: Tensor


class Candidates(NamedTuple):
    """Candidates for people in one image, by decreasing score.

    Attributes:
        center_px: (N, 2) x, y of the centre, pixels of the finder's image, edge coordinates.
        size_px: (N,) larger side of the person.
        score: (N,) 0 to 1.
    """

    center_px: Tensor
    size_px: Tensor
    score: Tensor


class PersonFinder(nn.Module):
    """Fully convolutional network for images whose sides are multiples of 32.

    Args:
        config: Its shape.
    """

    def __init__(self, config: FinderConfig | None = None) -> None:
        super().__init__()
        self.config = config or FinderConfig()
        c8, c16 = self.config.eighth, self.config.sixteenth
        self.entry_flow = EntryFlow(self.config.features)
        self.eighth = nn.Sequential(
            ConvUnit(self.config.features, c8, order='ACB'), *_units(c8, 2)
        )
        self.sixteenth = nn.Sequential(SeparableResidual(c8, c16, _KERNEL), *_units(c16, 2))
        self.far = nn.Sequential(*_units(c16, 2))
        self.narrow = ConvUnit(c16, c8, order='ACB')
        self.joined = nn.Sequential(*_units(c8, 2))
        self.head = nn.Conv2d(c8, 5, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        self.head.bias = nn.Parameter(torch.tensor([_RARE, _RARE, 0.0, 0.0, 0.0]))

    def forward(self, images: Tensor) -> FinderMaps:
        """Map (B, 3, H, W) RGB in [-1, 1] to maps of (H / 8, W / 8) cells."""
        x8 = self.eighth(self.entry_flow(images))
        x16 = self.sixteenth(max_pool(x8))
        x16 = x16 + upsample(self.far(max_pool(x16)), x16)
        x8 = self.joined(x8 + upsample(self.narrow(x16), x8))
        out = self.head(F.relu(x8))
        return FinderMaps(out[:, :2], out[:, 2:4].sigmoid(), out[:, 4:])


def decode(maps: FinderMaps, min_score: float, most: int) -> list[Candidates]:
    """Return the candidates of each image, the peaks of its heat maps.

    Args:
        maps: Maps of B images.
        min_score: Lowest score of a candidate.
        most: Largest number of candidates per image.
    """
    scores = maps.logits.sigmoid().amax(1, keepdim=True)  # (B, 1, H, W)
    peak = scores == F.max_pool2d(scores, 3, stride=1, padding=1)
    scores = torch.where(peak, scores, 0.0).flatten(1)  # (B, H * W)
    width = maps.logits.shape[-1]
    score, cell = scores.topk(min(most, scores.shape[1]), dim=1)
    found = []
    for b, (values, cells) in enumerate(zip(score, cell, strict=True)):
        cells = cells[values >= min_score]
        corner = torch.stack([cells % width, cells // width], -1)
        center = corner + maps.offset[b].flatten(1).T[cells]
        size = maps.log_size[b, 0].flatten()[cells].exp()
        found.append(Candidates(CELL_PX * center, CELL_PX * size, values[values >= min_score]))
    return found


def save_finder(net: PersonFinder, path: Path | str, provenance: Mapping[str, str] = {}) -> None:
    """Write a finder to a file.

    Args:
        net: The network.
        path: Ends in .safetensors; its folder exists.
        provenance: Origin of the weights, free text.
    """
    write_network(net, path, {**provenance, FINDER_KEY: net.config.to_json()})


def open_finder(name_or_path: str | Path) -> PersonFinder:
    """Return a finder by name or path, see `find_weights`.

    Raises:
        CheckpointError: There is no such file, it is damaged, or it holds another network.
    """
    path = find_weights(name_or_path)
    try:
        config = FinderConfig.from_json(read_metadata(path, FINDER_KEY)[FINDER_KEY])
    except ConfigError as error:
        raise CheckpointError(f'{path}: {error}') from error
    return load_network(path, lambda: PersonFinder(config))


def is_finder(name_or_path: str | Path) -> bool:
    """Tell whether weights, by name or path, are a finder's; raises as `open_finder`."""
    if str(name_or_path).startswith(UNTRAINED):
        return False
    return FINDER_KEY in read_metadata(find_weights(name_or_path), 'format')


def _units(channels: int, count: int) -> list[nn.Module]:
    return [SeparableResidual(channels, channels, _KERNEL) for _ in range(count)]
