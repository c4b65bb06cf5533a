"""A whole image on a canvas of another size."""

import numpy as np
import pytest

from pose_action_ros.geometry.fitting import fit_image


@pytest.mark.parametrize('size', [(640, 480), (480, 640), (100, 30), (33, 200), (1, 1)])
def test_a_square_of_the_canvas_is_found_again_in_the_image(size):
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    x0, x1, y0, y1 = width // 4, -(-width // 2), height // 4, -(-height // 2)
    image[y0:y1, x0:x1] = 255
    fitted = fit_image(image, 256, 192)
    assert fitted.pixels.shape == (192, 256, 3)
    rows, columns = np.nonzero(fitted.pixels[..., 0] > 127)
    middle = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
    box = fitted.box_in_image(*middle, float(columns.max() + 1 - columns.min()))
    pixel = max(width / 256, height / 192)
    assert box.center_x == pytest.approx((x0 + x1) / 2, abs=1.5 * pixel)
    assert box.center_y == pytest.approx((y0 + y1) / 2, abs=1.5 * pixel)
    assert box.size == pytest.approx(x1 - x0, abs=2.5 * pixel)


def test_beside_the_image_it_is_black():
    fitted = fit_image(np.full((100, 100, 3), 200, np.uint8), 256, 192)
    assert fitted.pixels[:, 128].min() == 200
    assert fitted.pixels[:, :32].max() == fitted.pixels[:, -32:].max() == 0
