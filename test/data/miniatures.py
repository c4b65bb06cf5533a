"""Miniature data sets in the real formats on disk: a few small pictures of a drawn person.

Each joint is a dot of a colour of its own, so that a picture says where its joints are.
"""

import json

import cv2
import numpy as np
import scipy.io

from pose_action_ros.core.actions import PENN_ACTIONS
from pose_action_ros.core.skeleton import PA21J
from pose_action_ros.data.layouts import PENN_JOINTS
from pose_action_ros.geometry.human36m_camera import Human36mCamera

WIDTH, HEIGHT = 320, 240
FOCAL = 300.0
H36M_WIDTH, H36M_HEIGHT = 1000, 1002  # windows of this data set are made for this size
H36M_FOCAL = 1145.0
_NAMES = PA21J.joint_names
_CENTRES = {
    'pelvis': (0.0, 0.0, 0.0),
    'spine': (0.0, -0.25, 0.0),
    'thorax': (0.0, -0.5, 0.0),
    'neck': (0.0, -0.6, 0.02),
    'head': (0.0, -0.8, 0.0),
}
_SIDES = {
    'shoulder': (0.22, -0.48, 0.0),
    'elbow': (0.42, -0.3, -0.1),
    'wrist': (0.55, -0.1, -0.2),
    'hand': (0.6, 0.02, -0.25),
    'hip': (0.12, 0.04, 0.0),
    'knee': (0.16, 0.45, -0.1),
    'ankle': (0.18, 0.85, 0.05),
    'foot': (0.22, 0.92, -0.15),
}
COLOURS = np.array(
    [(60 + 95 * (i % 3), 60 + 95 * (i // 3 % 3), 60 + 65 * (i // 9)) for i in range(21)]
)


def person(frame, seed=0):
    """(21, 3) metres in the camera's frame, layout pa21j; the arms swing with the frame."""
    joints = np.zeros((21, 3))
    swing = 0.15 * np.sin(0.4 * frame + seed)
    for index, name in enumerate(_NAMES):
        side, _, part = name.partition('_')
        if not part:
            joints[index] = _CENTRES[name]
            continue
        x, y, z = _SIDES[part]
        joints[index] = (-x if side == 'right' else x, y, z)
        if part in ('elbow', 'wrist', 'hand'):
            joints[index, 1] += swing if side == 'right' else -swing
    return joints + np.array([0.1 * np.cos(seed), 0.05, 3.0 + 0.1 * seed])


def pixels(joints):
    """(..., 2) pixels of the camera that draws."""
    return joints[..., :2] / joints[..., 2:] * FOCAL + (WIDTH / 2, HEIGHT / 2)


def picture(joints_px, width=WIDTH, height=HEIGHT, radius=4):
    """(H, W, 3) RGB: a plain ground, bones, and the joints' dots."""
    image = np.full((height, width, 3), (30, 50, 40), np.uint8)
    points = [tuple(round(16 * v) for v in point) for point in joints_px]
    for one, other in PA21J.links:
        cv2.line(image, points[one], points[other], (120, 120, 120), 2, cv2.LINE_AA, 4)
    for point, colour in zip(points, COLOURS.tolist(), strict=True):
        cv2.circle(image, point, 16 * radius, colour, -1, cv2.LINE_8, 4)
    return image


def save_picture(path, image, quality=98):
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    assert cv2.imwrite(str(path), image[..., ::-1], options)


def save_video(path, images, code):
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 30, (width, height))
    assert writer.isOpened()
    for image in images:
        writer.write(image[..., ::-1])
    writer.release()


def struct(rows):
    """A MATLAB struct array of 1 x N."""
    out = np.empty((1, len(rows)), dtype=[(key, object) for key in rows[0]])
    for i, row in enumerate(rows):
        out[0, i] = tuple(row.values())
    return out


def cell(values):
    """A MATLAB cell array of N x 1."""
    out = np.empty((len(values), 1), dtype=object)
    for i, value in enumerate(values):
        out[i, 0] = value
    return out


def as_source(source, joints):
    """Joints (..., 21, D) in the order of a data set, 0 where it has others."""
    if source in PA21J.maps_to:
        return joints[..., list(PA21J.maps_to[source]), :]
    count = {'h36m': 32, 'ntu': 25}[source]
    out = np.zeros((*joints.shape[:-2], count, joints.shape[-1]))
    out[..., list(PA21J.maps_from[source]), :] = joints
    return out


# MPII ---------------------------------------------------------------------------------------


def mpii_person(seed):
    """What both annotation files say of a person: joints (16, 2), head, position, scale."""
    joints_px = pixels(person(0, seed))
    joints = as_source('mpii', joints_px)
    if seed == 1:
        joints[0] = np.nan  # the right ankle is not annotated
    head, neck = joints_px[PA21J.index('head')], joints_px[PA21J.index('neck')]
    box = [head[0] - 8, head[1], neck[0] + 8, neck[1]]
    extent = np.ptp(joints_px[:, 1])
    return joints, box, joints_px.mean(axis=0), extent / 200.0, picture(joints_px)


def write_mpii(root, official):
    """Images 0 to 5: 0 to 3 for training, 4 and 5 for validation."""
    images, rows = [], []
    for seed in range(6):
        joints, head, position, scale, image = mpii_person(seed)
        images.append(f'{seed:09d}.jpg')
        save_picture(root / 'images' / images[-1], image)
        rows.append((joints, head, position, scale))
    if official:
        _write_mpii_official(root, images, rows)
    else:
        _write_mpii_released(root, images, rows)


def _write_mpii_official(root, images, rows):
    annotations = []
    for seed, (image, (joints, head, position, scale)) in enumerate(
        zip(images, rows, strict=True)
    ):
        points = [
            {'x': x, 'y': y, 'id': i, 'is_visible': '1' if i % 2 else np.zeros((0, 0))}
            for i, (x, y) in enumerate(joints)
            if np.isfinite(x)
        ]
        rect = dict(zip(('x1', 'y1', 'x2', 'y2'), head, strict=True))
        rect['annopoints'] = struct([{'point': struct(points)}])
        rect['scale'] = scale
        rect['objpos'] = struct([{'x': position[0], 'y': position[1]}])
        # A person without joints stands first, so that indices of persons matter.
        nobody = dict.fromkeys(rect, np.zeros((0, 0)))
        annotations.append(
            {
                'image': struct([{'name': image}]),
                'annorect': struct([nobody, rect]),
                'frame_sec': 1.0,
                'vididx': seed + 1 if seed < 4 else 10 * (seed - 3),
            }
        )
    test_rect = struct([{'scale': 1.0, 'objpos': struct([{'x': 5.0, 'y': 5.0}])}])
    save_picture(root / 'images' / 'test.jpg', np.zeros((20, 20, 3), np.uint8))
    annotations.append(
        {
            'image': struct([{'name': 'test.jpg'}]),
            'annorect': test_rect,
            'frame_sec': np.zeros((0, 0)),
            'vididx': 3,
        }
    )
    nobody = np.zeros((0, 0))
    annotations.append({**annotations[-1], 'annorect': nobody, 'vididx': 4})
    release = {
        'annolist': struct(annotations),
        'img_train': np.array([[1] * 6 + [0, 1]], np.uint8),
        'version': 12,
        'single_person': cell([np.array([[2]])] * 6 + [np.array([[1]]), nobody]),
    }
    scipy.io.savemat(root / 'mpii_human_pose_v1_u12_1.mat', {'RELEASE': release})


def _write_mpii_released(root, images, rows):
    def table(chosen):
        out = np.empty((3, len(chosen)), dtype=object)
        for column, seed in enumerate(chosen):
            joints, head, position, scale = rows[seed]
            rect = struct(
                [
                    {
                        'head': np.array([head]),
                        'objpos': np.array([position]),
                        'scale': scale,
                        'pose': joints.T,
                    }
                ]
            )
            out[0, column] = np.array([[1]])
            out[1, column] = images[seed]
            out[2, column] = cell([rect])
        return out

    scipy.io.savemat(
        root / 'annotations.mat', {'annot_tr': table(range(4)), 'annot_val': table([4, 5])}
    )


# Human3.6M ----------------------------------------------------------------------------------


def h36m_angles():
    return np.array([0.1, -0.2, 0.3])


def h36m_camera():
    """A camera of the data set's kind, with a little distortion."""
    x, y, z = h36m_angles()
    rotation = cv2.Rodrigues(np.array([x, 0.0, 0]))[0]
    rotation = rotation @ cv2.Rodrigues(np.array([0, y, 0]))[0]
    rotation = rotation @ cv2.Rodrigues(np.array([0, 0, z]))[0]
    return Human36mCamera(
        rotation,
        np.array([100.0, -200.0, 1500.0]),
        np.array([H36M_FOCAL, H36M_FOCAL]),
        np.array([H36M_WIDTH / 2, H36M_HEIGHT / 2]),
        np.array([0.001, -0.002]),
        np.array([-0.02, 0.01, 0.0]),
    )


def h36m_world(frame, seed):
    """(21, 3) world millimetres of a person."""
    camera = h36m_camera()
    joints = person(frame, seed) + np.array([0.0, 0.0, 1.5])
    return 1000.0 * joints @ camera.rotation + camera.translation_mm


def h36m_picture(frame, seed):
    points = h36m_camera().project(h36m_world(frame, seed))[:, :2]
    return picture(points, H36M_WIDTH, H36M_HEIGHT, radius=10)


def write_h36m_released(root, frames=4):
    camera = h36m_camera()
    parameters = {
        'R': camera.rotation,
        'T': camera.translation_mm[:, None],
        'f': camera.focal_px[None],
        'c': camera.center_px[None],
        'p': camera.tangential[None],
        'k': camera.radial[None],
    }

    def sequence(action, subject, seed):
        name = f'a{action:02d}_s{subject:02d}_e01_c01'
        rows = []
        for frame in range(frames):
            number = 1 + 5 * frame
            save_picture(root / 'images' / name / f'{number:05d}.jpg', h36m_picture(frame, seed))
            pose = as_source('h36m', h36m_world(frame, seed))
            rows.append({'f': number, 'w': H36M_WIDTH, 'h': H36M_HEIGHT, 'pose3d': pose.T})
        return {'name': name, 'camera_parameters': struct([parameters]), 'frames': struct(rows)}

    train = [sequence(2, 1, 0), sequence(14, 5, 1), sequence(4, 8, 4)]
    scipy.io.savemat(
        root / 'annotations.mat',
        {
            'sequences_tr': struct(train),
            'sequences_val': struct([sequence(3, 9, 2), sequence(16, 11, 3)]),
            'sequences_te': np.zeros((0, 0)),
            'action_labels': cell(['all', 'Directions']),
            'joint_labels': cell([f'joint {i}' for i in range(32)]),
        },
    )


def write_h36m_official(root, frames=6):
    """Poses as NumPy files under the official names: a stand-in reads them."""
    camera = h36m_camera()
    outer = np.zeros((4, 11, 6))
    outer[..., :3], outer[..., 3:] = h36m_angles(), camera.translation_mm
    inner = np.concatenate(
        [camera.focal_px, camera.center_px, camera.radial, camera.tangential[::-1]]
    )
    numbers = np.concatenate([outer.ravel(), np.tile(inner, 4)])
    root.mkdir(parents=True, exist_ok=True)
    text = ' '.join(repr(float(number)) for number in numbers)
    (root / 'metadata.xml').write_text(f'<metadata><w0>[{text}]</w0></metadata>')
    for subject, action in ((1, 'TakingPhoto 1'), (8, 'Eating'), (9, 'Walking')):
        poses = [as_source('h36m', h36m_world(frame, subject)) for frame in range(frames)]
        folder = root / f'S{subject}'
        path = folder / 'MyPoseFeatures' / 'D3_Positions' / f'{action}.cdf'
        path.parent.mkdir(parents=True)
        with path.open('wb') as file:
            np.save(file, np.reshape(poses, (1, frames, 96)))
        images = [h36m_picture(frame, subject) for frame in range(frames)]
        for name in ('54138969', '55011271', '58860488', '60457274'):
            save_video(folder / 'Videos' / f'{action}.{name}.mp4', images, 'mp4v')


# Penn Action --------------------------------------------------------------------------------


def penn_joints(frame, seed):
    """(13, 2) in the order of the data set."""
    joints = pixels(person(frame, seed))
    return np.stack([joints[_NAMES.index(name)] for name in PENN_JOINTS])


def write_penn(root, official, frames=24):
    """Sequences 1 to 3 for training, 10 held out of it, 4 and 5 for test.

    The left wrist is hidden in frame 0.
    """
    released = {True: [], False: []}
    for number in (1, 2, 3, 10, 4, 5):
        action = PENN_ACTIONS[(3 * number) % 15]
        images = [picture(pixels(person(frame, number))) for frame in range(frames)]
        for frame, image in enumerate(images):
            save_picture(root / 'frames' / f'{number:04d}' / f'{frame + 1:06d}.jpg', image)
        joints = np.stack([penn_joints(frame, number) for frame in range(frames)])
        visible = np.ones((frames, 13), np.uint8)
        visible[0, PENN_JOINTS.index('left_wrist')] = 0
        if official:
            (root / 'labels').mkdir(exist_ok=True)
            values = {
                'action': action.replace('pullup', 'pull_ups'),
                'pose': 'front',
                'x': joints[..., 0],
                'y': joints[..., 1],
                'visibility': visible,
                'train': -1 if number in (4, 5) else 1,
                'bbox': np.zeros((frames, 4)),
                'dimensions': np.array([[HEIGHT, WIDTH, frames]]),
                'nframes': frames,
            }
            scipy.io.savemat(root / 'labels' / f'{number:04d}.mat', values)
        rows = [
            {'f': f + 1, 'w': WIDTH, 'h': HEIGHT, 'pose': joints[f].T, 'visible': visible[f]}
            for f in range(frames)
        ]
        sequence = {
            'idx': number,
            'action_id': PENN_ACTIONS.index(action) + 1,
            'frames': struct(rows),
        }
        released[number not in (4, 5)].append(sequence)
    if not official:
        labels = [n.replace('left_', 'l_').replace('right_', 'r_') for n in PENN_JOINTS]
        values = {
            'sequences_tr': struct(released[True]),
            'sequences_te': struct(released[False]),
            'action_labels': cell(list(PENN_ACTIONS)),
            'joint_labels': cell(labels),
        }
        scipy.io.savemat(root / 'annotations.mat', values)


def write_penn_boxes(path, keys, box):
    path.write_text(json.dumps({key: list(box) for key in keys}))


# NTU RGB+D ----------------------------------------------------------------------------------

NTU_TRAIN = ('S001C001P001R001A001', 'S001C001P008R001A060', 'S001C002P002R001A010')
NTU_VAL = ('S001C002P017R001A003',)
NTU_TEST = ('S001C001P003R001A001', 'S001C001P006R002A023')
NTU_BROKEN = 'S001C002P005R002A008'


def ntu_seed(name):
    return int(name[9:12]) % 7


def write_ntu(root, frames=24):
    """Videos and skeletons; a bystander is tracked for a short while."""
    for name in (*NTU_TRAIN, *NTU_VAL, *NTU_TEST):
        seed = ntu_seed(name)
        images = [picture(pixels(person(frame, seed))) for frame in range(frames)]
        save_video(root / 'nturgb+d_rgb' / f'{name}_rgb.avi', images, 'MJPG')
        bodies = [
            [(72057594037931000 + k, person(f, seed + 3 * k)) for k in range(2 if f < 5 else 1)]
            for f in range(frames)
        ]
        write_skeleton(root / 'nturgb+d_skeletons' / f'{name}.skeleton', bodies)
    write_skeleton(root / 'nturgb+d_skeletons' / f'{NTU_BROKEN}.skeleton', [[]] * frames)
    (root / 'NTU_RGBD_samples_with_missing_skeletons.txt').write_text(
        f'The following samples have missing skeletons:\n\n{NTU_BROKEN}\n'
    )


def write_skeleton(path, frames):
    """Text as the data set has it: (id, joints (21, 3) in the camera's frame) per body."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body, joints in bodies:
            lines += [f'{body} 0 1 1 1 1 0 0.02 -0.1 2', '25']
            space, colour = as_source('ntu', joints), as_source('ntu', pixels(joints))
            for (x, y, z), (u, v) in zip(space, colour, strict=True):
                lines.append(f'{x:.6f} {-y:.6f} {z:.6f} 200.5 150.5 {u:.4f} {v:.4f} 1 0 0 0 2')
    path.write_text('\n'.join(lines) + '\n')


def write_ntu_numpy(root, frames=24):
    """The authors' arrays and pictures of half the resolution."""
    for name in (*NTU_TRAIN, *NTU_VAL, *NTU_TEST):
        joints = np.stack([person(frame, ntu_seed(name)) for frame in range(frames)])
        for frame, points in enumerate(pixels(joints)):
            path = root / 'images-small' / name / f'{frame + 1:05d}.jpg'
            save_picture(path, picture(points / 2.0, WIDTH // 2, HEIGHT // 2, radius=3))
        u, v = np.moveaxis(as_source('ntu', pixels(joints)), -1, 0)
        depth_mm = 1000.0 * as_source('ntu', joints)[..., 2]
        numbers = np.arange(1, frames + 1)[:, None]
        table = np.concatenate([numbers, np.zeros((frames, 75)), u, v, depth_mm], axis=1)
        (root / 'nturgb+d_numpy').mkdir(parents=True, exist_ok=True)
        np.save(root / 'nturgb+d_numpy' / f'{name}.npy', table)
