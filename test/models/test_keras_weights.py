"""Files of the authors' layout: read by position and shape, refused with group and position.

The order of the arrays itself is held against the authors' lists in `test_parity.py`; here files
are written from a network's own numbers, under other layer names.
"""

import pickle
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from pose_action_ros.core.errors import CheckpointError
from pose_action_ros.models import keras_file
from pose_action_ros.models.keras_weights import convert_keras_weights


@pytest.fixture(params=['mpii', 'h36m', 'penn_action', 'ntu'])
def any_net(request, tiny, filled):
    return filled(tiny(request.param))


@pytest.fixture(scope='module')
def net(tiny, filled):
    return filled(tiny('penn_action'))


@pytest.fixture(scope='module')
def _arrays(net, keras_arrays):
    return keras_arrays(net)


@pytest.fixture
def arrays(_arrays):
    return {name: list(group) for name, group in _arrays.items()}


@pytest.fixture
def refused(net, arrays, tmp_path, write):
    """Convert the arrays as a test has changed them; return what the error says."""

    def convert(path=None):
        path = path or write(tmp_path / 'in.h5', arrays)
        with pytest.raises(CheckpointError) as caught:
            convert_keras_weights(path, net.config)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return convert


class TestRoundTrip:
    def test_every_number_arrives(self, any_net, tmp_path, write, keras_arrays):
        path = write(tmp_path / 'in.h5', keras_arrays(any_net))
        found, origin = convert_keras_weights(path, any_net.config)
        for name, value in any_net.state_dict().items():
            assert torch.equal(found.state_dict()[name], value), name
        assert not found.training
        assert found.config == any_net.config
        assert 'in.h5' in origin['source']
        assert len(origin['source_sha256']) == 64

    def test_a_file_of_the_whole_model(self, net, arrays, tmp_path, write):
        # `save` instead of `save_weights`: the same below the group model_weights.
        path = write(tmp_path / 'in.h5', arrays)
        with h5py.File(path, 'r') as old, h5py.File(tmp_path / 'whole.h5', 'w') as new:
            inner = new.create_group('model_weights')
            inner.attrs.update(old.attrs)
            for name in old:
                old.copy(name, inner)
        found, _ = convert_keras_weights(tmp_path / 'whole.h5', net.config)
        assert torch.equal(found.fusion.pose.pointwise.weight, net.fusion.pose.pointwise.weight)

    def test_the_two_fusion_layers_come_in_the_files_order(self, net, arrays, tmp_path, write):
        # Names that sort the other way round: 9 before 10.
        pose, appearance = arrays.pop('separable_conv2d_7'), arrays.pop('separable_conv2d_8')
        arrays |= {'separable_conv2d_9': pose, 'separable_conv2d_10': appearance}
        found, _ = convert_keras_weights(write(tmp_path / 'in.h5', arrays), net.config)
        for branch in ('pose', 'appearance'):
            expected = getattr(net.fusion, branch).depthwise.weight
            assert torch.equal(getattr(found.fusion, branch).depthwise.weight, expected)


