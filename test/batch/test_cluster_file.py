"""The cluster file of docs/cluster.md, read by Ray's own parser; no machine is asked."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip('ray', reason='needs the extra `cluster`')

from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[2]


def test_ray_takes_the_cluster_file():
    text = (ROOT / 'docs/ray_cluster.yaml').read_text()
    config = yaml.safe_load(text)
    prepared = prepare_config(config)
    validate_config(prepared)
    node = prepared['available_node_types']['local.cluster.node']
    assert node['max_workers'] == len(config['provider']['worker_ips'])
    commands = [line for line in text.splitlines() if 'ray start' in line]
    assert len(commands) == text.count('--disable-usage-stats') == 2
    assert '(ray_cluster.yaml)' in (ROOT / 'docs/cluster.md').read_text()


def test_ray_refuses_another_key():
    config = yaml.safe_load((ROOT / 'docs/ray_cluster.yaml').read_text())
    with pytest.raises(Exception, match='max_workerz'):
        validate_config(prepare_config({**config, 'max_workerz': 3}))
