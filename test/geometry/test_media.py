"""Picture and video files: what OpenCV does badly with their names and content is an error."""

import struct

import cv2
import numpy as np
import pytest

from pose_action_ros.core.errors import ImageError
from pose_action_ros.geometry import Film, film_writer
from pose_action_ros.geometry.film_writer import FilmWriter
from pose_action_ros.geometry.image_source import ImageFolder, Picture, open_images
from pose_action_ros.geometry.media import read_picture, write_picture

NOT_UTF_8 = b'caf\xe9'.decode(errors='surrogateescape')


@pytest.fixture
def picture():
    """A picture that is brighter above, and red."""
    image = np.zeros((60, 80, 3), np.uint8)
    image[:30, :, 0] = 200
    return image


def turned_jpeg(image_rgb, orientation):
    """A JPEG with an EXIF orientation, as a phone that is held upright stores it."""
    _, data = cv2.imencode('.jpg', cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
    tiff = b'II*\0\x08\0\0\0' + struct.pack('<HHHIHHI', 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b'Exif\0\0' + tiff
    data = data.tobytes()
    return data[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + data[2:]


def test_a_picture_is_read_upright(tmp_path, picture):
    path = tmp_path / 'phone.jpg'
    path.write_bytes(turned_jpeg(picture, 6))
    turned = read_picture(path)
    assert turned.shape == (80, 60, 3)
    assert turned[40, 50, 0] > 150 > 50 > turned[40, 10, 0]


@pytest.mark.parametrize('name', ['walk.png', f'{NOT_UTF_8}.png', 'a:b [c] %03d.png'])
def test_a_picture_of_any_name_comes_back(tmp_path, picture, name):
    write_picture(tmp_path / name, picture)
    np.testing.assert_array_equal(read_picture(tmp_path / name), picture)
    assert open_images(str(tmp_path / name)).size == (80, 60)


def test_a_picture_that_is_cut_short_is_skipped(tmp_path, picture):
    for name in ('0.jpg', '1.jpg'):
        write_picture(tmp_path / name, picture)
    whole = (tmp_path / '1.jpg').read_bytes()
    (tmp_path / '1.jpg').write_bytes(whole[: len(whole) // 2])
    folder = ImageFolder(tmp_path)
    assert len(list(folder)) == 1
    assert ['1.jpg' in problem and 'cut short' in problem for problem in folder.problems] == [True]


def test_a_picture_with_an_absurd_size_is_an_error(tmp_path, picture):
    path = tmp_path / 'huge.png'
    write_picture(path, picture)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack('>II', 1 << 30, 1 << 30)
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r'huge\.png cannot be read: a PNG of 1073741824 x'):
        read_picture(path)


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path, picture):
    with pytest.raises(ImageError, match=r'OpenCV writes no \.mp4; use \.png'):
        write_picture(tmp_path / 'sheet.mp4', picture)
    with pytest.raises(ImageError, match=r'cannot write .*No such file or directory'):
        write_picture(tmp_path / 'none' / 'sheet.png', picture)


def test_an_animated_picture_is_named(tmp_path, picture):
    path = tmp_path / 'moving.png'
    write_picture(path, picture)
    content = path.read_bytes()
    control = struct.pack('>I', 8) + b'acTL' + struct.pack('>II', 2, 0) + b'\0\0\0\0'
    path.write_bytes(content[:33] + control + content[33:])
    assert Picture(path).problems == [f'{path} is animated: only its first image is used']


def test_a_film_is_found_by_a_relative_name_with_a_colon(tmp_path, picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = tmp_path / '2024-01-01T10:30.mp4'
    with FilmWriter(name.relative_to(tmp_path), 10.0, (80, 60)) as writer:
        writer.add(picture, 0.0)
    assert Film(name.relative_to(tmp_path)).size == (80, 60)


def test_a_film_whose_name_is_not_utf_8_is_an_error(tmp_path):
    path = tmp_path / f'{NOT_UTF_8}.mp4'
    path.write_bytes(b'no film')
    with pytest.raises(ImageError, match='is not UTF-8; rename the file'):
        Film(path)


def test_an_encoder_that_refuses_is_an_error(tmp_path):
    with pytest.raises(ImageError, match='cannot write'):
        FilmWriter(tmp_path / 'wide.mp4', 10.0, (40_000, 20))


@pytest.mark.parametrize(
    ('source', 'words'),
    [('rtsp://camera/1', 'is a URL'), ('/dev/null', 'is a device; give the number of a camera')],
)
def test_sources_that_are_no_files_are_explained(source, words):
    with pytest.raises(ImageError, match=words):
        open_images(source)


@pytest.mark.parametrize('kind', ['_H264', '_Mpeg4'])
def test_a_film_is_not_written_to_a_name_that_is_not_utf_8(tmp_path, kind):
    encoder = getattr(film_writer, kind)
    with pytest.raises(ImageError, match='is not UTF-8; rename the file'):
        encoder(tmp_path / NOT_UTF_8 / 'film.mp4', 10.0, (80, 60))
