#!/usr/bin/env python3
"""Stands in for `systemctl` and the agent's service where there is no systemd: SIMULATED.

Knows one unit, nginx-agent, whose program is `agent_stand_in.py`; records what it is asked.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RECORD = Path("/mnt/services.jsonl")
PID = Path("/mnt/agent.pid")
START = "/mnt/stand-in/start-agent"
ENVIRONMENT = Path("/mnt/agent.env")


def pid() -> int:
    try:
        found = int(PID.read_text())
        os.kill(found, 0)
        if Path(f"/proc/{found}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return 0
    except (OSError, ValueError):
        return 0
    return found


def restart() -> None:
    if found := pid():
        os.kill(found, signal.SIGKILL)
        while pid():
            time.sleep(0.02)
    lines = ENVIRONMENT.read_text().splitlines() if ENVIRONMENT.exists() else []
    more = dict(line.split("=", 1) for line in lines)
    started = subprocess.Popen(
        [START], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, **more},
    )  # fmt: skip
    PID.write_text(str(started.pid))


def show(args: list[str]) -> None:
    wanted = next(word for word in args if word.startswith("--property=")).removeprefix("--property=").split(",")
    units = [word for word in args if not word.startswith("-")]
    known = {
        "LoadState": lambda unit: "loaded" if unit == "nginx-agent" else "not-found",
        "ActiveState": lambda unit: "active" if unit == "nginx-agent" and pid() else "inactive",
        "MainPID": lambda unit: str(pid()),
        "Environment": lambda unit: ENVIRONMENT.read_text().replace("\n", " ") if ENVIRONMENT.exists() else "",
    }
    nothing = lambda unit: ""  # noqa: E731
    paragraphs = ["\n".join(f"{name}={known.get(name, nothing)(unit)}" for name in wanted) for unit in units]
    print("\n\n".join(paragraphs))


def main() -> None:
    args = sys.argv[1:]
    with RECORD.open("a") as record:
        record.write(json.dumps(args) + "\n")
    if args[:1] == ["show"]:
        show(args[1:])
    elif args == ["restart", "nginx-agent"]:
        restart()


main()
