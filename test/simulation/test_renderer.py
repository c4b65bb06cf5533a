import math

import numpy as np
import pytest
import torch

from pose_action_ros.simulation.renderer import Lights, Solids, cast, first_hits, nothing

FOCAL = 100.0
HEIGHT, WIDTH = 60, 80
WINDOW = torch.tensor([[[1 / FOCAL, 0, -40 / FOCAL], [0, 1 / FOCAL, -30 / FOCAL]]])
LIGHTS = Lights(
    torch.tensor([[0.0, 0.0, -1.0]]), torch.ones(1, 3), torch.zeros(1, 3), torch.zeros(1)
)
RED = torch.tensor([1.0, 0, 0, 1, 0, 0, 1, 0, 0, 9, 0, 0, 2])
BLUE = torch.tensor([0.0, 0, 1, 0, 0, 1, 0, 0, 1, 9, 0, 0, 2])


def solids(*rows):
    """Rows of (to_local, start, length, radius_start, radius_end, paint)."""
    columns = zip(*rows, strict=True)
    return Solids(*(torch.stack([torch.as_tensor(v).float() for v in c])[None] for c in columns))


def ball(center, radius, paint=RED):
    return torch.eye(3), center, 0.0, radius, radius, paint


def pictures(scene, lights=LIGHTS, window=WINDOW):
    hits = cast(scene, window, lights, height=HEIGHT, width=WIDTH)
    depth = torch.full((len(window) * HEIGHT * WIDTH,), math.inf)
    depth[hits.pixels] = hits.depth_m
    colour = torch.zeros(len(window) * HEIGHT * WIDTH, 3)
    colour[hits.pixels] = hits.colours
    return depth.reshape(-1, HEIGHT, WIDTH), colour.reshape(-1, HEIGHT, WIDTH, 3)


def test_ball_by_hand():
    depth, colour = pictures(solids(ball((0.0, 0.0, 4.0), 0.5)))
    assert depth[0, 30, 40] == pytest.approx(3.5, abs=1e-5)
    # The outline of a ball: tan(asin(r / distance)).
    edge = FOCAL * math.tan(math.asin(0.5 / 4.0))
    columns = torch.nonzero(depth[0, 30] < math.inf).squeeze(1)
    assert columns[0] == math.ceil(40 - edge)
    assert columns[-1] == math.floor(40 + edge)
    assert colour[0, 30, 40, 0] == pytest.approx(1.0, abs=1e-3)  # lit from the camera
    assert colour[0, 30, int(columns[0]), 0] < 0.7


def test_the_nearer_one_is_seen():
    near, far = ball((0.0, 0, 3.0), 0.2, BLUE), ball((0.0, 0, 5.0), 1.0, RED)
    for rows in ((near, far), (far, near)):
        _, colour = pictures(solids(*rows))
        assert colour[0, 30, 40].argmax() == 2
        assert colour[0, 30, 52].argmax() == 0


def signed_distance(points, scene, i):
    """Of a round cone, found by minimising over the spheres on its axis."""
    local = (points - scene.start_m[0, i].numpy()) @ scene.to_local[0, i].numpy().T
    z = np.linspace(0, float(scene.length[0, i]), 80)
    share = z / max(float(scene.length[0, i]), 1e-9)
    radii = (1 - share) * float(scene.radius_start[0, i]) + share * float(scene.radius_end[0, i])
    axial = (local[..., 2, None] - z) ** 2
    return (np.sqrt((local[..., :2] ** 2).sum(-1)[..., None] + axial) - radii).min(-1)


@pytest.mark.parametrize('seed', range(4))
def test_round_cones_agree_with_their_definition(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0] / rng.uniform(0.5, 1.5, (3, 1))
    scene = solids((turn, (0.05, 0.1, 3.0), 0.9, 0.30, 0.12, RED))
    depth, _ = pictures(scene)
    hit = torch.nonzero(depth[0] < math.inf).numpy()
    assert len(hit) > 50
    z = depth[0].numpy()[hit[:, 0], hit[:, 1]]
    rays = np.stack([(hit[:, 1] - 40) / FOCAL, (hit[:, 0] - 30) / FOCAL, np.ones(len(z))], -1)
    on_surface = signed_distance(rays * z[:, None], scene, 0)
    assert np.abs(on_surface).max() < 2e-3
    before = signed_distance(rays * (z[:, None] - 0.02), scene, 0)
    assert before.min() > 0
    # And every ray that comes inside is a hit.
    y, x = np.indices((HEIGHT, WIDTH))
    rays = np.stack([(x - 40) / FOCAL, (y - 30) / FOCAL, np.ones_like(x, float)], -1)
    steps = np.linspace(2.0, 4.5, 60)
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for step in steps:
        inside |= signed_distance(rays * step, scene, 0) < -5e-3
    assert (depth[0].numpy()[inside] < math.inf).all()


