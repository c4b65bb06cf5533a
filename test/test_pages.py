"""The pages for users: links lead somewhere; commands, parameters and arguments exist."""

import re
from pathlib import Path

import pytest
import yaml

from pose_action_ros.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', ROOT / 'weights/README.md']
PAGES += sorted((ROOT / 'docs').rglob('*.md'))
GROUPS = ('clip', 'time', 'track', 'smooth', 'body', 'detections', 'model', 'viz')


def name_of(page):
    return str(page.relative_to(ROOT))


def anchors(page):
    """Anchors of the headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)', page.read_text(), re.M)
    return [re.sub(r'[^\w\- ]', '', h.lower()).replace(' ', '-') for h in headings]


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
        if '://' in target:
            continue
        file, _, anchor = target.partition('#')
        other = (page.parent / file).resolve() if file else page
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), target


def test_the_readme_leads_to_every_page():
    text = (ROOT / 'README.md').read_text()
    for page in (ROOT / 'docs').glob('*.md'):
        assert f'(docs/{page.name})' in text


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_commands_exist(page):
    verbs = {command.name or command.callback.__name__ for command in app.registered_commands}
    verbs |= {group.name for group in app.registered_groups}
    verbs = {verb.replace('_', '-') for verb in verbs}
    found = re.findall(r'pose-action ([a-z][a-z-]+)', page.read_text())
    assert set(found) <= verbs


def test_no_text_installs_this_package_from_an_index():
    """It is on none: pip would find nothing, or a stranger's package of that name."""
    sources = (ROOT / 'pose_action_ros').rglob('*.py')
    for path in [*PAGES, *sources]:
        assert not re.search(r"pip install '?pose_action_ros", path.read_text()), path


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_arguments_of_launch_files_exist(page):
    launch = ''.join(path.read_text() for path in (ROOT / 'launch').glob('*.py'))
    for line in re.findall(r'ros2 launch pose_action_ros (.*)', page.read_text()):
        for name in re.findall(r'(\w+):=', line):
            assert f"'{name}'" in launch, line


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_parameters_exist(page):
    pytest.importorskip('rclpy', reason='needs ROS 2')
    from pose_action_ros.ros.parameters import settings_parameters
    from pose_action_ros.ros.settings import NodeSettings

    known = {name for name, _, _ in settings_parameters(NodeSettings())}
    text = page.read_text()
    for block in re.findall(r'```yaml\n(.*?)```', text, re.S):
        assert set(parameters_in(yaml.safe_load(block))) <= known
    if page.name in ('own_camera.md', 'troubleshooting.md', 'ros_interface.md'):
        spans = re.findall(r'`([a-z_]+\.[a-z_]+)`', text)
        assert {name for name in spans if name.split('.')[0] in GROUPS} <= known


def parameters_in(content, prefix=''):
    """Dotted names below `ros__parameters`."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from parameters_in(value, '' if '__' in key or '/' in key else f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}'
