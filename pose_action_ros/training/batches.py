"""Samples to batches: joined by the loader, rendered on the training device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils.data import default_collate

from pose_action_ros.simulation.batched import Batched

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['develop_batch', 'join_samples']


def join_samples(samples: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """Put samples with the same fields into one batch.

    Args:
        samples: Fields are tensors, which get a leading axis, or `Batched`, which are joined
            along their own leading axis. None stands for no sample.

    Returns:
        The batch; empty if there are no samples.
    """
    samples = [sample for sample in samples if sample is not None]
    if not samples:
        return {}
    batched = [name for name, value in samples[0].items() if isinstance(value, Batched)]
    plain = [{k: v for k, v in sample.items() if k not in batched} for sample in samples]
    joined = {name: type(samples[0][name]).join([s[name] for s in samples]) for name in batched}
    return {**default_collate(plain), **joined}


def develop_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """Render the `shots` of a batch, on their device, and return the batch with `crop` instead.

    Args:
        batch: Joined samples; a batch with crops is returned unchanged.

    Returns:
        crop (B, 3, 256, 256), or (B, T, 3, 256, 256) for clips, uint8 as in `data.sample`,
        mirrored and coloured by the batch's `look` if there is one; the other fields unchanged.
    """
    if 'shots' not in batch:
        return batch
    batch = dict(batch)
    shots, look = batch.pop('shots'), batch.pop('look', None)
    crops = shots.develop().unflatten(0, batch['visibility'].shape[:-1])
    return {'crop': crops if look is None else look.apply(crops), **batch}
