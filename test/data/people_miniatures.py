"""Miniature photographs and films in the formats on disk: drawn people, dotted joints."""

import json

import numpy as np
import scipy.io
from miniatures import COLOURS, PA21J, person, picture, pixels, save_picture, save_video

from pose_action_ros.core.skeleton import COCO17J
from pose_action_ros.data.jhmdb import JHMDB_JOINTS
from pose_action_ros.data.lsp import LSP_JOINTS

__all__ = ['COLOURS']

_NAMES = list(PA21J.joint_names)
COUNT = 20
"""Images of each photograph data set."""


def drawn(seed, frame=0):
    """Joints (21, 2) and the picture of a person."""
    joints = pixels(person(frame, seed % 5))
    return joints, picture(joints)


def joints_of(names, joints):
    """(len(names), 2) of (21, 2); a joint that no drawing has lies at the head."""
    return np.array([joints[_NAMES.index(n) if n in _NAMES else 3] for n in names])


def corners(joints):
    """x, y, width, height of the box around joints."""
    low, high = joints.min(0) - 6, joints.max(0) + 6
    return [*low.tolist(), *(high - low).tolist()]


def coco_keypoints(seed):
    """(17, 3) joints with visibility: the right ankle of image 3 is not annotated."""
    joints = np.column_stack([joints_of(COCO17J.joint_names, drawn(seed)[0]), np.full(17, 2.0)])
    if seed == 3:
        joints[COCO17J.index('right_ankle')] = 0
    return joints


def write_coco(root):
    """Images 0 to 19 in train2017, 20 to 23 in val2017; image 1 also has a crowd on its left."""
    for part, numbers in (('train2017', range(COUNT)), ('val2017', range(COUNT, COUNT + 4))):
        images, annotations = [], []
        for number in numbers:
            name = f'{number:012d}.jpg'
            save_picture(root / part / name, drawn(number)[1])
            images.append({'id': number, 'file_name': name, 'width': 320, 'height': 240})
            row = {'image_id': number, 'category_id': 1, 'iscrowd': 0}
            row['keypoints'] = coco_keypoints(number).ravel().tolist()
            row['bbox'] = corners(drawn(number)[0])
            annotations.append(row)
            if number == 1:
                crowd = {'image_id': 1, 'category_id': 1, 'iscrowd': 1, 'bbox': [0, 0, 60, 240]}
                annotations.append(crowd)
        path = root / 'annotations' / f'person_keypoints_{part}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({'images': images, 'annotations': annotations}))


def write_yolo(root):
    """Images 0 to 19 in train/, 20 to 23 in val/; a hidden file lies between them."""
    for part, numbers in (('train', range(COUNT)), ('val', range(COUNT, COUNT + 4))):
        for number in numbers:
            name = f'{number:06d}'
            save_picture(root / 'images' / part / f'{name}.jpg', drawn(number)[1])
            x, y, width, height = corners(drawn(number)[0])
            scale = np.array([320.0, 240.0])
            joints = coco_keypoints(number)
            joints[:, :2] /= scale
            box = [(x + width / 2) / 320, (y + height / 2) / 240, width / 320, height / 240]
            path = root / 'labels' / part / f'{name}.txt'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(' '.join(f'{v:.8f}' for v in [0, *box, *joints.ravel()]) + '\n')
    save_picture(root / 'images' / '.trash' / '000001.jpg', drawn(1)[1])
    (root / 'labels' / '.trash').mkdir()
    (root / 'labels' / '.trash' / '000001.txt').write_text('0 1 2')
    (root / 'images' / 'train' / '._000001.jpg').write_bytes(b'\0')
    (root / 'labels' / 'train' / '._000001.txt').write_bytes(b'\0')


