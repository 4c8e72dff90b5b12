"""`options.watch`: systemd looks after what was set up, with a service, a timer and a path unit, and there is a way back.

There is no systemd here: its part is played by services_stand_in.py, which goes by the units as it read them at the last
`daemon-reload`, makes the links that `systemctl enable` makes, and starts no timer. What the service starts is started
here by hand. So these tests show what is asked of systemd, and that what it would start works, not that systemd does it.

What makes these tests red: in src/worker/watch.rs, a start without `daemon-reload` before it, no record of what the
command writes, or units that run on while their files are put back; in src/plan/watch.rs, units that nobody asked for, a
file that is not watched, or units that stay where they are no longer wanted.
"""

import json
import subprocess
import time
from pathlib import Path

import pytest
import snapshot
from conftest import newer_build_and
from instance import SETTINGS as AGENT_FILE
from instance import STAND_IN, asked, instance_answers, with_agent
from lab import HERE, wait_for
from manager import Manager
from nim1 import PATH, SETTINGS, Nim1, nim1_answers, nim1_tool
from nim_tree import PLAIN
from test_instance import both
from tool import STATE, Tool, answers

pytestmark = pytest.mark.alternating

UNITS = "/etc/systemd/system"
SERVICE, TIMER, PATH_UNIT = (f"nim-tls-doctor.{kind}" for kind in ("service", "timer", "path"))
BOTH = [PATH_UNIT, TIMER]
LINKS = {f"{UNITS}/paths.target.wants/{PATH_UNIT}", f"{UNITS}/timers.target.wants/{TIMER}"}
WATCHED = "options: {watch: true}\n"
NMS_HTTP = "/etc/nginx/conf.d/nms-http.conf"
# Where a program stays: in the lab nothing else of that kind can be written.
PROGRAM = "/mnt/program/nim-tls"
STAMPS = "/var/lib/systemd/timers"


def installed(manager: Manager, binary: Path, path: str = PROGRAM) -> Path:
    """A copy of the program at a place of its own."""
    manager.run("install", "-D", "-m", "0755", str(binary), path)
    return Path(path)


@pytest.fixture
def watching(manager: Manager, binary: Path) -> Tool:
    """The tool where it stays, on a host with systemd."""
    manager.run("mkdir", "-p", STAND_IN, "/run/systemd/system", STAMPS)
    manager.write(f"{STAND_IN}/systemctl", (HERE / "services_stand_in.py").read_text(), 0o755)
    tool = Tool(manager, installed(manager, binary))
    tool.before = ("env", f"PATH={PATH}")
    return tool


def units(manager: Manager) -> set[str]:
    return set(manager.run("find", UNITS, "-name", "nim-tls-doctor.*").stdout.split())


ALL = {f"{UNITS}/{unit}" for unit in (SERVICE, TIMER, PATH_UNIT)} | LINKS


def unit(manager: Manager, name: str) -> list[tuple[str, str]]:
    lines = manager.read(f"{UNITS}/{name}").splitlines()
    return [tuple(line.split("=", 1)) for line in lines if "=" in line and not line.startswith("#")]


def watched(manager: Manager) -> list[str]:
    return [path for key, path in unit(manager, PATH_UNIT) if key == "PathChanged"]


def started(manager: Manager) -> list[str]:
    """The units that systemd would have started, with the texts that lie on disk."""
    known = json.loads(manager.read("/mnt/units-started.json"))
    stale = [name for name, text in known.items() if manager.read(f"{UNITS}/{name}") != text]
    assert not stale, f"{stale} were not read again"
    return sorted(known)


def stopped(manager: Manager) -> list[list[str | bool]]:
    """Those that ran when they were told to stop, and whether their files were there then."""
    return [json.loads(line) for line in manager.read("/mnt/units-stopped.jsonl").splitlines()]


def by_hand(manager: Manager) -> list[subprocess.CompletedProcess[str]]:
    """What the service starts, one after the other."""
    lines = [line.split() for key, line in unit(manager, SERVICE) if key in ("ExecStartPre", "ExecStart")]
    return [manager.run("env", f"PATH={PATH}", *words, check=False, timeout=120) for words in lines]


