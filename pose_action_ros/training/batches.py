"""Samples to batches: joined where they are loaded, developed where they are trained on."""

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
            along the one that they have. None stands for no sample.

    Returns:
        The batch; empty where there are no samples.
    """
    samples = [sample for sample in samples if sample is not None]
    if not samples:
        return {}
    batched = [name for name, value in samples[0].items() if isinstance(value, Batched)]
    plain = [{k: v for k, v in sample.items() if k not in batched} for sample in samples]
    joined = {name: type(samples[0][name]).join([s[name] for s in samples]) for name in batched}
    return {**default_collate(plain), **joined}


def develop_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """Return a batch with `crop` in place of the undeveloped `shots`, on the device of these.

    Args:
        batch: Joined samples; a batch that has crops is returned as it is.

    Returns:
        crop (B, 3, 256, 256), of clips (B, T, 3, 256, 256), uint8 as in `data.sample`, mirrored
        and coloured as the batch's `look` says if it has one; the other fields as they were.
    """
    if 'shots' not in batch:
        return batch
    batch = dict(batch)
    shots, look = batch.pop('shots'), batch.pop('look', None)
    crops = shots.develop().unflatten(0, batch['visibility'].shape[:-1])
    return {'crop': crops if look is None else look.apply(crops), **batch}
