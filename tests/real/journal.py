"""The journal of a lab: `journalctl` is a stand-in (journal_stand_in.py), as is the systemd that names the units."""

import json
import time
from pathlib import Path

from instance import STAND_IN
from lab import HERE
from manager import Manager
from tool import Tool

ENTRIES, ASKED = "/mnt/journal.entries", "/mnt/journal.asked"


def with_journal(manager: Manager, tool: Tool, *units: str) -> None:
    """From here on systemd is there, with these units besides those that have a program, and has a journal."""
    manager.run("mkdir", "-p", STAND_IN, "/run/systemd/system")
    for name, source in (("systemctl", "services_stand_in.py"), ("journalctl", "journal_stand_in.py")):
        manager.write(f"{STAND_IN}/{name}", (HERE / source).read_text(), 0o755)
    for unit in units:
        manager.write(f"{STAND_IN}/start-{unit}", "#!/bin/sh\nexit 1\n", 0o755)
    tool.before = ("env", f"PATH={STAND_IN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def says(manager: Manager, unit: str, message: str | list[int], ago: float = 60, *, pid: int = 812) -> None:
    """A program of the unit, so many seconds ago; or systemd itself, which is process 1."""
    at = int((time.time() - ago) * 1_000_000)
    file = manager.path(ENTRIES)
    number = len(file.read_text().splitlines()) if file.exists() else 0
    entry = {
        "__CURSOR": f"s=5382e32a;i={number:x}", "__REALTIME_TIMESTAMP": str(at), "_HOSTNAME": "nim", "_PID": str(pid),
        "SYSLOG_IDENTIFIER": "systemd" if pid == 1 else unit, "MESSAGE": message,
        ("UNIT" if pid == 1 else "_SYSTEMD_UNIT"): f"{unit}.service",
    }  # fmt: skip
    with file.open("a") as entries:
        entries.write(json.dumps(entry) + "\n")


def asked(manager: Manager) -> list[list[str]]:
    path: Path = manager.path(ASKED)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
