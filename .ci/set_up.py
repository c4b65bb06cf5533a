"""Makes the virtual environment of `make setup` and installs what the lock files list.

It prints what the step costs, how far it is, and on failure what to do. It needs nothing but the
standard library: it runs before anything is installed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLDEST, NEWEST = (3, 11), (3, 13)  # what the locked releases have wheels for
TORCH_CPU = 'https://download.pytorch.org/whl/cpu'
DISK_GB = {'cpu': 3.0, 'cuda': 8.8}
DISTRIBUTIONS = ('kilted', 'jazzy')
SOURCED = 'sourced'
# A sourced distribution brings these, and its binaries want its own numpy.
OF_THE_DISTRIBUTION = ('numpy', 'opencv-python-headless')
PREFIX_PATHS = ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH')
ACTIVATION = '# ROS 2 lives in this environment too.'
TAIL_LINES = 25


class SetupError(Exception):
    """Set-up can't go on; the message says what to do."""


def main() -> None:
    """Run the steps in order."""
    options = _options()
    venv = Path(options.venv).absolute()
    try:
        _check_machine(venv, options)
        _make_venv(venv, options)
        releases = _releases(options.ros)
        _say(f'installing {len(releases)} libraries')
        plain = [line for line in releases if not line.startswith('torch==')]
        locked = venv / 'locked.txt'
        locked.write_text('\n'.join(plain) + '\n')
        _pip(venv, len(releases), '--no-deps', '-r', str(locked))
        _install_torch(venv, options.torch, locked, releases)
        _point_cmake_files_here(venv)
        _let_activation_show_ros(venv)
    except SetupError as error:
        sys.exit(f'\nset-up stopped: {error}')
    _choice_file(venv).write_text(_choice(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--venv', required=True)
    parser.add_argument('--torch', choices=sorted(DISK_GB), required=True)
    parser.add_argument('--ros', choices=[*DISTRIBUTIONS, SOURCED], required=True)
    return parser.parse_args()


def _check_machine(venv: Path, options: argparse.Namespace) -> None:
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        raise SetupError(
            f'Python {version[0]}.{version[1]} runs this; the libraries need 3.{OLDEST[1]} to '
            f'3.{NEWEST[1]}: run `make setup PYTHON=python3.{OLDEST[1]}`, or another of these'
        )
    if not (shutil.which('c++') or shutil.which('g++')):
        raise SetupError('there is no C++ compiler, which the messages need: install g++')
    need = DISK_GB[options.torch]
    free = shutil.disk_usage(_existing(venv)).free / 1e9
    _say(
        f'{venv}: ROS 2 {options.ros}, torch for {options.torch}; takes about two minutes with a '
        f'fast network, {need:.1f} GB of disk ({free:.0f} GB are free)'
    )
    if free < need and not venv.exists():
        raise SetupError(f'{free:.1f} GB are free where {need:.1f} are needed; free some')


def _make_venv(venv: Path, options: argparse.Namespace) -> None:
    """Make the environment; one of another choice is emptied first."""
    chosen = _choice_file(venv)
    command = [sys.executable, '-m', 'venv', str(venv)]
    if options.ros == SOURCED:
        command.append('--system-site-packages')
    if venv.exists() and any(venv.iterdir()):
        if not (venv / 'pyvenv.cfg').is_file():
            raise SetupError(f'{venv} is no virtual environment; give another as VENV=FOLDER')
        if not chosen.is_file() or chosen.read_text() != _choice(options):
            command.append('--clear')
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(
            f'{" ".join(command)} failed (on Debian and Ubuntu: apt install python3-venv):\n'
            f'{done.stdout}{done.stderr}'
        )


def _releases(ros: str) -> list[str]:
    """The lines `name==version` of the libraries and of ROS."""
    files = [ROOT / 'requirements.lock']
    if ros != SOURCED:
        files.append(ROOT / f'requirements-{ros}.lock')
    lines = [line for file in files for line in file.read_text().split('\n') if '==' in line]
    if ros == SOURCED:
        lines = [line for line in lines if line.partition('==')[0] not in OF_THE_DISTRIBUTION]
    return lines


def _install_torch(venv: Path, build: str, locked: Path, releases: list[str]) -> None:
    """Install torch with all it needs: its CUDA build brings libraries that no lock lists."""
    torch = next(line for line in releases if line.startswith('torch=='))
    index = []
    if build == 'cpu' and _answers(TORCH_CPU):
        index = ['--extra-index-url', TORCH_CPU]
    elif build == 'cpu':
        _say(f'{TORCH_CPU} does not answer: {torch} comes from the usual index, where it may be '
             'the CUDA build (3 GB to fetch); it runs on a CPU too')  # fmt: skip
    _say(f'installing {torch} for {build}')
    _pip(venv, len(releases), torch, '--constraint', str(locked), *index)
    if build == 'cuda':
        code = 'import torch; print(torch.version.cuda or "")'
        found = subprocess.run(
            [_python(venv), '-c', code], capture_output=True, text=True, check=False
        )
        if not found.returncode and not found.stdout.strip():
            raise SetupError(
                'TORCH=cuda was asked for and pip took a build without CUDA: an index or '
                '`find-links` of pip prefers it (`pip config list` shows them)'
            )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f'{url}/torch/', timeout=5):
            return True
    except (urllib.error.URLError, TimeoutError, OSError):
        return False


def _pip(venv: Path, expected: int, *arguments: str) -> None:
    """Run pip and print every ten seconds how far it is.

    Raises:
        SetupError: It failed; the end of its output is in the message.
    """
    log = venv / 'pip.log'
    command = [_python(venv), '-m', 'pip', '--disable-pip-version-check', 'install', *arguments]
    start = last = time.monotonic()
    with log.open('w') as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'PYTHONUNBUFFERED': '1'},
        )
        try:
            while process.poll() is None:
                time.sleep(0.2)
                if time.monotonic() - last >= 10:
                    last = time.monotonic()
                    _say(f'{_progress(venv, log, expected)}, {last - start:.0f} s')
        finally:
            process.kill()
    if process.returncode:
        tail = '\n'.join(log.read_text().splitlines()[-TAIL_LINES:])
        raise SetupError(f'pip failed; its last lines ({log} has all):\n{tail}')