@newer_build_and([PLAIN])
def test_a_manager_is_looked_after_and_all_of_it_is_taken_back(manager: Manager, watching: Tool) -> None:
    before = snapshot.take(manager)
    manager.write("/mnt/answers.yaml", answers() + WATCHED)
    plan = watching.run("plan", "--answers", "/mnt/answers.yaml", "--format", "json").document
    command = f"systemctl daemon-reload && systemctl enable --now {PATH_UNIT} {TIMER}"
    assert command in plan["commands"], plan["commands"]
    shown = [file for file in plan["files"] if file["path"].startswith(UNITS)]
    assert len(shown) == 3 and all(file["status"] == "create" and file["reasons"] for file in shown), shown

    watching.apply(answers() + WATCHED).must(0, "applied")
    assert units(manager) == ALL
    assert started(manager) == BOTH
    found = watched(manager)
    assert found == sorted(found) and NMS_HTTP in found and "/etc/nms/certs/server.crt" in found, found
    assert not [path for path in found if path.startswith((STATE, UNITS))], found
    assert {("ExecStart", f"{PROGRAM} doctor --no-connect"), ("Type", "oneshot")} <= set(unit(manager, SERVICE))
    assert "SuccessExitStatus" not in dict(unit(manager, SERVICE)), "a failed unit is how it is told"
    assert {("OnCalendar", "daily"), ("Persistent", "true")} <= set(unit(manager, TIMER))
    assert watching.apply(answers() + WATCHED).must(0)["outcome"] == "unchanged"

    # What the service would start is quiet here, and fails once the vendor's file is back.
    done = by_hand(manager)
    assert [one.returncode for one in done] == [0, 0], done
    changed = manager.read(NMS_HTTP)
    manager.write(NMS_HTTP, changed.replace("ssl_verify_client", "# ssl_verify_client"))
    *_, doctor = by_hand(manager)
    assert doctor.returncode == 1 and "drift" in doctor.stdout, doctor
    manager.write(NMS_HTTP, changed)

    watching.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert started(manager) == []
    assert stopped(manager) == [[unit, True] for unit in BOTH], "before their files went"
    assert ["daemon-reload"] in asked(manager)[-2:], asked(manager)


# What ProtectSystem=strict leaves to be written, and no less: systemd itself is not here to say so.
READ_ONLY = """
awk '{print $5}' /proc/self/mountinfo | grep -Ev '^/(dev|proc|sys)(/|$)' | while read -r at; do
    mount -o remount,bind,ro "$at" 2>/dev/null
done
for folder in /etc /etc/nginx /mnt /run /var/lib /var/log /var/www /tmp; do
    touch "$folder/of-a-test" 2>/dev/null && exit 9
done
exec "$@"
"""


@newer_build_and([PLAIN])
def test_it_looks_where_nothing_can_be_written(manager: Manager, watching: Tool) -> None:
    watching.apply(answers() + WATCHED).must(0, "applied")
    within = ("unshare", "--mount", "--propagation", "slave", "--", "bash", "-c", READ_ONLY, "bash")
    command = next(line.split() for key, line in unit(manager, SERVICE) if key == "ExecStart")

    def look() -> subprocess.CompletedProcess[str]:
        return manager.run("env", f"PATH={PATH}", *within, *command, check=False)

    def as_it_is() -> subprocess.CompletedProcess[str]:
        return manager.run("env", f"PATH={PATH}", *command, check=False)

    done = look()
    assert done.returncode == 0 and done.stdout == as_it_is().stdout, done
    # nginx is asked all the same, in a private copy within.
    manager.write(NMS_HTTP, manager.read(NMS_HTTP).replace("http {", "htp {") + "\nno_such_directive on;\n")
    done = look()
    assert done.returncode == 1 and "no_such_directive" in done.stdout, done
    assert done.stdout == as_it_is().stdout


@newer_build_and([PLAIN])
def test_it_can_be_turned_on_alone_and_off_again(manager: Manager, watching: Tool) -> None:
    watching.apply(answers()).must(0, "applied")
    assert units(manager) == set(), "nobody asked for it"
    without = snapshot.take(manager)
    done = watching.apply(answers() + WATCHED).must(0, "applied")
    assert set(done["changed"]) >= ALL, done["changed"]
    assert NMS_HTTP in watched(manager), "it was edited before, and is looked after all the same"
    between = snapshot.take(manager)

    watching.apply(answers()).must(0, "applied")
    assert snapshot.differences(without, snapshot.take(manager)) == []
    assert started(manager) == []
    assert stopped(manager) == [[unit, True] for unit in BOTH], "before their files went"
    assert ["daemon-reload"] in asked(manager)[-2:], asked(manager)
    assert watching.apply(answers()).must(0)["outcome"] == "unchanged"

    # Back to where it was on.
    watching.rollback().must(0, "rolled-back")
    assert snapshot.differences(between, snapshot.take(manager)) == []
    assert started(manager) == BOTH


