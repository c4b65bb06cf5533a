"""What is let go of is given back."""

import os
import warnings

import pytest
import torch

from pose_action_ros.runtime.release_memory import forget_traces, give_back_memory


def resident_mib():
    try:
        with open('/proc/self/statm') as statm:
            return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20
    except OSError:
        pytest.skip('needs /proc')


def trace_many_layers():
    layers = torch.nn.Sequential(*(torch.nn.Conv1d(1, 1, 1) for _ in range(60)))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.jit.trace(layers, torch.zeros(1, 1, 1))
    forget_traces()


def test_traced_networks_do_not_stay():
    for _ in range(2):
        trace_many_layers()
    give_back_memory()
    before = resident_mib()
    for _ in range(4):
        trace_many_layers()
    give_back_memory()
    assert resident_mib() - before < 10


def test_freed_heap_goes_back_to_the_machine():
    give_back_memory()
    before = resident_mib()
    blocks = [bytearray(60_000) for _ in range(2000)]  # small enough for the heap
    filled = resident_mib()
    kept = blocks[-1]
    del blocks
    give_back_memory()
    assert filled - before > 100
    assert resident_mib() - before < 20
    assert kept