def _progress(venv: Path, log: Path, expected: int) -> str:
    text = log.read_text(errors='replace')
    if 'Installing collected packages' in text:
        installed = sum(1 for _ in venv.glob('lib/python*/site-packages/*.dist-info'))
        return f'installed {min(installed, expected)}/{expected}'
    return f'fetched {len(re.findall("^Collecting ", text, re.M))}/{expected}'


def _point_cmake_files_here(venv: Path) -> None:
    """Mend the wheels' CMake targets: they name folders of the machine that built them."""
    code = (
        'import sysconfig, numpy; print(sysconfig.get_path("include")); print(numpy.get_include())'
    )
    found = subprocess.run(
        [_python(venv), '-c', code], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise SetupError(f'numpy does not import:\n{found.stderr}')
    python_include, numpy_include = found.stdout.splitlines()
    for file in (venv / 'share').rglob('*.cmake'):
        text = file.read_text()
        mended = re.sub(r'/opt/python/cp[^;"]*/numpy/(_core|core)/include', numpy_include, text)
        mended = re.sub(r'/opt/python/cp[^;"]*/include/python3[0-9.]*', python_include, mended)
        if mended != text:
            file.write_text(mended)


def _let_activation_show_ros(venv: Path) -> None:
    """Let `activate` name the environment as a prefix of ROS; `colcon build` needs that."""
    script = venv / 'bin/activate'
    text = script.read_text()
    if ACTIVATION in text:
        return
    restore = ''.join(
        f'    if [ -n "${{_OLD_{name}+set}}" ] ; then\n'
        f'        {name}="$_OLD_{name}"\n        unset _OLD_{name}\n    fi\n'
        for name in PREFIX_PATHS
    )
    text = text.replace('    unset VIRTUAL_ENV\n', f'{restore}    unset VIRTUAL_ENV\n', 1)
    prepend = ''.join(
        f'_OLD_{name}="${{{name}:-}}"\nexport {name}="$VIRTUAL_ENV${{{name}:+:${name}}}"\n'
        for name in PREFIX_PATHS
    )
    script.write_text(f'{text}\n{ACTIVATION}\n{prepend}')


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _python(venv: Path) -> str:
    return str(venv / 'bin/python')


def _choice(options: argparse.Namespace) -> str:
    return f'{sys.version_info[0]}.{sys.version_info[1]} {options.ros} {options.torch}\n'


def _choice_file(venv: Path) -> Path:
    return venv / '.choice'


def _say(text: str) -> None:
    print(f'setup: {text}', flush=True)


if __name__ == '__main__':
    main()
