"""The README's recipe for a workspace, with this environment in the part of the distribution.

What `apt` brings on Ubuntu is the environment of these tests; what `pip` brings into the
workspace's own virtual environment is reached from there by a path file.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(1800)]

pytest.importorskip('rclpy', reason='needs ROS 2')
COLCON = shutil.which('colcon', path=os.pathsep.join([f'{sys.prefix}/bin', os.environ['PATH']]))
if COLCON is None:
    pytest.skip('needs colcon', allow_module_level=True)

ROOT = Path(__file__).parents[2]
WHEELS_LIBS = sorted(Path(sysconfig.get_path('purelib')).glob('*.libs'))  # in wheels only
PARTS = (
    *('pose_action_ros', 'msg', 'launch', 'config', 'weights', 'examples'),
    *('test', 'benchmarks', '.ci'),
)
FILES = ('CMakeLists.txt', 'package.xml', 'pyproject.toml', 'setup.cfg', 'setup.py', 'README.md')


class Workspace:
    """A folder with our package in `src` and a virtual environment of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / '.venv/bin/python3'
        self.install = folder / 'install/pose_action_ros'

    def fill(self):
        source = self.folder / 'src/pose_action_ros'
        for part in PARTS:
            ignore = shutil.ignore_patterns('__pycache__')
            shutil.copytree(ROOT / part, source / part, ignore=ignore)
        for file in FILES:
            shutil.copy(ROOT / file, source)
        self.run('', f'{sys.executable} -m venv --system-site-packages .venv')
        (self.folder / '.venv/COLCON_IGNORE').touch()
        purelib = sysconfig.get_path('purelib')
        site = sysconfig.get_path('purelib', vars={'base': str(self.folder / '.venv')})
        Path(site, 'of_the_distribution.pth').write_text(
            f'import site; site.addsitedir({purelib!r})\n'
        )

    def run(self, setup, command):
        """Run a shell command in the workspace after some set-up; return what it prints."""
        done = subprocess.run(
            ['sh', '-ec', f'{setup}\n{command}'],
            cwd=self.folder,
            env={
                'HOME': str(self.folder),
                'XDG_CACHE_HOME': os.environ['XDG_CACHE_HOME'],
                'PATH': f'{sys.prefix}/bin:{os.environ["PATH"]}',
                'AMENT_PREFIX_PATH': sys.prefix,
                'CMAKE_PREFIX_PATH': sys.prefix,
                'LD_LIBRARY_PATH': os.pathsep.join([f'{sys.prefix}/lib', *map(str, WHEELS_LIBS)]),
                'COLUMNS': '240',
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout


@pytest.fixture(scope='module')
def workspace(tmp_path_factory):
    made = Workspace(tmp_path_factory.mktemp('workspace'))
    made.fill()
    made.run('. .venv/bin/activate', f'{COLCON} build')
    return made


def test_executables_find_the_environment_that_is_not_active(workspace):
    for name in ('pose_action_node', 'camera_node', 'view_node'):
        first = (workspace.install / 'lib/pose_action_ros' / name).read_text().splitlines()[0]
        assert first == f'#!{workspace.python}'
    found = workspace.run('. install/setup.sh', 'pose-action doctor')
    rows = [line for line in found.splitlines() if 'messages' in line or 'weights demo' in line]
    assert 'found' in rows[0]
    assert str(workspace.install) in workspace.run(
        '. install/setup.sh', f'{workspace.python} -c "import pose_action_ros.msg as m; print(m)"'
    )


@pytest.mark.parametrize('name', ['ros.pose_action_node', 'demo.camera_node'])
def test_nodes_import_from_the_installed_package(workspace, name):
    code = f'import pose_action_ros.{name} as m; print(m.__file__)'
    found = workspace.run('. install/setup.sh', f'{workspace.python} -c "{code}"')
    assert found.startswith(str(workspace.install))


def test_launch_files_parameters_and_weights_are_installed(workspace):
    share = workspace.install / 'share/pose_action_ros'
    for name in (
        *('launch/demo.launch.py', 'config/pose_action.yaml', 'weights/demo.safetensors'),
        *('examples/stop_for_people.py', 'examples/react_to_action.py'),
    ):
        assert (share / name).read_bytes() == (ROOT / name).read_bytes()
    assert (share / 'msg/Pose3D.msg').is_file()


def test_a_cpp_package_compiles_against_the_messages(workspace):
    share = workspace.install / 'share/pose_action_ros'
    stand_in = workspace.folder / 'src/pose_action_ros/test/rclcpp_stand_in'
    where = f'-Drclcpp_DIR={stand_in}' if WHEELS_LIBS else ''
    build = f'cmake -S {share}/examples/people_listener -B consumer {where}'
    workspace.run('. install/setup.sh', f'{build} && cmake --build consumer')
    assert (workspace.folder / 'consumer/people_listener').is_file()


def test_colcon_test_runs_our_tests(workspace):
    command = f'{COLCON} test --return-code-on-test-failure --ctest-args -R core'
    workspace.run('. .venv/bin/activate', command)
    results = workspace.folder / 'build/pose_action_ros/test_results/pose_action_ros'
    suite = ET.parse(results / 'core.xunit.xml').getroot().find('testsuite')
    assert int(suite.get('tests')) > 10
    assert suite.get('failures') == suite.get('errors') == '0'


def test_every_ros_package_that_is_used_is_declared():
    package = ET.parse(ROOT / 'package.xml').getroot()
    declared = {item.text for item in package if item.tag.endswith('depend')}
    text = '\n'.join(
        path.read_text()
        for part in ('pose_action_ros', 'launch')
        for path in (ROOT / part).rglob('*.py')
    )
    for name in (
        *('cv_bridge', 'diagnostic_msgs', 'geometry_msgs', 'launch_ros'),
        *('rclpy', 'sensor_msgs', 'std_msgs', 'std_srvs', 'tf2_ros', 'vision_msgs'),
        *('visualization_msgs', 'rviz2'),
    ):
        assert name in text
        assert name in declared, name
    assert {'ament_cmake_python', 'tf2_ros_py', 'ament_cmake_pytest'} <= declared
