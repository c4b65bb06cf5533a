"""The pages for users: links lead somewhere; commands, parameters and arguments exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from pose_action_ros.cli.app import app

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


def blocks(text):
    """Lines of the fenced blocks, comments removed and continued lines joined."""
    for block in re.findall(r'^```(?:sh|bash)?\n(.*?)^```', text, re.M | re.S):
        for line in block.replace('\\\n', ' ').splitlines():
            yield re.split(r'\s#', line)[0].strip()


@pytest.fixture(scope='module')
def command():
    """`pose-action` that reads its command line and does nothing."""
    command = typer.main.get_command(app)
    command.invoke_without_command = True
    for option in command.params:
        option.callback = None  # one of them would write into the user's shell settings
    groups = [command]
    for group in groups:
        for inner in group.commands.values():
            inner.callback = None
            groups += [inner] if hasattr(inner, 'commands') else []
    return command


def refusal(command, words, capsys):
    """Its words about a command line that it refuses; empty if it takes the line."""
    with pytest.raises(SystemExit) as ended:
        command.main(shlex.split(words), prog_name='pose-action')
    text = capsys.readouterr().err
    assert ended.value.code in (0, 2)
    return ' '.join(text.split()) if ended.value.code else ''


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_command_lines_can_be_typed(page, command, capsys):
    for line in blocks(page.read_text()):
        if line.startswith('pose-action '):
            assert not refusal(command, line.removeprefix('pose-action '), capsys), line


SOURCES = [p for f in ('pose_action_ros', 'launch', 'config') for p in (ROOT / f).rglob('*.*')]
SOURCES = [path for path in SOURCES if path.suffix in ('.py', '.yaml')]


@pytest.mark.parametrize('page', [*PAGES, *SOURCES], ids=name_of)
def test_command_lines_within_a_sentence_name_what_exists(page, command, capsys):
    text = re.sub(r'^```.*?^```', '', page.read_text(), flags=re.M | re.S)
    for span in re.findall(r'`pose-action ([^`{]+)`', text):  # {} is a choice, or an f-string
        refused = refusal(command, span, capsys)  # for a missing or invalid value, such as NAME
        assert not re.search('No such|unexpected extra', refused), span


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_targets_of_make_exist(page):
    targets = re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text(), re.M)
    text = page.read_text()
    typed = [line for line in blocks(text) if line.startswith('make ')]
    typed += re.findall(r'`(make [^`]+)`', text)
    for line in typed:
        assert {word for word in shlex.split(line)[1:] if '=' not in word} <= set(targets), line


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
