#!/usr/bin/env python3
"""Stands in for `journalctl` where there is no systemd: SIMULATED, it records what it is asked.

Entries are in a file, one JSON object a line, the oldest first, as `journalctl --output=json` writes them (252, on a
journal file that was made for it). It answers as that does: of one unit, newest first, so many, from a time on or
before a cursor, and to others than root with a hint and nothing else.
"""

import json
import os
import sys
from pathlib import Path

RECORD = Path("/mnt/journal.asked")
ENTRIES = Path("/mnt/journal.entries")
HINT = (
    "Hint: You are currently not seeing messages from other users and the system.\n"
    "      Users in groups 'adm', 'systemd-journal' can see all messages.\n"
    "      Pass -q to turn off this notice.\n"
    "No journal files were opened due to insufficient permissions.\n"
)


def main() -> None:
    args = sys.argv[1:]
    if os.getuid() != 0:
        sys.stderr.write(HINT)
        sys.exit(1)
    with RECORD.open("a") as record:
        record.write(json.dumps(args) + "\n")
    options = dict(word.removeprefix("--").partition("=")[::2] for word in args)
    assert {"reverse", "all", "no-pager"} <= set(options) and options["output"] == "json", args
    # The real one takes one of them.
    assert not {"since", "after-cursor"} <= set(options), args
    found = [json.loads(line) for line in ENTRIES.read_text().splitlines()] if ENTRIES.exists() else []
    found = [each for each in found if options["unit"] in (each.get("_SYSTEMD_UNIT"), each.get("UNIT"))][::-1]
    if since := options.get("since"):
        limit = int(since.removeprefix("@")) * 1_000_000
        found = [each for each in found if int(each["__REALTIME_TIMESTAMP"]) >= limit]
    if cursor := options.get("after-cursor"):
        found = found[1 + [each["__CURSOR"] for each in found].index(cursor) :]
    for each in found[: int(options["lines"])]:
        print(json.dumps(each))


main()
