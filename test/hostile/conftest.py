"""How many hostile inputs are tried: a few by `make test`, as many as asked for by `make fuzz`."""

import os

import pytest

hypothesis = pytest.importorskip('hypothesis', reason='needs the extra `dev`')

COMMON = {
    'deadline': None,  # a busy machine is no failure
    'database': None,  # a finding becomes an @example, where everybody has it
    'suppress_health_check': list(hypothesis.HealthCheck),
}
hypothesis.settings.register_profile('few', max_examples=40, derandomize=True, **COMMON)
hypothesis.settings.register_profile(
    'fuzz', max_examples=int(os.environ.get('INPUTS', '40000')) // 10, print_blob=True, **COMMON
)
hypothesis.settings.load_profile('few')
