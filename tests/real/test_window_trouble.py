"""What happens to a run while it waits to be kept: its worker is stopped, its folder taken away, nginx ends.

What makes these tests red: a look that leaves a stopped worker alone (`end_if_stopped` in
src/front/unattended/returning.rs), a word that is waited for without end (`PATIENCE` in src/front/saying.rs), a word
that is taken without a look at nginx (src/worker/window.rs), a lost folder that passes for a run that never began
(`gone` in src/worker/spawn.rs).
"""

import time

import snapshot
from conftest import newer_build_and
from lab import wait_for
from manager import Manager
from nim_tree import PLAIN
from test_keep import while_it_waits
from tool import STATE, Tool

STOP = "kill -STOP $(pgrep -f '[_]_worker')"
RUNS = f"{STATE}/runs"


def outcomes(tool: Tool) -> list[str]:
    return [run["outcome"] for run in tool.run("history", "--format", "json").document["runs"]]


@newer_build_and([PLAIN])
def test_a_stopped_worker_keeps_nobody_waiting(manager: Manager, tool: Tool) -> None:
    """The word is not heard, and said to be; at the end of the window another process ends it and puts all back."""
    before = snapshot.take(manager)
    then = f"""
        {STOP}
        {tool.binary} confirm >/mnt/confirm 2>&1; echo $? >>/mnt/confirm
    """
    began = time.monotonic()
    done = while_it_waits(tool, 12, then)
    assert time.monotonic() - began < 60
    done.must(6, "rolled-back")
    confirmed = " ".join(manager.read("/mnt/confirm").split())
    assert snapshot.differences(before, snapshot.take(manager)) == []
    # By then the window was over, or the process is said to be stopped, with what has it go on.
    assert "too late" in confirmed or "is stopped" in confirmed and "do: kill -CONT" in confirmed, confirmed
    assert outcomes(tool)[-1] == "rolled-back"


@newer_build_and([PLAIN])
def test_a_word_that_a_stopped_worker_does_not_hear(manager: Manager, tool: Tool) -> None:
    """It counts once the worker goes on in time."""
    then = f"""
        {STOP}
        {tool.binary} confirm >/mnt/confirm 2>&1; echo $? >>/mnt/confirm
        kill -CONT $(pgrep -f '[_]_worker')
    """
    done = while_it_waits(tool, 600, then)
    done.must(0, "applied")
    confirmed = " ".join(manager.read("/mnt/confirm").split())
    assert "is stopped" in confirmed and "do: kill -CONT" in confirmed and confirmed.endswith(" 5"), confirmed


@newer_build_and([PLAIN])
def test_a_run_whose_folder_was_taken_away_is_not_called_one_that_changed_nothing(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    done = while_it_waits(tool, 600, f"mv {STATE} /mnt/elsewhere")
    assert done.code == 4, done
    said = " ".join(done.err.split())
    assert "was taken away" in said and "bring" in said and "nothing was changed" not in said, said
    manager.run("sh", "-c", f"rm -rf {STATE}; mv /mnt/elsewhere {STATE}")
    # The switch may be at it already, or be done with it.
    back = tool.run("rollback", "--yes")
    assert back.code in (0, 5) or "nothing" in back.err or "no run" in back.err, back
    wait_for(lambda: snapshot.differences(before, snapshot.take(manager)) == [], "the host as it was")


@newer_build_and([PLAIN])
def test_nothing_is_kept_that_does_not_serve(manager: Manager, tool: Tool) -> None:
    """nginx has ended by the time of the word."""
    before = snapshot.take(manager)
    then = f"""
        kill -KILL $(pgrep -f '[n]ginx: master'); pkill -KILL -f '[n]ginx: worker'
        {tool.binary} confirm >/mnt/confirm 2>&1; echo $? >>/mnt/confirm
    """
    done = while_it_waits(tool, 600, then)
    document = done.must(3, "refused")
    assert "nginx" in document["problem"], document
    confirmed = " ".join(manager.read("/mnt/confirm").split())
    assert confirmed.endswith(" 1") and "put back" in confirmed, confirmed
    assert [line for line in snapshot.differences(before, snapshot.take(manager)) if "/etc/" in line] == []
