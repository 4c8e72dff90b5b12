#!/usr/bin/env python3
"""Stands in for systemd where there is none: SIMULATED, it records what it is asked and does the least of it.

As `systemd-run --scope` it becomes the program. As `systemd-run --on-active=...` it is the timer: it starts the
program again and again, every second, until it is stopped. As `systemctl stop` it stops it. As `boot` it does what
a restart would: it starts the units that are wanted by multi-user.target and stand before nginx.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

RECORD = Path("/mnt/systemd.jsonl")
WANTED = Path("/etc/systemd/system/multi-user.target.wants")
# What it starts finds it too.
SURROUNDINGS = {**os.environ, "PATH": f"{Path(sys.argv[0]).parent}:{os.environ['PATH']}"}


def run(args: list[str]) -> None:
    end = args.index("--")
    options, program = args[:end], args[end + 1 :]
    if "--scope" in options:
        os.execvp(program[0], program)
    (name,) = [option.removeprefix("--unit=") for option in options if option.startswith("--unit=")]
    if os.fork() == 0:
        os.setsid()
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(quiet, number)
        while not Path(f"/mnt/stopped-{name}.timer").exists():
            time.sleep(1)
            subprocess.run(program, check=False, env=SURROUNDINGS)
        os._exit(0)


def boot() -> None:
    for unit in sorted(WANTED.glob("nim-tls-*.service")):
        lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
        assert "nginx.service" in lines["Before"].split(), lines
        subprocess.run(lines["ExecStart"].split(), check=False, env=SURROUNDINGS)


def main() -> None:
    name, args = Path(sys.argv[0]).name, sys.argv[1:]
    with RECORD.open("a") as record:
        record.write(json.dumps([name, *args]) + "\n")
    if name == "systemd-run":
        run(args)
    elif name == "systemctl" and args[:1] == ["stop"]:
        Path(f"/mnt/stopped-{args[1]}").touch()
    elif name == "boot":
        boot()


main()
