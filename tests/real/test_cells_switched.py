"""Hosts where another method is in force: from each cell to each other one of its generation, on real nginx, and back.

Nothing of the cell before is left behind: the host is compared with one to which the second cell alone was applied. What
may differ there, and why, is said at `MADE_ANEW` and `STAYS`. A cell that cannot be reached from another one is refused with the
way out, and nothing is touched. There is no way from one generation to the other: that is another product, of which a
host has one.

What makes them red: in src/plan/nim1/make.rs a file that is of no use any more and stays (`leftovers`); in
src/plan/nim1/native.rs an nginx before the manager that is not seen (`no_nginx_before`); in src/worker/rollback.rs a
file that is not put back.
"""

import dataclasses
import functools
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from cells import Cell, host, live, plan_hash, play, side_by_side
from clients import Attempt
from lab import Nginx
from manager import NAME, Manager, both_services
from nim1 import CERTS, SETTINGS, Nim1, nim1_answers, nim1_tool
from snapshot import STATE, Snapshot, differences, take
from test_nim1 import agents_are_met_by
from test_nim1_stream import PASSED, STREAM
from tool import AGENTS, Tool, issued
from walk import every_way, there_and_back

pytestmark = pytest.mark.alternating

# Certificates and keys are made anew on each host, and the store of the system holds the root: what is in them differs,
# not where they are, nor their modes and owners.
MADE_ANEW = re.compile(
    rf"changed: ({CERTS}/.*|/etc/nms/certs/.*|{STATE}/(ca|issued)/.*\.(crt|key|pem)|/etc/ssl/certs/ca-certificates\.crt"
    r"|/usr/local/share/ca-certificates/nim-tls-root\.crt): content "
)
# What agents were verified against stays: certificates only, which nothing in force reads, and by which an agent of this
# machine may go. With it, going back to mutual TLS makes nothing anew.
STAYS = f"appeared: {CERTS}/ca.pem"
# The manager's own file is edited line by line: a line that has no use any more is made a comment, one that was not there
# is not taken away. `server_name` may have been there, says what these answers say too, and stays; all else is the same.
EDITED = f"changed: {SETTINGS}: content "
NAMED = {"server_name": NAME}
PROXY_FIRST = "nginx is before the manager"
LESS = "nim-tls rollback"


@dataclasses.dataclass
class Host:
    """One to which a cell was applied, when nothing was there."""

    cell: Cell
    manager: Manager
    tool: Tool
    stock: Snapshot
    hash: str
    tree: Snapshot
    settings: dict[str, object]


def settings_of(manager: Manager, cell: Cell) -> dict[str, object]:
    """What the manager reads there, whatever the lines are."""
    return yaml.safe_load(manager.read(SETTINGS)) if cell.generation == "nim1" else {}


def left_behind(fresh: Host, switched: Host) -> list[str]:
    """What differs on a host that was switched from its cell to the one of the fresh host, and should not."""
    lines = [line for line in differences(fresh.tree, take(switched.manager)) if not MADE_ANEW.match(line)]
    now = settings_of(switched.manager, fresh.cell)
    if now in (fresh.settings, fresh.settings | NAMED):
        lines = [line for line in lines if not line.startswith(EDITED)]
    stays = [STAYS] if switched.cell.is_mutual and not fresh.cell.is_mutual else []
    return [line for line in lines if line not in stays]


def with_cell(stack: ExitStack, nginx: Nginx, binary: Path, cell: Cell) -> Host:
    return applied(*stack.enter_context(host(cell.generation, nginx, binary)), cell)


def applied(manager: Manager, tool: Tool, cell: Cell) -> Host:
    play(manager, cell)
    stock, planned = take(manager), plan_hash(tool, cell.answers)
    tool.apply(cell.answers).must(0, "applied")
    return Host(cell, manager, tool, stock, planned, take(manager), settings_of(manager, cell))


@pytest.mark.parametrize("generation", ["nim1", "nim2"])
def test_each_cell_can_follow_each_other_one_and_nothing_is_left_behind(
    nginx: Nginx, binary: Path, generation: str
) -> None:
    with ExitStack() as stack:
        hosts = side_by_side([functools.partial(with_cell, stack, nginx, binary, cell) for cell in live(generation)])
        side_by_side([functools.partial(to_each_other, each, hosts) for each in hosts])


def comes_of(before: Cell, after: Cell, is_live: bool) -> str:
    """What applying one where the other is in force has to end with."""
    if after.proxy == "none" != before.proxy:
        return PROXY_FIRST
    if after.generation == "nim2" and before.is_mutual and not after.is_mutual:
        return LESS
    # In no file stands which NGINX the one of manager 2 is.
    same = after.generation == "nim2" and before.method == after.method
    # Nor whether the manager itself judges agents: only a proof tells, and in a folder there is none.
    unseen = not is_live and before.proxy == after.proxy == "none" and before.is_mutual and not after.is_mutual
    return "unchanged" if same or unseen else "applied"


def to_each_other(on: Host, hosts: list[Host], is_live: bool = True) -> None:
    for other in hosts:
        if other is not on:
            assert to_another(on, other, is_live) == comes_of(on.cell, other.cell, is_live), f"{on.cell} -> {other.cell}"
    on.tool.rollback().must(0, "rolled-back")
    assert differences(on.stock, take(on.manager)) == []
    assert plan_hash(on.tool, on.cell.answers) == on.hash


def to_another(on: Host, fresh: Host, is_live: bool) -> str:
    """To the cell of another host and back; says what came of it."""
    other = fresh.cell
    play(on.manager, other)
    done = on.tool.apply(other.answers)
    if done.code == 1:
        assert LESS in done.err, done
        outcome = PROXY_FIRST if PROXY_FIRST in done.err else LESS
    else:
        outcome = done.must(0)["outcome"]
        assert left_behind(fresh, on) == [], f"{on.cell} -> {other}"
        if is_live:
            met_as_it_says(on.manager, other)
        on.tool.apply().must(0, "unchanged")
    if outcome == "applied":
        on.tool.rollback().must(0, "rolled-back")
    assert differences(on.tree, take(on.manager)) == []
    play(on.manager, on.cell)
    return outcome


def met_as_it_says(manager: Manager, cell: Cell) -> None:
    nobody = Attempt(sni=NAME, port=cell.usual.port, ca=issued(AGENTS[0], "ca.pem"))
    outcomes = manager.attempt(both_services(nobody) + both_services(cell.agent(AGENTS[0])))
    assert [each.reached for each in outcomes] == [not cell.is_mutual] * 2 + [True] * 2, outcomes


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_way_between_the_variants_of_nim_1_in_one_walk(nginx: Nginx, binary: Path) -> None:
    """57 runs deep, and back. The quick form goes each way between cells, one at a time (above), and each way between
    the cells of files, 21 runs deep (test_cells_plus.py)."""
    inner, observe = "options: {backend_tls: true}\n", "options: {enforce: observe}\n"
    variants = [
        nim1_answers("ssl-termination"),
        nim1_answers(),
        nim1_answers("ssl-termination", inner),
        nim1_answers(more=inner),
        nim1_answers(more=observe),
        nim1_answers("ssl-termination", STREAM),
        nim1_answers(more=STREAM),
        nim1_answers("ssl-termination", PASSED),
    ]
    with Nim1(nginx) as nim1:
        nim1.start()
        steps = every_way(variants)
        there_and_back(nim1_tool(nim1, binary), steps, lambda step: agents_are_met_by(nim1, step))
    print(f"every way between the variants of nim1, {len(steps)} trials: each proven, and undone; mixed states: 0")
