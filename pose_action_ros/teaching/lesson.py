"""A lesson: from a folder of films to a weights file. Completed steps are not repeated.

OUTPUT/features/             outputs of the pose network for each film
OUTPUT/sheets/CLASS.jpg      some films of each class with the detected person
OUTPUT/training/             checkpoint of the last epoch, logs
OUTPUT/lesson.json           films and settings of the lesson
OUTPUT/NAME.safetensors      the result
OUTPUT/report.md             the report
OUTPUT/report.json           the same for programs
OUTPUT/confusion.png         confusion matrix of the held-out films
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from pose_action_ros.core.cores import usable_threads
from pose_action_ros.core.errors import ConfigError, DatasetError
from pose_action_ros.data.film_folder import read_film_folder
from pose_action_ros.data.recorded import skipped_lines
from pose_action_ros.models import open_model, save_model
from pose_action_ros.teaching.film_clips import FilmViews
from pose_action_ros.teaching.film_features import FeatureFiles, weights_digest
from pose_action_ros.teaching.heads import new_network, train_heads
from pose_action_ros.teaching.judging import judge_films
from pose_action_ros.teaching.report import write_report
from pose_action_ros.teaching.sheets import save_sheets
from pose_action_ros.teaching.survey import advice, check_folder, summaries
from pose_action_ros.training.provenance import DATA_KEY, training_data
from pose_action_ros.training.reporting import track

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_action_ros.data.film_folder import FilmFolder
    from pose_action_ros.models import MultitaskNet
    from pose_action_ros.teaching.film_features import FilmFeatures
    from pose_action_ros.teaching.judging import FilmScores
    from pose_action_ros.teaching.settings import TeachSettings
    from pose_action_ros.teaching.survey import ClassSummary

__all__ = ['Lesson', 'Outcome', 'teach']

_NO_NAME = r'[\\/\x00-\x1f\ud800-\udfff]'  # separators, control characters, bytes that are no text
_LONGEST_NAME = 200  # bytes; the ending and the mark of a part follow


@dataclass(frozen=True)
class Outcome:
    """The result of a lesson.

    Attributes:
        weights: The weights file.
        report: The report.
        scores: By part: val, and test if split.csv names test films.
        advice: Ways to improve the result.
        minutes: Duration by stage.
    """

    weights: Path
    report: Path
    scores: dict[str, FilmScores]
    advice: list[str]
    minutes: dict[str, float]


@dataclass
class Lesson:
    """One folder, one result.

    Attributes:
        root: Folder of films.
        output: Folder of the result.
        name: Name of the weights file and of the network.
        settings: The settings.
        features: Folder of the features; by default in the output folder.
        progress: Show bars.
        say: Prints a line for the user.
        seen: Features by name of the film.
        mirrored: Features of the mirror image, by name of the film.
    """

    root: Path
    output: Path
    name: str
    settings: TeachSettings
    features: Path | None = None
    progress: bool = False
    say: Any = print
    seen: dict[str, FilmFeatures] = field(default_factory=dict)
    mirrored: dict[str, FilmFeatures] = field(default_factory=dict)

    def run(self) -> Outcome:
        """Run all steps.

        Raises:
            ConfigError: The name or the folder of the result is not suitable.
            DatasetError: The folder is not suitable.
            CheckpointError: There are no such weights.
            KeyboardInterrupt: Ctrl-C; the same call continues.
        """
        _check_place(self.root, self.output, self.name)
        if self.settings.threads:
            torch.set_num_threads(usable_threads(self.settings.threads))
        folder = read_film_folder(self.root, picture_rate_hz=self.settings.picture_rate)
        check_folder(folder)
        base = open_model(self.settings.weights)
        net = new_network(base, self.name, folder.actions, self.settings)
        self.say(_contents(folder))
        for text in skipped_lines(folder.skipped):
            self.say(text)
        clock = _Clock()
        self._watch(folder, net)
        clock.stop('watching')
        table, hints = summaries(folder, self.seen), self._advice(folder, net)
        self._say_survey(table, hints)
        save_sheets(folder, self.seen, net.config.layout, self.output / 'sheets')
        self.say(f'contact sheets: {self.output / "sheets"}')
        clock.stop('contact sheets')
        self._train(folder, net)
        clock.stop('training')
        scores = {
            part: judge_films(net, self._judged(folder, part))
            for part in ('val', 'test')
            if folder.part(part)
        }
        clock.stop('judging')
        weights = self.output / f'{self.name}.safetensors'
        earlier = training_data(self.settings.weights)
        save_model(net, weights, self._provenance(folder, scores, earlier))
        report = write_report(
            self.output,
            weights,
            net.config,
            table,
            scores,
            hints,
            clock.minutes,
            self.settings,
            earlier,
        )
        return Outcome(weights, report, scores, hints, clock.minutes)

    def _watch(self, folder: FilmFolder, net: MultitaskNet) -> None:
        """Compute the features of every film, and of the mirror image of each training film."""
        files = FeatureFiles(
            self.features or self.output / 'features',
            net,
            device=self.settings.device,
            threads=self.settings.threads,
            finder=self.settings.finder,
        )
        jobs = [(film, False) for film in folder.films]
        if not self.settings.left_right_matters:
            jobs += [(film, True) for film in folder.part('train')]
        damaged = []
        for film, mirror in track(jobs, 'watching films', total=len(jobs), shown=self.progress):
            try:
                found = files.features(film, folder.boxes.get(film.name), mirrored=mirror)
            except DatasetError as error:
                damaged += [] if mirror else [str(error)]
                continue
            (self.mirrored if mirror else self.seen)[film.name] = found
        for text in damaged:
            self.say(f'skipped: {text}')

    def _advice(self, folder: FilmFolder, net: MultitaskNet) -> list[str]:
        config = net.config
        return advice(
            folder,
            self.seen,
            clip_s=(config.clip_frames - 1) * config.clip_period_s,
            period_s=config.clip_period_s,
            left_right_matters=self.settings.left_right_matters,
        )

    def _say_survey(self, table: Sequence[ClassSummary], hints: Sequence[str]) -> None:
        for row in table:
            self.say(
                f'{row.action}: {row.films["train"]} training films, {row.films["val"]} held '
                f'out, {row.films["test"]} for test; {row.length} s; {row.rate} Hz; a person in '
                f'{100 * row.seen:.0f} % of the frames'
            )
        for text in hints:
            self.say(f'note: {text}')

    def _views(self, folder: FilmFolder, part: str) -> list[FilmViews]:
        """The films of a part in which somebody is found."""
        views = []
        for film in folder.part(part):
            both = (self.seen.get(film.name), self.mirrored.get(film.name))
            there = tuple(view for view in both if view is not None and len(view))
            if there:
                views.append(FilmViews(there, folder.actions.index(film.action)))
        return views

    def _train(self, folder: FilmFolder, net: MultitaskNet) -> None:
        films = self._views(folder, 'train')
        held_out = self._views(folder, 'val') or self._views(folder, 'test')
        missing = [a for i, a in enumerate(folder.actions) if all(f.action != i for f in films)]
        if missing or not held_out:
            raise DatasetError(
                f'nobody is found in any film of {", ".join(missing) or "the held-out part"}; see '
                f'{self.output / "sheets"} and give boxes.csv, docs/teaching.md'
            )
        training = self.output / 'training'
        if self._begin(folder, net):
            shutil.rmtree(training, ignore_errors=True)
        train_heads(net, films, held_out, self.settings, training, progress=self.progress)

    def _begin(self, folder: FilmFolder, net: MultitaskNet) -> bool:
        """Write lesson.json; return whether films or settings differ from the last call."""
        films = [(film.name, film.action, film.part) for film in folder.films]
        settings = asdict(self.settings)
        for name in ('device', 'threads'):
            settings.pop(name)
        text = json.dumps(
            {
                'settings': settings,
                'pose network': weights_digest(net),
                'films': hashlib.sha256(json.dumps(films).encode()).hexdigest(),
                'actions': folder.actions,
            },
            indent=2,
        )
        path = self.output / 'lesson.json'
        before = path.read_text(encoding='utf-8') if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
        if before is not None and before != text:
            self.say('the films or the settings have changed: training starts again')
        return before != text

    def _judged(self, folder: FilmFolder, part: str) -> list[tuple[str, int, FilmFeatures]]:
        return [
            (film.name, folder.actions.index(film.action), self.seen[film.name])
            for film in folder.part(part)
            if film.name in self.seen
        ]

    def _provenance(
        self, folder: FilmFolder, scores: dict[str, FilmScores], earlier: list[str]
    ) -> dict[str, str]:
        known = earlier or [f'those of {self.settings.weights}']
        return {
            'source': f'taught by pose_action_ros with {len(folder.part("train"))} films of '
            f'{len(folder.actions)} classes, pose network of {self.settings.weights}',
            'settings': json.dumps(asdict(self.settings)),
            DATA_KEY: json.dumps(list(dict.fromkeys([*known, f'films of {folder.root.name}']))),
            'accuracy': json.dumps({part: one.accuracy for part, one in scores.items()}),
        }


def teach(root: Path, output: Path, name: str, settings: TeachSettings, **options: Any) -> Outcome:
    """Teach a network the actions of a folder; see `Lesson`."""
    return Lesson(root, output, name, settings, **options).run()


@dataclass
class _Clock:
    """Minutes of each stage."""

    minutes: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def stop(self, stage: str) -> None:
        now = time.monotonic()
        self.minutes[stage] = (now - self._since) / 60
        self._since = now


def _check_place(root: Path, output: Path, name: str) -> None:
    """Refuse a result that could not be written, or that would be a film of the next lesson."""
    if name in ('', '.', '..') or re.search(_NO_NAME, name) or len(name.encode()) > _LONGEST_NAME:
        raise ConfigError(
            f'found the name {name!r}; expected the name of a file without a folder, of at most '
            f'{_LONGEST_NAME} bytes. Give another --name'
        )
    if output.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            f'the result would lie in {output.resolve()}, inside the folder of films '
            f'{root.resolve()}, so its pictures would become films of the next lesson. Give '
            '--output a folder outside of it'
        )


def _contents(folder: FilmFolder) -> str:
    skipped = f'; {len(folder.skipped)} files skipped' if folder.skipped else ''
    return (
        f'{folder.root}: {len(folder.films)} films of {len(folder.actions)} classes, '
        f'{len(folder.part("train"))} for training, {len(folder.part("val"))} held out{skipped}'
    )
