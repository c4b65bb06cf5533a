"""Returns memory to the machine when a network is freed."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

import torch

__all__ = ['forget_traces', 'give_back_memory']


def give_back_memory() -> None:
    """Return freed memory: of Python, of the GPU, and of the C library's heap (Linux)."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    try:
        ctypes.CDLL('libc.so.6').malloc_trim(0)
    except (OSError, AttributeError):  # another C library, with its own rules
        return


def forget_traces() -> None:
    """Drop the types that `torch.jit.trace` registers permanently, one for each layer.

    Without this each conversion of our network leaves 60 MiB until the process ends. PyTorch's
    own tests do the same between themselves; nothing in this process needs TorchScript.
    """
    jit: Any = torch.jit
    torch._C._jit_clear_class_registry()
    jit._recursive.concrete_type_store = jit._recursive.ConcreteTypeStore()
    jit._state._clear_class_state()