def write_lsp(root, extended):
    """20 images; of the extended set the left wrist of image 2 is not annotated.

    LSP has 2,000 images, of which the first 20 and 1,001 are written.
    """
    joints = np.stack([joints_of(LSP_JOINTS, drawn(seed)[0]) for seed in range(COUNT)]) + 1.0
    digits = 5 if extended else 4
    for seed in range(COUNT):
        save_picture(root / 'images' / f'im{seed + 1:0{digits}d}.jpg', drawn(seed)[1])
    seen = np.ones((COUNT, 14, 1))
    seen[2, LSP_JOINTS.index('left_wrist')] = 0
    if extended:
        values = np.concatenate([joints * seen, seen], axis=-1).transpose(1, 2, 0)
    else:
        whole = np.resize(np.concatenate([joints, 1 - seen], axis=-1), (2000, 14, 3))
        values = whole.transpose(2, 1, 0)
    scipy.io.savemat(root / 'joints.mat', {'joints': values})


def write_lsp_checks(path):
    """Image 0 is exchanged, 1 is wrong, 3 has a wrong right knee, the last five are held out."""
    flag, weight = np.zeros(COUNT, np.uint8), np.ones(COUNT)
    code = np.ones((COUNT, 14), np.uint8)
    flag[0], weight[1], code[3, LSP_JOINTS.index('right_knee')] = 1, 0.0, 3
    np.savez(path, flag=flag, weight=weight, joint_code=code, held_out=np.arange(COUNT) >= 15)


def write_pose_arrays(root, path):
    """20 photographs; the labels of the right elbow are unsure, depth rises with the joint."""
    names = [f'moves/{seed}/0.jpg' for seed in range(COUNT)]
    xy = np.stack([joints_of(COCO17J.joint_names, drawn(seed)[0]) for seed in range(COUNT)])
    for seed, name in enumerate(names):
        save_picture(root / name, drawn(seed)[1])
    conf = np.full((COUNT, 17), 0.9)
    conf[:, COCO17J.index('right_elbow')] = 0.3
    z = np.tile(np.linspace(-0.3, 0.3, 17), (COUNT, 1)).astype(np.float16)
    joints = np.array(COCO17J.joint_names)
    np.savez(path, path=np.array(names), joints=joints, xy=xy, conf=conf, z=z)


FILMS = {'wave/a.avi': 1, 'wave/b.avi': 2, 'golf/c.avi': 1, 'golf/d.avi': 2, 'run/e.avi': 1}
FRAMES = 20


def write_jhmdb(root, joints=True):
    """Five films of 20 frames, 1: training, 2: test; a hidden file beside each split."""
    for number, name in enumerate(FILMS):
        images = [drawn(number, frame)[1] for frame in range(FRAMES)]
        save_video(root / 'ReCompress_Videos' / name, images, 'MJPG')
        if joints:
            rows = [joints_of(JHMDB_JOINTS, drawn(number, f)[0]) for f in range(FRAMES)]
            path = root / 'joint_positions' / name.removesuffix('.avi') / 'joint_positions.mat'
            path.parent.mkdir(parents=True)
            scipy.io.savemat(path, {'pos_img': np.stack(rows).transpose(2, 1, 0) + 1.0})
    (root / 'splits').mkdir(parents=True)
    for label in {name.partition('/')[0] for name in FILMS}:
        lines = [f'{n.partition("/")[2]} {p}' for n, p in FILMS.items() if n.startswith(label)]
        (root / 'splits' / f'{label}_test_split1.txt').write_text('\n'.join(lines) + '\n')
    (root / 'splits' / '._wave_test_split1.txt').write_bytes(b'\0\1')


def write_jhmdb_labels(path):
    """Every third frame of the films, but of run/e.avi no joint is sure."""
    names = sorted(FILMS)
    frames = np.arange(0, FRAMES, 3)
    xy = np.concatenate(
        [
            [joints_of(COCO17J.joint_names, drawn(list(FILMS).index(n), f)[0]) for f in frames]
            for n in names
        ]
    )
    conf = np.full(xy.shape[:2], 0.9)
    conf[names.index('run/e.avi') * len(frames) :][: len(frames)] = 0.0
    np.savez(
        path,
        clip=np.array(names),
        start=np.arange(len(names) + 1) * len(frames),
        joints=np.array(COCO17J.joint_names),
        frame=np.tile(frames, len(names)),
        xy=xy,
        conf=conf,
        z=np.zeros(xy.shape[:2], np.float16),
    )
