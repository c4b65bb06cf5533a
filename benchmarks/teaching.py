"""Accuracy of a taught network: J-HMDB as a folder of films, and with five films per class.

    python benchmarks/teaching.py data/jhmdb --output teaching_report
    python benchmarks/teaching.py data/jhmdb --output teaching_report --draws 10

ROOT holds the films in `data/CLASS/` (or `ReCompress_Videos`, `videos`) and `splits/`. The folder
with the training films consists of links. Test films are those of official split 1, which neither
the shipped weights nor the lesson use for training. Films of one source stay together: the first
source of each class with at most four films, in the order of their hashed names, is held out.
Each of the `--draws` draws five classes and five films of each, and evaluates all test films of
these classes. Each film is processed once.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import shutil
import time
from pathlib import Path

import numpy as np

from pose_action_ros.data.film_folder import read_film_folder
from pose_action_ros.models import open_model
from pose_action_ros.teaching.film_clips import FilmViews
from pose_action_ros.teaching.film_features import FeatureFiles
from pose_action_ros.teaching.heads import new_network, train_heads
from pose_action_ros.teaching.judging import judge_films
from pose_action_ros.teaching.lesson import teach
from pose_action_ros.teaching.settings import TeachSettings

CLASSES, FILMS = 5, 5
LARGEST_SOURCE = 4


def make_folder(root: Path, output: Path) -> Path:
    """Link the films of J-HMDB into a folder with split.csv; return it."""
    films = next(root / n for n in ('data', 'ReCompress_Videos', 'videos') if (root / n).is_dir())
    rows = []
    for path in sorted((root / 'splits').glob('*_test_split1.txt')):
        action = path.name.removesuffix('_test_split1.txt')
        lines = [line.rpartition(' ') for line in path.read_text().split('\n') if line.strip()]
        mine = []
        for name, _, part in ((name, _, part.strip()) for name, _, part in lines):
            link = output / action / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to((films / action / name).resolve())
            source = f'{action}: {name.split(f"_{action}_")[0]}'
            mine.append((f'{action}/{name}', part == '2', source))
        held = _held_out([source for _, is_test, source in mine if not is_test])
        rows += [
            (name, 'test' if is_test else 'val' if source == held else 'train', source)
            for name, is_test, source in mine
        ]
    with (output / 'split.csv').open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerows([('film', 'split', 'group'), *rows])
    return output


def _held_out(sources: list[str]) -> str:
    names = sorted(set(sources), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return next(name for name in names if sources.count(name) <= LARGEST_SOURCE)


def draw(folder, files: FeatureFiles, base, settings: TeachSettings, number: int, output: Path):
    """Teach five drawn classes with five drawn films each; return the classes and the scores."""
    rng = np.random.default_rng(number)
    actions = sorted(rng.choice(folder.actions, CLASSES, replace=False).tolist())
    films, judged = [], []
    for label, action in enumerate(actions):
        mine = [film for film in folder.films if film.action == action]
        pool = [film for film in mine if film.part != 'test']
        for at in rng.permutation(len(pool))[:FILMS]:
            views = [files.features(pool[at])]
            if not settings.left_right_matters:
                views.append(files.features(pool[at], mirrored=True))
            if seen := tuple(view for view in views if len(view)):
                films.append(FilmViews(seen, label))
        judged += [
            (film.name, label, files.features(film)) for film in mine if film.part == 'test'
        ]
    net = new_network(base, f'draw {number}', actions, settings)
    shutil.rmtree(output, ignore_errors=True)
    train_heads(net, films, films[:1], settings, output)  # nothing is chosen by the second list
    return actions, judge_films(net, judged)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('root', type=Path)
    parser.add_argument('--output', type=Path, default=Path('teaching_report'))
    parser.add_argument('--features', type=Path, help='where what was seen is kept')
    parser.add_argument('--draws', type=int, default=0)
    parser.add_argument('--epochs', type=int, default=TeachSettings().epochs)
    parser.add_argument('--visits', type=int, default=TeachSettings().visits)
    parser.add_argument('--batch-size', type=int, default=TeachSettings().batch_size)
    parser.add_argument('--threads', type=int, default=0)
    parser.add_argument('--no-mirror', action='store_true')
    given = parser.parse_args()
    settings = TeachSettings(
        epochs=given.epochs,
        visits=given.visits,
        batch_size=given.batch_size,
        threads=given.threads,
        left_right_matters=given.no_mirror,
    )
    root = make_folder(given.root, given.output / 'films')
    features = given.features or given.output / 'features'
    started_s = time.process_time()
    if not given.draws:
        outcome = teach(root, given.output / 'taught', 'jhmdb', settings, features=features)
        scores = {part: one.accuracy for part, one in outcome.scores.items()}
        result = {'accuracy': scores, 'minutes': outcome.minutes}
    else:
        folder, base = read_film_folder(root), open_model(settings.weights)
        files = FeatureFiles(features, base, threads=given.threads)
        shares = []
        for number in range(given.draws):
            actions, scores = draw(
                folder, files, base, settings, number, given.output / 'draws' / str(number)
            )
            shares.append(scores.accuracy)
            print(number, actions, f'{scores.accuracy:.3f} of {scores.films}', flush=True)
        result = {'mean': float(np.mean(shares)), 'shares': shares}
    result['cpu_s'] = time.process_time() - started_s
    name = f'draws_{given.draws}.json' if given.draws else 'jhmdb.json'
    (given.output / name).write_text(json.dumps(result, indent=2))
    print(result)


if __name__ == '__main__':
    main()