@newer_build_and([PLAIN])
def test_half_a_result_is_taken_back(manager: Manager, watching: Tool) -> None:
    manager.write("/mnt/cannot-enable", "Access denied")
    before = snapshot.take(manager)
    done = watching.apply(answers() + WATCHED).must(3)
    assert f"systemctl enable --now {PATH_UNIT} {TIMER} failed: " in done["problem"], done
    assert "Access denied" in done["problem"] and "everything was put back" in done["problem"], done
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert ["daemon-reload"] in asked(manager)[-2:], asked(manager)


@newer_build_and([PLAIN])
def test_a_timer_that_says_yes_and_does_not_run_is_not_believed(manager: Manager, watching: Tool) -> None:
    manager.write(f"{STAND_IN}/systemctl.real", manager.read(f"{STAND_IN}/systemctl"), 0o755)
    script = f'#!/bin/sh\ncase "$1 $2" in "is-active nim-tls-doctor.timer") echo failed; exit 3;; esac\nexec {STAND_IN}/systemctl.real "$@"\n'
    manager.write(f"{STAND_IN}/systemctl", script, 0o755)
    before = snapshot.take(manager)
    done = watching.apply(answers() + WATCHED).must(3)
    assert f"{TIMER} does not run: failed" in done["problem"], done
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_a_unit_that_does_not_run_any_more_is_started_again(manager: Manager, watching: Tool) -> None:
    watching.apply(answers() + WATCHED).must(0, "applied")
    manager.run("env", f"PATH={PATH}", "systemctl", "stop", TIMER)
    before = snapshot.take(manager)
    watching.apply(answers() + WATCHED).must(0)
    assert started(manager) == BOTH
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_another_list_of_files_is_taken_up(manager: Manager, watching: Tool) -> None:
    text = answers()
    watching.apply(text + WATCHED).must(0, "applied")
    fewer = watched(manager)
    between = snapshot.take(manager)
    watching.apply(text + "options: {watch: true, redirect_http: true}\n").must(0, "applied")
    new = set(watched(manager)) - set(fewer)
    assert [Path(path).name for path in new] == ["nim-tls-redirect.conf"], new
    assert started(manager) == BOTH, "with the new list"
    watching.rollback().must(0, "rolled-back")
    assert snapshot.differences(between, snapshot.take(manager)) == []
    assert started(manager) == BOTH, "with the list of before"


@newer_build_and([PLAIN])
def test_a_program_that_does_not_stay_is_refused(manager: Manager, watching: Tool, binary: Path) -> None:
    before = snapshot.take(manager)
    passing = Tool(manager, installed(manager, binary, "/run/nim-tls"))
    passing.before = watching.before
    done = passing.apply(answers() + WATCHED)
    assert done.code == 1 and "/run/nim-tls" in done.out and "install -m 0755 /run/nim-tls " in done.out, done
    # Whoever can write it would be root every day.
    manager.run("chmod", "0777", "/mnt/program")
    done = watching.apply(answers() + WATCHED)
    assert done.code == 1 and "/mnt/program" in done.out, done
    assert snapshot.differences(before, snapshot.take(manager)) == []
    manager.run("chmod", "0755", "/mnt/program")
    # Once it is set up, it does not matter which copy somebody starts.
    watching.apply(answers() + WATCHED).must(0, "applied")
    assert passing.apply(answers() + WATCHED).must(0)["outcome"] == "unchanged"
    assert passing.run("doctor", "--no-connect").code == 0


@newer_build_and([PLAIN])
def test_without_systemd_it_is_refused(manager: Manager, watching: Tool) -> None:
    manager.run("rmdir", "/run/systemd/system")
    done = watching.apply(answers() + WATCHED)
    assert done.code == 1 and "systemd does not run here" in done.out, done


