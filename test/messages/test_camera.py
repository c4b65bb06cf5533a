"""Every CameraInfo is survived: what it describes, or why it can't be used."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from pose_action_ros.geometry import Camera
from pose_action_ros.messages.camera import NO_CALIBRATION, calibration_from_msg

D5 = (-0.2276, 0.2179, -0.0009, -0.0009, -0.2063)
RATIONAL = (*D5, 0.01, 0.0, 0.0)
TILTED = (*D5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.02)
NAN = float('nan')


def info(focal=300.0, size=(320, 240), model='plumb_bob', d=D5, p_focal=290.0, **changes):
    values = {
        'width': size[0],
        'height': size[1],
        'distortion_model': model,
        'd': np.array(d),
        'k': np.array([focal, 0.0, 159.5, 0.0, focal, 119.5, 0.0, 0.0, 1.0]),
        'r': np.eye(3).ravel(),
        'p': np.array([p_focal, 0, 150.0, 0, 0, p_focal, 110.0, 0, 0, 0, 1.0, 0]),
        'binning_x': 0,
        'binning_y': 0,
        'roi': SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
    }
    return SimpleNamespace(**{**values, **changes})


@pytest.mark.parametrize(
    ('model', 'd'),
    [
        *(('plumb_bob', D5), ('', D5), ('rational_polynomial', D5), ('plumb_bob', RATIONAL)),
        *(('plumb_bob', TILTED), ('rational_polynomial', TILTED), ('fisheye', D5[:4])),
        *(('kannala_brandt4', D5[:4]), ('whatever', (0.0,) * 5), ('', ())),
    ],
)
def test_models_of_drivers_are_understood(model, d):
    calibration = calibration_from_msg(info(model=model, d=d))
    assert calibration.problem == ''
    assert calibration.camera.fx == 300.0
    assert np.isfinite(calibration.camera.rays([100.0, 100.0])).all()


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        ({'focal': 0.0}, 'uncalibrated (K[0] == 0)'),
        ({'focal': NAN}, 'not finite'),
        ({'focal': -3.0}, 'focal lengths must be > 0'),
        ({'d': (NAN, 0.0, 0.0, 0.0)}, 'not finite'),
        ({'p_focal': float('inf')}, 'not finite'),
        ({'r': np.full(9, NAN)}, 'not finite'),
        ({'model': 'fov'}, "unknown distortion model 'fov'"),
        ({'d': D5[:3]}, 'came with 3 coefficients'),
        ({'model': 'fisheye'}, 'came with 5 coefficients'),
        ({'p_focal': NAN, 'r': np.full(9, NAN)}, 'numbers in R, P that are not finite'),
        ({'focal': 0.94}, 'focal lengths 0.94 and 0.94 are too short for an image of 320 x 240'),
        ({'focal': 3.6}, 'focal lengths 3.6 and 3.6 are too short for an image of 320 x 240'),
        ({'focal': 25.0}, 'expected pixels'),  # the lens of a small thermal camera, in millimetres
        ({'focal': 1e6}, 'focal lengths 1e+06 and 1e+06 are too long for an image of 320 x 240'),
        ({'k': np.array([300.0, 0, 160.0, 0, 30.0, 120.0, 0, 0, 1])}, '300 and 30 do not belong'),
        ({'k': np.array([30.0, 0, 160.0, 0, 300.0, 120.0, 0, 0, 1])}, '30 and 300 do not belong'),
        ({'k': np.array([300.0, 0, 0, 0, 300.0, 0, 159.5, 119.5, 1])}, 'row by row'),
        ({'k': np.eye(3).ravel()}, 'too short'),
        ({'k': np.array([300.0, 0, 1e7, 0, 300.0, 119.5, 0, 0, 1])}, 'far outside an image'),
    ],
)
def test_what_cannot_be_used_is_said(changes, problem):
    calibration = calibration_from_msg(info(**changes))
    assert calibration.camera is None
    assert problem in calibration.problem
    assert calibration.for_image(320, 240) == calibration
    assert calibration_from_msg(info()).camera is not None


def test_rectified_images_use_p_whatever_k_is():
    for focal in (300.0, 0.0):
        camera = calibration_from_msg(info(focal), rectified=True).camera
        assert (camera.fx, camera.cx, camera.cy) == (290.0, 150.0, 110.0)
        assert camera.distortion == ()
    without_p = calibration_from_msg(info(p_focal=0.0), rectified=True)
    assert without_p.camera is None
    assert 'P[0] == 0' in without_p.problem
    assert calibration_from_msg(info(p_focal=0.0)).camera.fx == 300.0


@pytest.mark.parametrize('rectified', [False, True])
def test_a_matrix_of_zeros_beside_a_filled_one_hints_at_the_parameter(rectified):
    filled = {'focal' if rectified else 'p_focal': 290.0}
    empty = {'p_focal' if rectified else 'focal': 0.0}
    calibration = calibration_from_msg(info(**filled, **empty), rectified=rectified)
    assert 'is image_rectified right?' in calibration.problem
    neither = calibration_from_msg(info(focal=0.0, p_focal=0.0), rectified=rectified)
    assert 'calibrate the camera' in neither.problem


def test_binning_and_roi_are_applied_in_this_order():
    roi = SimpleNamespace(x_offset=100, y_offset=60, width=1000, height=600, do_rectify=False)
    k = np.array([800.0, 0, 640.0, 0, 800.0, 360.0, 0, 0, 1])
    size = (1280, 720)
    camera = calibration_from_msg(info(size=size, k=k, roi=roi, binning_x=2, binning_y=2)).camera
    assert (camera.width, camera.height) == (500, 300)
    assert camera.fx == 400.0
    assert (camera.cx, camera.cy) == (270.0, 150.0)  # as image_geometry has it


def region(x, y, width, height):
    return SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height, do_rectify=False)


@pytest.mark.parametrize('roi', [region(80, 60, 160, 120), region(0, 60, 320, 120)])
def test_a_region_is_not_applied_to_an_image_of_the_full_sensor(roi):
    full = calibration_from_msg(info()).camera
    fitted = calibration_from_msg(info(roi=roi)).for_image(320, 240)
    assert fitted.camera == full
    assert 'its region of interest is not applied' in fitted.note
    binned = calibration_from_msg(info(roi=roi, binning_x=2, binning_y=2))
    assert binned.for_image(160, 120).camera == full.binned(2, 2)
    assert binned.for_image(320, 240).camera == full
    part = calibration_from_msg(info(roi=roi)).for_image(roi.width, roi.height)
    assert part.camera == full.cropped(roi.x_offset, roi.y_offset, roi.width, roi.height)
    assert part.note == ''


@pytest.mark.parametrize('roi', [region(0, 0, 9999, 9999), region(5000, 5000, 160, 120)])
def test_a_region_beside_the_sensor_is_ignored(roi):
    assert calibration_from_msg(info(roi=roi)) == calibration_from_msg(info())


def test_a_lens_without_an_inverse_is_refused():
    calibration = calibration_from_msg(info(d=(1e30, -1e300, 1e10, 1.0, 1e200)))
    fitted = calibration.for_image(320, 240)
    assert fitted.camera is None
    assert 'its lens model has an inverse on only 0% of the image' in fitted.problem


def test_a_fisheye_that_fills_a_small_circle_is_used():
    """Most pixels of a wide image are dark: only rays within 90 degrees count."""
    k = np.array([60.0, 0, 159.5, 0, 60.0, 89.5, 0, 0, 1])
    fisheye = {'model': 'fisheye', 'd': (0.0,) * 4, 'k': k, 'size': (320, 180)}
    assert calibration_from_msg(info(**fisheye)).for_image(320, 180).problem == ''


@pytest.mark.parametrize(
    ('focal', 'size'),
    [
        *((4.0, (640, 480)), (6.0, (1280, 720)), (3.6, (320, 240)), (8.0, (1920, 1080))),
        *((2.8, (1280, 720)), (1.0, (160, 120)), (50.0, (1920, 1080)), (12.0, (480, 640))),
    ],
)
@pytest.mark.parametrize('known', [True, False])
def test_a_focal_length_in_millimetres_is_refused(focal, size, known):
    """Also if only the image tells the size, and for rectified images."""
    k = np.array([focal, 0, size[0] / 2, 0, focal, size[1] / 2, 0, 0, 1])
    p = np.array([focal, 0, size[0] / 2, 0, 0, focal, size[1] / 2, 0, 0, 0, 1, 0])
    message = info(k=k, p=p, d=(0.0,) * 5, size=size if known else (0, 0))
    for rectified in (False, True):
        found = calibration_from_msg(message, rectified=rectified).for_image(*size)
        assert found.camera is None
        assert 'too short' in found.problem
        assert 'expected pixels' in found.problem


@pytest.mark.parametrize(
    ('k', 'size'),
    [
        ((70.0, 70.0, 320.0, 137.0), (640, 274)),  # a fisheye circle in an image of 21:9
        ((200.0, 200.0, 320.0, 240.0), (640, 480)),
        ((110_000.0, 110_000.0, 960.0, 540.0), (1920, 1080)),  # 60-fold zoom
        ((880.0, 400.0, 360.0, 120.0), (720, 240)),  # a field of interlaced video
        ((600.0, 600.0, 900.0, 240.0), (640, 480)),  # a part of a larger image
        ((600.0, 600.0, 0.0, 240.0), (640, 480)),
    ],
)
def test_lenses_of_all_kinds_are_used(k, size):
    fx, fy, cx, cy = k
    matrix = np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1])
    found = calibration_from_msg(info(k=matrix, size=size, d=())).for_image(*size)
    assert found.problem == ''
    assert found.camera.fx == fx


@pytest.mark.parametrize('size', [(0, 0), (320, 0), (0, 240)])
def test_a_size_of_0_is_unknown_and_fits_any_image(size):
    calibration = calibration_from_msg(info(size=size, binning_x=1, binning_y=1))
    fitted = calibration.for_image(320, 240)
    assert fitted.camera == calibration_from_msg(info()).camera
    assert fitted.note == fitted.problem == ''


@pytest.mark.parametrize('factor', [4.0, 0.5, 1935 / 320])
def test_a_calibration_of_another_size_is_scaled_and_this_is_said(factor):
    """Edge stays on edge: the same place of the image is on the same ray."""
    size = (round(320 * factor), round(240 * factor))
    big = Camera(300.0, 300.0, 159.5, 119.5, 320, 240, D5, 'plumb_bob').scaled(*size)
    k = np.array([big.fx, 0, big.cx, 0, big.fy, big.cy, 0, 0, 1])
    fitted = calibration_from_msg(info(size=size, k=k)).for_image(320, 240)
    assert f'{size[0]} x {size[1]}, the image 320 x 240' in fitted.note
    camera = fitted.camera
    np.testing.assert_allclose([camera.fx, camera.fy, camera.cx, camera.cy],
                               [300.0, 300.0, 159.5, 119.5])  # fmt: skip
    assert calibration_from_msg(info()).for_image(320, 240).note == ''


def test_a_calibration_of_another_aspect_is_refused():
    fitted = calibration_from_msg(info(size=(640, 360))).for_image(640, 480)
    assert fitted.camera is None
    assert '640 x 360, the image 640 x 480: another aspect' in fitted.problem
    assert fitted.for_image(640, 360) == fitted
    assert calibration_from_msg(info(size=(1280, 720))).for_image(848, 480).camera.width == 848


def test_before_the_first_message():
    assert NO_CALIBRATION.for_image(4, 4) is NO_CALIBRATION
    assert 'no CameraInfo' in NO_CALIBRATION.problem


def test_hostile_numbers_never_raise():
    """Every field in turn is each of these, in each way of reading and at two sizes of image."""
    numbers = (0.0, -0.0, -1.0, 1e-300, 1e300, NAN, float('inf'), -float('inf'))
    sizes = (0, 1, 2**16, 2**32 - 1)
    cases = [{'focal': n} for n in numbers] + [{'p_focal': n} for n in numbers]
    cases += [{'d': (n,) * count} for n in numbers for count in range(16)]
    cases += [{'model': m, 'd': D5[:4]} for m in ('', '\0', 'ÿ' * 999, 'equidistant')]
    cases += [{'size': pair} for pair in itertools.product(sizes, sizes)]
    cases += [{'binning_x': n, 'binning_y': m} for n in sizes for m in sizes]
    cases += [
        {'roi': SimpleNamespace(x_offset=x, y_offset=x, width=w, height=h)}
        for x, w, h in itertools.product(sizes, sizes, sizes)
    ]
    for case, rectified in itertools.product(cases, (False, True)):
        for size in ((320, 240), (1, 1)):
            calibration = calibration_from_msg(info(**case), rectified=rectified).for_image(*size)
            assert (calibration.camera is None) == bool(calibration.problem)
            if calibration.camera is not None:
                assert calibration.camera.rays([[0.0, 0.0], [9.0, NAN]]).shape == (2, 2)


def test_numbers_that_binning_makes_impossible_are_said():
    binned = calibration_from_msg(info(focal=5e-324, size=(0, 0), binning_x=2, binning_y=2))
    assert binned.camera is None
    assert 'focal lengths must be > 0' in binned.problem
