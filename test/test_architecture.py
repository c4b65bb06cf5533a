"""The house rules that a machine can check: who imports whom, sizes, names, versions."""

import ast
import importlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'pose_action_ros'
# What each room may import of ours, from the ground up (docs/adr/0009-second-house.md). Rooms of
# one floor never import each other, but for data -> simulation: data/simulated.py wraps the actor.
# No room imports cli or demo.
FLOOR_1 = {'core', 'geometry'}
FLOOR_2 = FLOOR_1 | {'models', 'data', 'metrics', 'simulation'}
MAY_IMPORT = {
    'core': set(),
    'geometry': {'core'},
    'models': {'core'},
    'data': FLOOR_1 | {'simulation'},
    'metrics': {'core'},
    'simulation': FLOOR_1,
    'runtime': FLOOR_1 | {'models'},
    'training': FLOOR_2,
    'inference': FLOOR_1 | {'models', 'runtime'},
    'teaching': FLOOR_2 | {'training', 'runtime', 'inference'},
    'export': FLOOR_1 | {'models', 'runtime'},
    'messages': FLOOR_1 | {'inference'},
    'ros': FLOOR_1 | {'runtime', 'inference', 'messages', 'msg'},
    'batch': {'core'},
    'recordings': FLOOR_1 | {'inference', 'messages'},
    'view': FLOOR_1,
    'demo': FLOOR_1 | {'view', 'metrics', 'simulation', 'inference', 'messages', 'ros', 'msg'},
    'cli': FLOOR_2
    | {'runtime', 'training', 'inference', 'teaching', 'export', 'messages'}
    | {'recordings', 'batch', 'view'},
}
MESSAGE_PACKAGES = {
    'builtin_interfaces',
    'geometry_msgs',
    'sensor_msgs',
    'std_msgs',
    'vision_msgs',
}
# Third-party packages that a room must not load.
FORBIDDEN = {
    'core': {'torch', 'cv2', 'rclpy', 'scipy', 'rosbags'},
    'geometry': {'torch', 'rclpy', 'scipy', 'rosbags'},
    'models': {'rclpy', 'cv2', 'lightning', 'rosbags'},
    'data': {'rclpy', 'lightning', 'rosbags'},
    'metrics': {'rclpy', 'cv2', 'lightning', 'rosbags'},
    'simulation': {'rclpy', 'lightning', 'rosbags'},
    'runtime': {'rclpy', 'lightning', 'rosbags'},
    'training': {'rclpy', 'rosbags'},
    'inference': {'rclpy', 'lightning', 'rosbags'},
    'teaching': {'rclpy', 'rosbags'},
    'export': {'rclpy', 'lightning', 'rosbags'},
    'view': {'rclpy', 'torch', 'lightning', 'rosbags', *MESSAGE_PACKAGES},
    'messages': {'rclpy', 'torch', 'lightning', 'rosbags', *MESSAGE_PACKAGES},
    'ros': {'lightning', 'rosbags'},
    'batch': {'rclpy', 'torch', 'cv2', 'lightning', 'rosbags', *MESSAGE_PACKAGES},
    'recordings': {'rclpy', 'lightning', *MESSAGE_PACKAGES},
    'demo': {'lightning', 'rosbags'},
    'cli': {'rclpy', *MESSAGE_PACKAGES},
}
# Tables are long by nature; everything else is split along a noun.
MAX_LINES = 400


def modules():
    return sorted(PACKAGE.rglob('*.py'))