def test_first_hits_agree_with_the_picture():
    scene = solids(
        ball((0.3, 0, 3.0), 0.4), (torch.eye(3), (-0.5, -0.2, 2.5), 1.0, 0.3, 0.1, BLUE)
    )
    depth, _ = pictures(scene)
    rays = torch.stack(torch.meshgrid(torch.arange(80), torch.arange(60), indexing='xy'), -1)
    rays = (rays - torch.tensor([40, 30])) / FOCAL
    dense, solid = first_hits(scene, rays.reshape(1, -1, 2))
    torch.testing.assert_close(dense.reshape(60, 80).float(), depth[0], atol=1e-4, rtol=0)
    assert set(solid[dense < math.inf].tolist()) == {0, 1}


def test_windows_crop_and_turn_the_picture():
    scene = solids(ball((0.4, 0.1, 4.0), 0.3))
    shifted = WINDOW.clone()
    shifted[:, 0, 2] += 7 / FOCAL
    depth, _ = pictures(scene)
    moved, _ = pictures(scene, window=shifted)
    torch.testing.assert_close(moved[..., :-7], depth[..., 7:])
    swapped = WINDOW[:, [1, 0]].clone()  # x and y exchanged: columns run down
    turned, _ = pictures(solids(ball((0.1, 0.4, 4.0), 0.3)), window=swapped)
    assert (turned[0] < math.inf).sum() > 0


def test_a_batch_is_its_images_one_by_one():
    first = solids(ball((0.0, 0, 3.0), 0.2, BLUE), ball((0.3, 0, 5.0), 1.0, RED))
    second = solids(ball((0.2, 0.1, 2.0), 0.3, BLUE))
    both = Solids.join([first, second])
    assert both.length.shape == (2, 2)
    lights = Lights(*(value.expand(2, *value.shape[1:]) for value in vars(LIGHTS).values()))
    depth, colour = pictures(both, lights, WINDOW.expand(2, 2, 3))
    for i, scene in enumerate((first, second)):
        alone, paint = pictures(scene)
        torch.testing.assert_close(depth[i], alone[0])
        torch.testing.assert_close(colour[i], paint[0])


def test_of_equally_near_solids_the_last_is_seen():
    rows = [ball((0.1 * i, 0.0, 4.0), 0.5, paint) for i in (0, 1) for paint in (RED, BLUE)]
    hits = cast(solids(*rows), WINDOW, LIGHTS, height=HEIGHT, width=WIDTH)
    assert len(hits.pixels.unique()) == len(hits.pixels) > 200
    assert set(hits.solids.tolist()) == {1, 3}


def test_paint_changes_along_the_axis():
    paint = torch.tensor([1.0, 0, 0, 0, 0, 1, 1, 0, 0, 0.5, 0, 0, 2])
    upright = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])  # axis along image y
    _, colour = pictures(solids((upright, (0.0, -0.5, 4.0), 1.0, 0.2, 0.2, paint)))
    assert colour[0, 22, 40].argmax() == 0
    assert colour[0, 38, 40].argmax() == 2


def test_nothing_behind_the_camera():
    hits = cast(solids(ball((0.0, 0, -3.0), 0.5)), WINDOW, LIGHTS, height=HEIGHT, width=WIDTH)
    assert len(hits.pixels) == 0
    hits = cast(nothing(1), WINDOW, LIGHTS, height=HEIGHT, width=WIDTH)
    assert len(hits.pixels) == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_the_gpu_sees_the_same():
    scene = solids(
        ball((0.3, 0, 3.0), 0.4), (torch.eye(3), (-0.5, -0.2, 2.5), 1.0, 0.3, 0.1, BLUE)
    )
    there = [type(v)(*(t.cuda() for t in vars(v).values())) for v in (scene, LIGHTS)]
    hits = cast(there[0], WINDOW.cuda(), there[1], height=HEIGHT, width=WIDTH)
    depth = torch.full((HEIGHT * WIDTH,), math.inf)
    depth[hits.pixels.cpu()] = hits.depth_m.cpu()
    here, _ = pictures(scene)
    torch.testing.assert_close(depth.reshape(HEIGHT, WIDTH), here[0], atol=1e-4, rtol=0)
