"""A clock that is ten years off: runs keep their order, what was done is taken back, and certificates that the clock
makes wrong are said to be so before anything is changed.

What makes these tests red: in src/worker/runs.rs, a run that is numbered within the day of the clock alone.
"""

from pathlib import Path

import pytest
import snapshot
from conftest import newer_build_and
from folder import Folder, FolderTool
from manager import Manager
from nim_tree import PLAIN
from tool import ANSWERS_FILE, Tool, answers
from trials import ROLLBACK, Trials

YEAR = {"+10y": "2036", "-10y": "2016"}
SAYS = {"+10y": "has expired by this host's clock", "-10y": "is not valid yet by this host's clock"}
BACK = {"+10y": "-10y", "-10y": "+10y"}


def off(by: str) -> tuple[str, ...]:
    return ("faketime", "-f", by)


@pytest.mark.parametrize("by", YEAR)
def test_ten_years_off(binary: Path, tmp_path: Path, by: str) -> None:
    folder = Folder(tmp_path / "root")
    tool = FolderTool(folder, binary)
    trials = Trials(folder, tool)
    change = trials.apply
    right = tool.run(*change)
    assert right.code == 0, right

    # The clock goes wrong: what is there looks wrong, and that is said first.
    applied = snapshot.take(trials.manager)
    done = tool.run("plan", *change[1:3], before=off(by))
    assert done.code == 1 and SAYS[by] in " ".join(done.err.split()) and "do: date" in done.err, done
    assert snapshot.differences(applied, snapshot.take(trials.manager)) == []
    assert tool.run(*ROLLBACK, before=off(by)).code == 0
    assert trials.as_before(), trials.differences()

    # Wrong while it is applied, right again when it is put back.
    done = tool.run(*change, before=off(by))
    assert done.code == 0, done
    done = tool.run("plan", *change[1:3])
    assert done.code == 1 and SAYS[BACK[by]] in " ".join(done.err.split()), done
    assert tool.run(*ROLLBACK).code == 0
    assert trials.as_before(), trials.differences()

    runs = tool.run("history", "--format", "json").document["runs"]
    assert [run["command"] for run in runs] == ["apply", "rollback"] * 2, runs
    assert all(run["outcome"] == "rolled-back" for run in runs), runs
    assert [run["run"] for run in runs] == sorted(run["run"] for run in runs), runs
    # What proves that the clock was off at all.
    assert [run["started"][:4] for run in runs[1:3]] == [YEAR[by]] * 2, runs


@newer_build_and([PLAIN])
@pytest.mark.long
@pytest.mark.parametrize("by", YEAR)
def test_where_nginx_goes_by_another_clock_the_proof_tells(manager: Manager, tool: Tool, by: str) -> None:
    manager.write(ANSWERS_FILE, answers())
    trials = Trials(manager, tool)
    done = tool.run(*trials.apply, before=off(by))
    assert done.code == 3 and "the proof does not hold" in done.err, done
    assert trials.as_before(), trials.differences()