class TestMisfits:
    def test_missing_array_at_the_end(self, arrays, refused):
        arrays['PoseAR'].pop()
        assert 'group PoseAR ends after 87 arrays; array 87 of shape (12,) is missing' in refused()

    def test_missing_array_inside(self, arrays, refused):
        del arrays['td_Stem'][1]  # what follows moves up
        assert 'array 1 of group td_Stem has shape' in refused()

    def test_extra_array(self, arrays, refused):
        arrays['td_rBlock1'].append(np.zeros(5, np.float32))
        message = refused()
        assert 'group td_rBlock1 has 44 arrays; array 43 of shape (5,)' in message

    def test_misshapen_array(self, arrays, refused):
        arrays['td_Stem'][0] = np.zeros((3, 3, 8, 3), np.float32)
        message = refused()
        assert 'array 0 of group td_Stem has shape (3, 3, 8, 3); expected (3, 3, 3, 8)' in message

    def test_missing_group(self, arrays, refused):
        del arrays['GuidedVisAR'], arrays['Agg']
        assert 'missing groups Agg, GuidedVisAR; unexpected groups none' in refused()

    def test_extra_group(self, arrays, refused):
        arrays['dense_1'] = [np.zeros((2, 2), np.float32)]
        assert 'unexpected groups dense_1' in refused()

    def test_missing_fusion_layer(self, arrays, refused):
        del arrays['separable_conv2d_8']
        assert 'missing groups fusion.appearance' in refused()

    def test_third_fusion_layer(self, arrays, refused):
        arrays['separable_conv2d_9'] = arrays['separable_conv2d_8']
        assert 'unexpected groups separable_conv2d_9' in refused()

    @pytest.mark.parametrize('value', [np.nan, np.inf])
    def test_not_finite(self, arrays, refused, value):
        arrays['td_Model1'][4] = np.full_like(arrays['td_Model1'][4], value)
        assert 'array 4 of group td_Model1 is not finite' in refused()

    @pytest.mark.parametrize(('group', 'position'), [('sSAM', 0), ('cSAM', 2), ('Agg', 0)])
    def test_another_grid(self, arrays, refused, group, position):
        grid = arrays[group][position] = np.array(arrays[group][position])
        grid[0, 0] += 0.01
        assert f'array {position} of group {group} is a fixed grid that differs' in refused()

    def test_grid_of_cell_centres(self, arrays, refused):
        columns = (np.arange(32, dtype=np.float32) + 0.5) / 32
        arrays['sSAM'][0] = np.broadcast_to(columns[None, :, None, None], (32, 32, 16, 1))
        assert (
            'array 0 of group sSAM is a fixed grid that differs from ours by 0.0156' in refused()
        )

    def test_a_grid_that_is_not_finite(self, arrays, refused):
        arrays['Agg'][0] = np.full_like(arrays['Agg'][0], np.nan)
        assert 'array 0 of group Agg' in refused()

    def test_a_network_of_another_depth(self, net, arrays, tmp_path, write):
        path = write(tmp_path / 'in.h5', arrays)
        with pytest.raises(
            CheckpointError, match=r"network 'penn_action' with 3 blocks.*td_Model1"
        ):
            convert_keras_weights(path, replace(net.config, blocks=3))

    def test_another_preset(self, arrays, tmp_path, tiny, write):
        path = write(tmp_path / 'in.h5', arrays)
        with pytest.raises(CheckpointError, match=r'missing groups .*RegMap1.*unexpected groups'):
            convert_keras_weights(path, tiny('mpii'))


