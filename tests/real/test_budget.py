"""Budgets that hold for the released binary only; run by `tests/run.sh --long`."""

import resource
from pathlib import Path

import pytest
from conftest import each_build_and
from manager import Manager
from nim_tree import PLAIN
from tool import ANSWERS_FILE, Tool, answers

pytestmark = pytest.mark.release
MIB = 1 << 20
FILES, BYTES, ROUNDS = 300, 2_000_000, 15


def test_the_binary_is_small(binary: Path) -> None:
    assert binary.stat().st_size <= 6 * MIB


@each_build_and([PLAIN])
def test_planning_a_large_host_is_cheap(manager: Manager, tool: Tool) -> None:
    site = "server {{\n    listen 127.0.0.1:{port};\n{lines}}}\n"
    line = '    location /part-{:04} {{ return 200 "of a large site"; }}\n'
    lines = "".join(line.format(number) for number in range(BYTES // FILES // len(line.format(0))))
    for number in range(FILES):
        manager.write(f"/etc/nginx/conf.d/site-{number:03}.conf", site.format(port=10000 + number, lines=lines))
    manager.write(ANSWERS_FILE, answers())
    # One after the other, and the best of each: nginx alone takes half a second, give or take a tenth.
    shown, planned = map(min, zip(*(both(manager, tool) for _ in range(ROUNDS)), strict=True))
    assert planned - shown < 0.050, f"plan {planned:.3f} s, nginx -T {shown:.3f} s of processor time"


def both(manager: Manager, tool: Tool) -> tuple[float, float]:
    shown = seconds(manager, *manager.nginx.argv, "-T")
    return shown, seconds(manager, str(tool.binary), "plan", "--answers", ANSWERS_FILE)


def seconds(manager: Manager, *argv: str) -> float:
    """Processor time of a command and of all that it started, entering the lab included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    manager.run(*argv)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
