"""All measurements that need a GPU, in one command of at most eight minutes.

    python benchmarks/on_a_gpu.py --output gpu_report
    python benchmarks/on_a_gpu.py --output rehearsal --device cpu --quick

Needs Python 3.10 or newer with torch, numpy, OpenCV, typer, rich, safetensors, h5py, platformdirs,
PyYAML, lightning, pytest and pytest-timeout; no ROS, no network, no built messages. ONNX Runtime
and TensorRT are measured if they are installed, otherwise the report names them as missing.

Each part is a process of its own with a time limit. A part that fails, hangs or is killed loses
only its own figures, and keeps those already printed. `report.json` has all figures and is
rewritten after each part; `report.txt` is the table. Status 1 if a part failed.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
TOTAL_S = 480.0
LEAST_S = 5.0  # a part with less time than this is not begun
# Part and the seconds it may take; the most wanted first, the longest last.
PARTS = (
    ('machine', 30),
    ('tests', 75),
    ('backbone ntu', 60),
    ('stream ntu', 30),
    ('profile ntu', 30),
    ('bench ntu', 45),
    ('rendering', 60),
    ('training compact 32-true', 45),
    ('training compact bf16-mixed', 45),
    ('training ntu 32-true', 45),
    ('training ntu bf16-mixed', 45),
    ('backbone compact', 45),
    ('stream compact', 30),
    ('bench compact', 30),
    ('bench penn_action', 30),
    ('bench h36m', 30),
    ('bench mpii', 30),
    ('onnxruntime', 40),
    ('tensorrt', 40),
    ('compiled ntu', 120),
)
PRESETS = {'ntu', 'compact', 'penn_action', 'h36m', 'mpii'}
TAIL = 3000  # characters of what a failed part wrote


def main() -> None:
    """Run the parts one by one and write the report."""
    options = _options()
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    wanted = [(name, limit) for name, limit in PARTS if options.only in name]
    if options.quick:  # one network is enough to rehearse a kind of part, on a busy machine too
        kinds = {tuple(set(name.split()) - PRESETS): name for name, _ in wanted[::-1]}
        wanted = [(name, 10 * limit) for name, limit in wanted if name in kinds.values()]
    start, found = time.monotonic(), []
    for name, limit in wanted:
        left = options.seconds - (time.monotonic() - start)
        if left < LEAST_S:
            found.append({'part': name, 'state': 'not begun: no time left', 'rows': []})
        else:
            print(f'{name} ...', flush=True)
            found.append(_run_part(name, min(limit, left), output, options))
            print(f'    {found[-1]["state"]}, {found[-1]["seconds"]:.0f} s', flush=True)
        seconds = round(time.monotonic() - start, 1)
        report = {'device': options.device, 'quick': options.quick, 'seconds': seconds}
        (output / 'report.json').write_text(json.dumps({**report, 'parts': found}, indent=1))
        (output / 'report.txt').write_text(as_text(found, seconds))
    print((output / 'report.txt').read_text())
    failed = [part['part'] for part in found if part['state'] != 'done']
    if failed:
        sys.exit(f'failed: {", ".join(failed)}')


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--output', required=True, help='folder of the report')
    parser.add_argument('--device', default='cuda', help='cuda, cuda:N or cpu')
    parser.add_argument(
        '--quick', action='store_true', help='a rehearsal: tiny networks, few runs'
    )
    parser.add_argument('--seconds', type=float, default=TOTAL_S, help='for all parts together')
    parser.add_argument('--only', default='', help='parts whose name has this in it')
    return parser.parse_args()


def _run_part(name: str, limit: float, output: Path, options: argparse.Namespace) -> dict:
    """Run a part as a process; return its state, its rows and, if it failed, its last words."""
    rows = output / f'{name.replace(" ", "_")}.jsonl'
    rows.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / 'on_a_gpu_parts.py'), name, options.device, str(rows)]
    paths = [str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]
    start = time.monotonic()
    process = subprocess.Popen(
        [*command, *(['--quick'] if options.quick else [])],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'OMP_WAIT_POLICY': 'PASSIVE'},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
        start_new_session=True,
    )
    try:
        text, _ = process.communicate(timeout=limit)
        state = 'done' if process.returncode == 0 else f'failed with status {process.returncode}'
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)  # with the loaders and tests that it started
        text, _ = process.communicate()
        state = f'stopped after {limit:.0f} s'
    lines = rows.read_text().splitlines() if rows.is_file() else []
    part = {'part': name, 'state': state, 'seconds': round(time.monotonic() - start, 1)}
    part['rows'] = [json.loads(line) for line in lines if line.endswith('}')]
    if state != 'done':
        part['output'] = text[-TAIL:]
    rows.unlink(missing_ok=True)
    return part


def as_text(parts: list[dict], seconds: float) -> str:
    """Return the report as a table: a line a row, figures by name."""
    lines = []
    for part in parts:
        lines.append(f'== {part["part"]}: {part["state"]}, {part.get("seconds", 0):.0f} s')
        width = max((len(row['name']) for row in part['rows']), default=0)
        for row in part['rows']:
            figures = '  '.join(f'{k} {_shown(v)}' for k, v in row.items() if k != 'name')
            lines.append(f'   {row["name"]:<{width}}  {figures}'.rstrip())
        lines += [f'   | {line}' for line in part.get('output', '').splitlines()[-12:]]
    return '\n'.join([*lines, f'all: {seconds:.0f} s', ''])


def _shown(value: object) -> str:
    return f'{value:.4g}' if isinstance(value, float) else str(value)


if __name__ == '__main__':
    main()