class TestDamagedAndHostileFiles:
    def test_missing(self, refused, tmp_path):
        assert 'no such file' in refused(tmp_path / 'none.h5')

    def test_a_folder(self, refused, tmp_path):
        assert 'no such file' in refused(tmp_path)

    def test_empty_and_garbage(self, refused, tmp_path):
        for content in (b'', bytes(range(256)) * 40, b'\x89HDF\r\n\x1a\n' + bytes(4000)):
            (tmp_path / 'bad.h5').write_bytes(content)
            refused(tmp_path / 'bad.h5')

    @pytest.mark.parametrize('share', [0.01, 0.5, 0.99])
    def test_truncated(self, arrays, refused, tmp_path, share, write):
        path = write(tmp_path / 'in.h5', arrays)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        assert 'cannot be read' in refused(path)

    def test_changed_bytes_end_in_an_error_or_in_numbers(self, net, arrays, tmp_path, write):
        path = write(tmp_path / 'in.h5', arrays)
        content = bytearray(path.read_bytes())
        rng = np.random.default_rng(0)
        for where in rng.integers(8, 4000, 200):  # superblock, symbol tables, object headers
            content[where] = rng.integers(256)
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            convert_keras_weights(path, net.config)

    def test_another_hdf5_file(self, refused, tmp_path):
        with h5py.File(tmp_path / 'other.h5', 'w') as file:
            file['x'] = np.zeros(3)
        assert 'no attribute layer_names' in refused(tmp_path / 'other.h5')

    def test_a_group_that_is_listed_but_not_there(self, arrays, refused, tmp_path, write):
        path = write(tmp_path / 'in.h5', arrays)
        with h5py.File(path, 'a') as file:
            del file['PoseAR']
        assert 'group PoseAR is missing' in refused(path)

    def test_an_array_that_is_listed_but_not_there(self, write, arrays, refused, tmp_path):
        path = write(tmp_path / 'in.h5', arrays)
        with h5py.File(path, 'a') as file:
            del file['PoseAR']['conv2d_43/kernel:0']
        assert 'array 3 of group PoseAR (conv2d_43/kernel:0) is missing' in refused(path)

    def test_an_array_where_a_group_should_be(self, arrays, refused, tmp_path, write):
        path = write(tmp_path / 'in.h5', arrays)
        with h5py.File(path, 'a') as file:
            del file['PoseAR']
            file['PoseAR'] = np.zeros(3)
        assert 'PoseAR' in refused(path)

    def replaced(self, write, arrays, tmp_path, make):
        """A file in which something else stands for the first array of the group Agg."""
        path = write(tmp_path / 'in.h5', arrays)
        with h5py.File(path, 'a') as file:
            name = file['Agg'].attrs['weight_names'][0].decode()
            folder, leaf = name.split('/')
            del file['Agg'][name]
            make(file['Agg'][folder], leaf)
        return path

    def test_external_link(self, arrays, refused, tmp_path, write):
        with h5py.File(tmp_path / 'secret.h5', 'w') as file:
            file['data'] = np.zeros((32, 16), np.float32)

        def link(group, leaf):
            group[leaf] = h5py.ExternalLink('secret.h5', '/data')

        path = self.replaced(write, arrays, tmp_path, link)
        assert (
            'array 0 of group Agg (conv2d_40/kernel:0) is missing, or a link to elsewhere'
            in refused(path)
        )

    def test_soft_link(self, arrays, refused, tmp_path, write):
        def link(group, leaf):
            group[leaf] = h5py.SoftLink('/sSAM')

        assert (
            'array 0 of group Agg (conv2d_40/kernel:0) is missing, or a link to elsewhere'
            in refused(self.replaced(write, arrays, tmp_path, link))
        )

    def test_values_of_another_file(self, arrays, refused, tmp_path, write):
        (tmp_path / 'raw.bin').write_bytes(bytes(32 * 16 * 4))

        def external(group, leaf):
            group.create_dataset(
                leaf, (32, 16), 'f4', external=[(str(tmp_path / 'raw.bin'), 0, 32 * 16 * 4)]
            )

        path = self.replaced(write, arrays, tmp_path, external)
        assert (
            'array 0 of group Agg (conv2d_40/kernel:0) takes its values from another file'
            in refused(path)
        )

    def test_virtual_data_set(self, arrays, refused, tmp_path, write):
        with h5py.File(tmp_path / 'secret.h5', 'w') as file:
            file['data'] = np.zeros((32, 16), np.float32)
        layout = h5py.VirtualLayout((32, 16), 'f4')
        layout[:] = h5py.VirtualSource(str(tmp_path / 'secret.h5'), 'data', (32, 16))

        def virtual(group, leaf):
            group.create_virtual_dataset(leaf, layout)

        path = self.replaced(write, arrays, tmp_path, virtual)
        assert (
            'array 0 of group Agg (conv2d_40/kernel:0) takes its values from another file'
            in refused(path)
        )

    def test_pickled_objects_are_not_opened(self, arrays, refused, tmp_path, write):
        touched = tmp_path / 'touched'

        class Bomb:
            def __reduce__(self):
                return (touched.touch, ())

        data = pickle.dumps(Bomb())

        def pickled(group, leaf):
            group.create_dataset(leaf, data=np.void(data))

        path = self.replaced(write, arrays, tmp_path, pickled)
        assert 'group Agg (conv2d_40/kernel:0) is not an array of floats' in refused(path)
        assert not touched.exists()

    @pytest.mark.parametrize('kind', ['text', 'int32', 'reference'])
    def test_other_types(self, arrays, refused, tmp_path, kind, write):
        def other(group, leaf):
            if kind == 'text':
                group.create_dataset(leaf, data=['a', 'b'], dtype=h5py.string_dtype())
            elif kind == 'int32':
                group.create_dataset(leaf, data=np.zeros((32, 16), np.int32))
            else:
                group.create_dataset(leaf, (1,), dtype=h5py.ref_dtype)

        path = self.replaced(write, arrays, tmp_path, other)
        assert 'group Agg (conv2d_40/kernel:0) is not an array of floats' in refused(path)

    def test_absurd_size(self, arrays, refused, tmp_path, write):
        def huge(group, leaf):
            group.create_dataset(leaf, (10**6, 10**6), 'f4', chunks=(100, 100), compression='gzip')

        path = self.replaced(write, arrays, tmp_path, huge)
        assert path.stat().st_size < 5_000_000
        assert f'more than {keras_file.MAX_BYTES >> 20} MiB' in refused(path)

    def test_the_library_dies(self, monkeypatch, arrays, refused, tmp_path):
        # A child that falls over a damaged file: the caller must live.
        script = tmp_path / 'dies.py'
        script.write_text('import os, signal; os.kill(os.getpid(), signal.SIGSEGV)')
        monkeypatch.setattr(keras_file, '__file__', str(script))
        assert 'the HDF5 library fails on it (exit status -11)' in refused()

    def test_the_library_hangs(self, monkeypatch, arrays, refused, tmp_path):
        script = tmp_path / 'hangs.py'
        script.write_text('import time; time.sleep(60)')
        monkeypatch.setattr(keras_file, '__file__', str(script))
        monkeypatch.setattr(keras_file, '_TIMEOUT_S', 0.5)
        assert 'does not finish reading it' in refused()