@newer_build_and([PLAIN])
def test_somebody_elses_unit_stays(manager: Manager, watching: Tool) -> None:
    manager.write(f"{UNITS}/{TIMER}", "[Timer]\nOnCalendar=hourly\n")
    before = snapshot.take(manager)
    done = watching.apply(answers() + WATCHED)
    assert done.code == 1 and "is not as nim-tls wrote it" in done.out, done
    watching.apply(answers()).must(0, "applied")
    assert manager.read(f"{UNITS}/{TIMER}") == "[Timer]\nOnCalendar=hourly\n"
    watching.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_an_edited_unit_keeps_nothing_else_from_going_back(manager: Manager, watching: Tool) -> None:
    before = snapshot.take(manager)
    watching.apply(answers() + WATCHED).must(0, "applied")
    manager.write(f"{UNITS}/{PATH_UNIT}", manager.read(f"{UNITS}/{PATH_UNIT}") + "# mine\n")
    watching.rollback().must(4, "incomplete")
    left = snapshot.differences(before, snapshot.take(manager))
    assert left == [f"appeared: {UNITS}/{PATH_UNIT}"], left


@newer_build_and([PLAIN])
def test_what_is_asked_during_a_run_waits_for_its_end(manager: Manager, watching: Tool) -> None:
    """A host in between would be found wrong."""
    watching.apply(answers() + WATCHED).must(0, "applied")
    settle = next(line.split() for key, line in unit(manager, SERVICE) if key == "ExecStartPre")
    manager.write("/mnt/answers.yaml", answers() + "options: {watch: true, redirect_http: true}\n")
    apply = f"{PROGRAM} apply --answers /mnt/answers.yaml --yes --confirm-within 40 >/mnt/said 2>&1 &"
    manager.run("bash", "-c", f"PATH={PATH} {apply}")
    wait_for(lambda: at_work(manager), "a worker")
    began = time.monotonic()
    manager.run("env", f"PATH={PATH}", *settle, timeout=150)
    assert time.monotonic() - began > 30 and not at_work(manager), "it came back before the run had ended"


def at_work(manager: Manager) -> bool:
    return manager.run("pgrep", "-f", "[_]_worker", check=False).stdout != ""


@newer_build_and([PLAIN])
def test_an_instance_is_looked_after_too(manager: Manager, watching: Tool) -> None:
    both(manager, watching)
    before = snapshot.take(manager)
    text = instance_answers().replace("{trust_store: false}", "{trust_store: false, watch: true}")
    watching.apply(text).must(0, "applied")
    assert units(manager) == ALL
    assert AGENT_FILE in watched(manager) and "/etc/nms/certs/agent.crt" in watched(manager), watched(manager)
    assert watching.apply(text).must(0)["outcome"] == "unchanged"
    watching.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


def test_a_manager_of_the_first_generation_too(nim1: Nim1, binary: Path) -> None:
    own = nim1_tool(nim1, installed(nim1, binary))
    nim1.run("mkdir", "-p", STAMPS)
    before = snapshot.take(nim1)
    own.apply(nim1_answers(more=WATCHED)).must(0, "applied")
    assert units(nim1) == ALL
    assert {SETTINGS, "/etc/nginx/conf.d/nginx-manager-grpc.conf"} <= set(watched(nim1)), watched(nim1)
    assert own.apply(nim1_answers(more=WATCHED)).must(0)["outcome"] == "unchanged"
    own.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(nim1)) == []


@newer_build_and([PLAIN])
def test_in_a_folder_the_files_are_placed_and_the_rest_is_said(manager: Manager, watching: Tool) -> None:
    root = "/mnt/root"
    manager.run("mkdir", "-p", f"{root}/etc/systemd/system")
    manager.run("cp", "-aL", "/etc/nginx", "/etc/nms", "/etc/os-release", f"{root}/etc/")
    manager.write("/mnt/answers.yaml", answers() + "options: {watch: true, trust_store: false}\n")
    apply = ("apply", "--root", root, "--answers", "/mnt/answers.yaml", "--yes", "--format", "json")
    done = watching.run(*apply)
    assert done.code == 1 and f"{PROGRAM} is not there" in done.out, done
    manager.run("install", "-D", "-m", "0755", PROGRAM, f"{root}{PROGRAM}")
    done = watching.run(*apply).must(0, "applied")
    assert f"{PROGRAM} doctor --no-connect" in manager.read(f"{root}{UNITS}/{SERVICE}")
    assert "watch" in [one["step"] for one in done["skipped"]], done["skipped"]
    assert watching.run(*apply).must(0)["outcome"] == "unchanged"
