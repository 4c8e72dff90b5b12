#!/usr/bin/env python3
"""Stands in for `systemctl` and the services it starts where there is no systemd: SIMULATED.

Knows nginx-agent, whose program is `agent_stand_in.py`, nginx-manager, whose program is
`manager_stand_in.py`, and nginx: each where there is a program to start it. Of units that a run places it knows what it
read at the last `daemon-reload`: it starts and stops no timer, and keeps a list of those that it should have. Records
what it is asked.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RECORD = Path("/mnt/services.jsonl")
ENVIRONMENT = Path("/mnt/agent.env")
# By whose account the manager is started.
MANAGER_USER = Path("/mnt/manager-user")
# Units in it do not start with the system, unless there is a link for them.
DISABLED = Path("/mnt/disabled-units")
WANTED = Path("/etc/systemd/system/multi-user.target.wants")
# Then `enable` makes half of what it is asked for, and says why it goes no further.
CANNOT_ENABLE = Path("/mnt/cannot-enable")
UNITS = ("nginx-agent", "nginx-manager", "nginx")
# Units that were placed: their texts as they were read last, and those that were started.
PLACED = Path("/etc/systemd/system")
READ = Path("/mnt/units-read.json")
STARTED = Path("/mnt/units-started.json")
# Kept for a timer that catches up: when it was due last.
STAMPS = Path("/var/lib/systemd/timers")
# Each that was stopped, and whether its file was there then.
STOPPED = Path("/mnt/units-stopped.jsonl")


def start_of(unit: str) -> Path:
    return Path("/mnt/stand-in", "start-" + unit.removeprefix("nginx-"))


def is_known(unit: str) -> bool:
    return unit in UNITS and start_of(unit).exists()


def pid_file(unit: str) -> Path:
    return Path("/mnt", unit.removeprefix("nginx-") + ".pid")


def pid(unit: str) -> int:
    try:
        found = int(pid_file(unit).read_text())
        os.kill(found, 0)
        if Path(f"/proc/{found}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return 0
    except (OSError, ValueError):
        return 0
    return found


def restart(unit: str) -> None:
    if found := pid(unit):
        os.kill(found, signal.SIGKILL)
        while pid(unit):
            time.sleep(0.02)
    lines = ENVIRONMENT.read_text().splitlines() if ENVIRONMENT.exists() else []
    more = dict(line.split("=", 1) for line in lines)
    started = subprocess.Popen(
        [start_of(unit)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, **more},
    )  # fmt: skip
    pid_file(unit).write_text(str(started.pid))


def unit_file_state(unit: str) -> str:
    disabled = DISABLED.read_text().split() if DISABLED.exists() else []
    return "disabled" if unit in disabled and not (WANTED / f"{unit}.service").is_symlink() else "enabled"


def kept(path: Path) -> dict[str, str]:
    return json.loads(path.read_text()) if path.exists() else {}


def reread() -> None:
    READ.write_text(json.dumps({path.name: path.read_text() for path in sorted(PLACED.glob("nim-tls-doctor.*"))}))


def is_placed(unit: str) -> bool:
    return unit.startswith("nim-tls-doctor.")


def start_placed(units: list[str]) -> None:
    for unit in units:
        if unit not in kept(READ):
            sys.exit(f"Failed to start {unit}: Unit {unit} not found.")
        STARTED.write_text(json.dumps({**kept(STARTED), unit: kept(READ)[unit]}))
        if "Persistent=true" in kept(READ)[unit]:
            (STAMPS / f"stamp-{unit}").touch()


def stop_placed(units: list[str]) -> None:
    with STOPPED.open("a") as stopped:
        stopped.writelines(json.dumps([unit, (PLACED / unit).exists()]) + "\n" for unit in units if unit in kept(STARTED))
    STARTED.write_text(json.dumps({unit: text for unit, text in kept(STARTED).items() if unit not in units}))


def link_of(unit: str) -> Path:
    (target,) = [line.removeprefix("WantedBy=") for line in (PLACED / unit).read_text().splitlines() if "WantedBy=" in line]
    return PLACED / f"{target}.wants" / unit


def enable_placed(units: list[str], now: bool) -> None:
    for unit in units:
        if not (PLACED / unit).exists():
            sys.exit(f"Failed to enable unit: Unit file {unit} does not exist.")
        link = link_of(unit)
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(PLACED / unit)
        if CANNOT_ENABLE.exists():
            sys.exit(f"Failed to enable unit: {CANNOT_ENABLE.read_text()}")
    if now:
        # One that runs goes on as it was started.
        start_placed([unit for unit in units if unit not in kept(STARTED)])


def disable_placed(units: list[str], now: bool) -> None:
    for unit in units:
        if not (PLACED / unit).exists():
            sys.exit(f"Failed to disable unit: Unit file {unit} does not exist.")
        link = link_of(unit)
        link.unlink(missing_ok=True)
        if link.parent.exists() and not list(link.parent.iterdir()):
            link.parent.rmdir()
    if now:
        stop_placed(units)


def placed(verb: str, args: list[str]) -> None:
    now, units = "--now" in args, [word for word in args if is_placed(word)]
    if verb == "enable":
        enable_placed(units, now)
    elif verb == "disable":
        disable_placed(units, now)
    elif verb in ("start", "restart"):
        start_placed(units)
    elif verb == "stop":
        stop_placed(units)
    elif verb == "clean":
        for unit in units:
            assert unit in kept(READ) and unit not in kept(STARTED), "it takes a unit that is known and does not run"
            (STAMPS / f"stamp-{unit}").unlink(missing_ok=True)
    elif verb == "is-enabled":
        known = all((PLACED / unit).exists() and link_of(unit).is_symlink() for unit in units)
        print("enabled" if known else "disabled")
        sys.exit(0 if known else 1)
    elif verb in ("is-active", "show"):
        states = ["active" if unit in kept(STARTED) else "inactive" for unit in units]
        print("\n\n".join(f"ActiveState={state}" for state in states) if verb == "show" else "\n".join(states))
        sys.exit(0 if verb == "show" or "inactive" not in states else 3)


def enable(units: list[str]) -> None:
    WANTED.mkdir(parents=True, exist_ok=True)
    for unit in units:
        (WANTED / f"{unit}.service").symlink_to(f"/lib/systemd/system/{unit}.service")
        if CANNOT_ENABLE.exists():
            sys.exit(f"Failed to enable unit: {CANNOT_ENABLE.read_text()}")


def is_enabled(unit: str) -> None:
    print(unit_file_state(unit))
    sys.exit(0 if unit_file_state(unit) == "enabled" else 1)


def show(args: list[str]) -> None:
    wanted = next(word for word in args if word.startswith("--property=")).removeprefix("--property=").split(",")
    units = [word for word in args if not word.startswith("-")]
    known = {
        "LoadState": lambda unit: "loaded" if is_known(unit) else "not-found",
        "ActiveState": lambda unit: "active" if is_known(unit) and pid(unit) else "inactive",
        "UnitFileState": lambda unit: unit_file_state(unit) if is_known(unit) else "",
        "User": lambda unit: MANAGER_USER.read_text() if unit == "nginx-manager" and MANAGER_USER.exists() else "",
        "MainPID": lambda unit: str(pid(unit) if is_known(unit) else 0),
        "Environment": lambda unit: ENVIRONMENT.read_text().replace("\n", " ") if ENVIRONMENT.exists() else "",
    }
    nothing = lambda unit: ""  # noqa: E731
    paragraphs = ["\n".join(f"{name}={known.get(name, nothing)(unit)}" for name in wanted) for unit in units]
    print("\n\n".join(paragraphs))


def main() -> None:
    args = sys.argv[1:]
    # Whoever may not write it down may ask all the same.
    with contextlib.suppress(OSError), RECORD.open("a") as record:
        record.write(json.dumps(args) + "\n")
    if any(map(is_placed, args)):
        placed(args[0], args[1:])
    elif args[:1] == ["daemon-reload"]:
        reread()
    elif args[:1] == ["show"]:
        show(args[1:])
    elif args[:1] == ["restart"] and is_known(args[1]):
        restart(args[1])
    elif args[:1] == ["enable"]:
        enable(args[1:])
    elif args[:1] == ["is-enabled"]:
        is_enabled(args[1])


main()