def imports_of(path):
    """All imported module names, also those inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: imports are absolute'
            names.add(node.module)
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    return names


def room_of(path):
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize('room', sorted(MAY_IMPORT))
def test_rooms_import_only_what_lies_below(room):
    for path in (PACKAGE / room).rglob('*.py'):
        for name in imports_of(path):
            parts = name.split('.')
            if parts[0] == 'pose_action_ros' and len(parts) > 1 and parts[1] != room:
                assert parts[1] in MAY_IMPORT[room], f'{path.name} of {room} imports {name}'
            assert parts[0] not in FORBIDDEN[room], f'{path.name} of {room} imports {name}'


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def test_every_room_is_in_the_table():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / '__init__.py').exists()}
    assert rooms == set(MAY_IMPORT)


def test_import_loads_neither_torch_nor_rclpy():
    code = (
        'import sys, pose_action_ros; '
        'sys.exit(bool({"torch", "rclpy", "cv2", "numpy"} & set(sys.modules)))'
    )
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)


@pytest.mark.parametrize('path', modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_module_has_a_docstring_and_a_bearable_size(path):
    text = path.read_text()
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert len(docstring) > 20
    assert text.count('\n') <= MAX_LINES


@pytest.mark.parametrize('path', modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_public_names_exist(path):
    tree = ast.parse(path.read_text())
    defined = set()
    public = []
    nodes = list(tree.body)
    if any(isinstance(node, ast.FunctionDef) and node.name == '__getattr__' for node in nodes):
        nodes += [n for node in nodes if isinstance(node, ast.If) for n in node.body]  # lazy names
        module = importlib.import_module(module_name(path))
        assert all(hasattr(module, name) for name in module.__all__)
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            defined |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {t.id for t in targets if isinstance(t, ast.Name)}
            if '__all__' in names:
                public = ast.literal_eval(node.value)
            defined |= names
    assert set(public) <= defined
    if path.name != '__init__.py':
        assert public, 'every module says what is public'
        assert public == sorted(public, key=lambda n: (not n.isupper(), not n[0].isupper(), n))


def test_the_placeholder_of_the_maintainer_is_explained():
    """A release must replace it, and CONTRIBUTING.md names every place."""
    places = ('package.xml', 'setup.cfg', 'setup.py', 'pyproject.toml', 'CITATION.cff')
    placeholder = 'The pose_action_ros maintainers'
    found = {name for name in places if placeholder in (ROOT / name).read_text()}
    guide = (ROOT / 'CONTRIBUTING.md').read_text().partition('## Releasing')[2]
    step = guide.partition('1. ')[2].partition('2. ')[0]
    assert found == {name for name in places if f'`{name}`' in step}
    assert not found or placeholder in step


def test_versions_agree():
    config = ConfigParser()
    config.read(ROOT / 'setup.cfg')
    package = ET.parse(ROOT / 'package.xml').getroot()
    assert config['metadata']['version'] == package.findtext('version')
    assert config['metadata']['license'] == package.findtext('license')
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == config['metadata']['version']
    assert citation['license'] == config['metadata']['license']


def test_the_workflow_and_the_container_run_what_people_run():
    workflow = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())
    assert workflow['jobs']['run']['steps'][-1] == {'run': '.ci/run'}
    targets = re.findall(r'make (\w+)', (ROOT / 'Dockerfile').read_text())
    targets += re.findall(r'make (\w+)', (ROOT / '.devcontainer/devcontainer.json').read_text())
    makefile = (ROOT / 'Makefile').read_text()
    assert targets
    assert all(f'\n{target}:' in makefile for target in targets)


def test_no_packages_outside_the_package():
    outside = [
        path.relative_to(ROOT)
        for folder in ('launch', 'config', 'msg', 'test', 'benchmarks', 'weights')
        for path in (ROOT / folder).rglob('__init__.py')
    ]
    assert outside == []


def test_every_message_is_built_and_every_field_explained():
    cmake = (ROOT / 'CMakeLists.txt').read_text()
    for path in (ROOT / 'msg').glob('*.msg'):
        assert f'msg/{path.name}' in cmake
        explained = ''
        for line in path.read_text().splitlines():
            code, _, comment = line.partition('#')
            explained = comment or explained
            assert not code.strip() or explained, f'{path.name}: {line}'


def test_folders_of_people_are_listed_without_hidden_files():
    """`visible_files` does that; the others list what the package has made, or `os.walk`."""
    package = ROOT / 'pose_action_ros'
    own = {'cli/export.py', 'data/prepared.py', 'runtime/start_cache.py', 'training/run_folder.py'}
    own |= {'batch/stores.py', 'recordings/finding.py'}  # the latter skips hidden folders itself
    listing = {
        str(path.relative_to(package))
        for path in package.rglob('*.py')
        if re.search(r'\.(r?glob|iterdir|walk|listdir|scandir)\(', path.read_text())
    }
    assert listing == {'core/paths.py', *own}


def test_signals_interrupt_no_callback():
    """`ros/stopping.py` starts ROS and spins; rclpy's own handlers raise inside callbacks."""
    own = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob('*.py')
        if re.search(r'rclpy\.(init|spin)\(|KeyboardInterrupt.*ExternalShutdown', path.read_text())
    }
    assert own == {'ros/stopping.py'}


@pytest.mark.parametrize(
    ('pattern', 'owners'),
    [
        (
            r'cv2\.imread|cv2\.imwrite|VideoWriter\(str|VideoCapture\((?!number\))',
            {'geometry/media.py'},
        ),
        (r'\bConsole\(|rich\.progress import .*\btrack\b', {'core/console.py'}),
        (r'yaml\.(safe_)?load\b', set()),
    ],
)
def test_one_module_owns_what_fails_elsewhere(pattern, owners):
    """OpenCV's file names, rich's markup and YAML each have traps that one module deals with."""
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob('*.py')
        if re.search(pattern, path.read_text())
    }
    assert found == owners
