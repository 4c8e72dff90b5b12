"""The cells of NGINX Plus: JUDGED, not proven, because there is none here (test_nim1_plus.py says by what).

The program plans them on the files of a host (`--root`), where another NGINX than that of the files is not in the way.
crossplane has to know each line; then open-source nginx loads what it knows of them, and clients try it: the locations,
certificates and checks are the same. What the lines of NGINX Plus do is not seen here, and `verify`, which asks a host
that runs, is not asked.

What makes them red: in assets/templates/nginx-manager-upstreams.conf a check of health where it cannot stand; in
src/plan/nim1/make.rs a file of the proxy before that stays (`leftovers`).
"""

import functools
from pathlib import Path

import neighbours
import pytest
from cells import CELLS, OF_PLUS, Cell, host, say, side_by_side
from conftest import BUILDS
from lab import Lab, Nginx
from manager import Manager
from snapshot import FOLDERS, STATE, differences, take
from test_cells import by_name, only_agents_get_through, told_the_same
from test_cells_switched import applied, to_each_other
from test_import_ca import corporate, import_answers, let_in, refused_everywhere, strangers
from test_nim1_plus import take_out_what_only_plus_knows, unknown_to_crossplane
from tool import AGENTS, Done, Tool
from walk import every_way, there_and_back

pytestmark = pytest.mark.alternating

ROOT = "/mnt/root"


class Files:
    """The files of a lab's host, apart from it: the host that runs knows nothing of what is done to them."""

    def __init__(self, lab: Lab, name: str = "root") -> None:
        self.lab = lab
        self.root = f"/mnt/{name}"
        self._enter = lab._enter
        for folder in (*FOLDERS, "/var/lib/dpkg"):
            self.path(folder).mkdir(parents=True, exist_ok=True)
        # What a link in /etc leads to has to be there as well.
        for source in ("/etc", "/usr/lib/os-release", "/usr/share/nginx/modules-available", "/var/lib/dpkg/status"):
            lab.run("cp", "-a", "--parents", source, self.root)

    def path(self, inside: str) -> Path:
        return self.lab.path(self.root + inside)

    def read(self, inside: str) -> str:
        return self.path(inside).read_text()

    def write(self, inside: str, text: str) -> None:
        """What the program is told lies outside of what it works on."""
        self.lab.write(inside, text)

    def run(self, *argv: str, **how: object) -> object:
        return self.lab.run(*argv, **how)

    def start_services(self) -> None:
        """Nothing runs."""

    def come_true(self) -> None:
        """The host gets these files, and its nginx loads what it knows of them."""
        self.lab.run("sh", "-c", f"cp -a {self.root}/etc/. /etc && cp -a {self.root}{STATE} {STATE}")


class OnFiles(Tool):
    def run(self, *argv: str, before: tuple[str, ...] = (), timeout: float = 150) -> Done:
        return super().run(*argv, "--root", self.manager.root, before=before, timeout=timeout)


@by_name(OF_PLUS)
def test_a_cell_of_plus_is_judged_where_it_is_alone_and_beside_other_sites(
    nginx: Nginx, binary: Path, cell: Cell
) -> None:
    ways = [alone, beside, by_an_authority_from_elsewhere] if cell.is_mutual else [alone, beside]
    side_by_side([functools.partial(way, nginx, binary, cell) for way in ways])
    say(cell, nginx)


def alone(nginx: Nginx, binary: Path, cell: Cell) -> None:
    with host(cell.generation, nginx, binary) as (manager, _):
        judged_there_and_back(manager, binary, cell)


def beside(nginx: Nginx, binary: Path, cell: Cell) -> None:
    with host(cell.generation, nginx, binary) as (manager, _):
        neighbours.move_in(manager)
        before = neighbours.told(manager)
        judged_there_and_back(manager, binary, cell)
        told_the_same(manager, before)


def judged_there_and_back(manager: Manager, binary: Path, cell: Cell) -> None:
    served(manager, binary, cell, cell.answers)
    only_agents_get_through(manager, cell)


def by_an_authority_from_elsewhere(nginx: Nginx, binary: Path, cell: Cell) -> None:
    with host(cell.generation, nginx, binary) as (manager, _):
        ca = corporate(manager, levels=2)
        for name in ("corporate.pem", "corporate.key"):
            manager.run("install", "-D", "-m", "600", f"/mnt/{name}", f"{ROOT}/mnt/{name}")
        served(manager, binary, cell, import_answers(text=cell.answers))
        let_in(manager, [cell.agent(agent, "h2") for agent in AGENTS])
        refused_everywhere(manager, strangers(manager, ca, cell.agent(AGENTS[0], "h2"), cell.server, ()))


def served(manager: Manager, binary: Path, cell: Cell, text: str) -> None:
    """Planned and written for NGINX Plus, taken back, written again; then what is not of Plus alone is loaded."""
    files = Files(manager)
    tool, stock = OnFiles(files, binary), take(files)
    tool.apply(text).must(0, "applied")
    tool.apply().must(0, "unchanged")
    tool.rollback().must(0, "rolled-back")
    assert differences(stock, take(files)) == []
    tool.apply().must(0, "applied")
    files.come_true()
    assert unknown_to_crossplane(manager) == []
    # What a manager of generation 2 comes with has none of them, and none is added.
    assert (take_out_what_only_plus_knows(manager) >= 4) == (cell.generation == "nim1")
    manager.restart_tree()


@pytest.mark.parametrize("generation", ["nim1", "nim2"])
def test_each_cell_can_follow_each_other_one_in_files(binary: Path, generation: str) -> None:
    """Those of open source too: whoever buys NGINX Plus, or gives it up, changes from one to the other. Red where the
    status page of the other one stays (`Places::all` in src/plan/nim1/files.rs)."""
    offered = [cell for cell in CELLS if cell.generation == generation and cell.shown != "refused"]
    # Files know no nginx, so one has to do.
    with host(generation, BUILDS[-1], binary) as (manager, _):
        hosts = []
        for cell in offered:
            files = Files(manager, str(cell))
            hosts.append(applied(files, OnFiles(files, binary), cell))
        for each in hosts:
            to_each_other(each, hosts, is_live=False)


def test_every_way_between_cells_in_one_walk_of_files(binary: Path) -> None:
    behind = [cell.answers for cell in CELLS if cell.generation == "nim1" and cell.shown != "refused" and cell.proxy != "none"]
    with host("nim1", BUILDS[-1], binary) as (manager, _):
        steps = every_way(behind)
        assert len(steps) == len(behind) * (len(behind) - 1) + 1
        there_and_back(OnFiles(Files(manager), binary), steps, lambda step: None)
