"""`pose-action fetch-weights` against a server on this machine; nothing else is asked."""

import hashlib
import socket

import pytest
import torch

from pose_action_ros.cli import fetch_weights
from pose_action_ros.cli.fetch_weights import RELEASES, Release
from pose_action_ros.models import checkpoint, find_weights, load_model, read_metadata
from pose_action_ros.models.config import PRESETS

NAME = 'weights_PE_MPII_cvpr18_19-09-2017.h5'


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    folder = tmp_path / 'cache' / 'weights'
    monkeypatch.setattr(checkpoint, 'cache_folder', lambda: folder)
    return folder


@pytest.fixture
def net(tiny, filled, monkeypatch):
    net = filled(tiny('mpii'))
    monkeypatch.setitem(PRESETS, 'mpii', net.config)
    return net


@pytest.fixture
def content(net, write, keras_arrays, tmp_path, server, monkeypatch):
    """A narrow network in the place of the released one, on a server."""
    server.content = write(tmp_path / 'authors.h5', keras_arrays(net)).read_bytes()
    monkeypatch.setitem(RELEASES, 'mpii', Release(f'v0.1/{NAME}', md5(server.content)))
    return server.content


@pytest.fixture
def fetch(run, server, cache):
    return lambda *more: run('fetch-weights', 'mpii', '--url', server.url, *more)


def test_fetched_weights_are_found_by_name(fetch, server, content, cache, net):
    status, out, _ = fetch()
    assert status == 0
    assert '--weights mpii' in out
    assert server.asked == [(f'/v0.1/{NAME}', None)]
    assert find_weights('mpii') == cache / 'mpii.safetensors'
    loaded = load_model(find_weights('mpii'))
    for name, value in net.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert [path.name for path in cache.iterdir()] == ['mpii.safetensors']


def test_where_they_come_from_is_kept(fetch, server, content, cache):
    fetch()
    metadata = read_metadata(cache / 'mpii.safetensors')
    assert metadata['source_url'] == f'{server.url}/v0.1/{NAME}'
    assert metadata['source_md5'] == md5(content)
    assert metadata['source_sha256'] == hashlib.sha256(content).hexdigest()
    assert metadata['source'].endswith(NAME)
    assert metadata['fetched'].startswith('20')


def test_what_is_there_is_not_fetched_again(fetch, server, content):
    fetch()
    status, out, _ = fetch()
    assert status == 0
    assert 'exists already; --force' in out
    assert len(server.asked) == 1
    assert fetch('--force')[0] == 0
    assert len(server.asked) == 2


def test_a_mirror_that_names_the_file(run, server, content, cache):
    status, _, _ = run('fetch-weights', 'mpii', '--url', f'{server.url}/copies/mine.h5')
    assert status == 0
    assert server.asked == [('/copies/mine.h5', None)]


class TestResuming:
    def test_a_connection_that_broke_off(self, fetch, server, content, cache):
        server.break_after = 10_000
        status, _, err = fetch()
        assert status == 1
        assert f'after 10000 of {len(content)} bytes; run the same command again' in err
        assert (cache / f'{NAME}.part').read_bytes() == content[:10_000]
        assert fetch()[0] == 0
        assert [wanted for _, wanted in server.asked] == [None, 'bytes=10000-']

    def test_a_server_without_ranges(self, fetch, server, content):
        server.break_after = 10_000
        server.ranges = False
        assert fetch()[0] == 1
        assert fetch()[0] == 0

    def test_everything_was_there_already(self, fetch, server, content, cache):
        cache.mkdir(parents=True)
        (cache / f'{NAME}.part').write_bytes(content)
        assert fetch()[0] == 0
        assert len(server.asked) == 1

    @pytest.mark.parametrize('size', [100, 10**7])
    def test_a_piece_of_another_file(self, fetch, server, content, cache, size):
        cache.mkdir(parents=True)
        (cache / f'{NAME}.part').write_bytes(b'x' * size)
        assert fetch()[0] == 0
        assert [wanted for _, wanted in server.asked] == [f'bytes={size}-', None]


class TestErrors:
    def refused(self, result, cache):
        status, out, err = result
        assert (status, out) == (1, '')
        lines = [line for line in err.splitlines() if 'error:' in line]
        assert len(lines) == 1
        assert not (cache / 'mpii.safetensors').exists()
        return lines[0]

    def test_wrong_sum(self, fetch, server, content, cache):
        right = md5(content)
        server.content = content[:-1] + b'?'
        message = self.refused(fetch(), cache)
        assert f'has the MD5 sum {md5(server.content)}, expected {right}' in message
        assert list(cache.iterdir()) == []
        server.content = content
        assert fetch()[0] == 0

    @pytest.mark.parametrize('code', [403, 404, 500])
    def test_refused_by_the_server(self, fetch, server, content, cache, code):
        server.status = code
        message = self.refused(fetch(), cache)
        assert f'the server answers {code}' in message
        assert 'convert-weights mpii' in message

    def test_offline(self, run, content, cache):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            url = f'http://127.0.0.1:{free.getsockname()[1]}'
        message = self.refused(run('fetch-weights', 'mpii', '--url', url), cache)
        assert f'{url}/v0.1/{NAME} cannot be reached' in message
        assert f'MD5 {md5(content)}' in message
        assert f'FILE.h5 {cache / "mpii.safetensors"}' in message

    def test_no_such_host(self, run, content, cache):
        message = self.refused(
            run('fetch-weights', 'mpii', '--url', 'http://host.invalid/'), cache
        )
        assert 'cannot be reached' in message

    @pytest.mark.parametrize('url', ['file:///etc/', 'ftp://host/', '/tmp', 'http://[::1'])
    def test_other_addresses(self, run, cache, url):
        assert 'error:' in self.refused(run('fetch-weights', 'mpii', '--url', url), cache)

    def test_a_right_sum_around_a_wrong_network(self, fetch, server, content, cache, monkeypatch):
        server.content = b'no network'
        monkeypatch.setitem(RELEASES, 'mpii', Release(f'v0.1/{NAME}', md5(b'no network')))
        assert 'cannot be read' in self.refused(fetch(), cache)

    def test_a_folder_that_cannot_be_written(self, fetch, content, cache):
        cache.parent.mkdir(parents=True)
        cache.write_text('a file where the folder should be')
        status, _, err = fetch()
        assert status == 1
        assert 'cannot write' in err

    def test_unknown_preset(self, run):
        assert run('fetch-weights', 'compact')[0] == 2
        status, _, err = run('fetch-weights', 'pen_action')
        assert status == 2
        assert 'did you mean penn_action?' in err

    @pytest.mark.parametrize('name', ['people', 'demo'])
    def test_shipped_weights_need_no_download(self, run, name):
        status, _, err = run('fetch-weights', name)
        assert status == 2
        assert f"'{name}' comes with the package" in err


def test_the_table_of_releases():
    assert list(RELEASES) == ['mpii', 'h36m', 'penn_action', 'ntu']
    assert fetch_weights.RELEASES_URL.endswith('/')
    for release in RELEASES.values():
        assert release.path.startswith('v0.')
        assert release.path.endswith('.h5')
        assert len(bytes.fromhex(release.md5)) == 16
