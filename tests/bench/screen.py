"""What the wizard costs beside whiptail and dialog: first frame, bytes for each key, processor time.

    target/venv/bin/python tests/bench/screen.py [ROUNDS]     (after cargo build --release)

All programs run one after the other in each round, on a terminal of 80 by 24; medians are printed, with the
ratio to the cheaper of the other two. The wizard looks at the sample host of this repository.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/real"))

from cost import DOWN, ENTER, TAB, bytes_for, started, typed  # noqa: E402
from screen import Screen  # noqa: E402

PAGE_DOWN = "\x1b[6~"
KEYS = 10
ITEMS = [word for number in range(1, 13) for word in (str(number), f"what could be chosen, number {number}")]
BINARY = os.environ.get("NIM_TLS_BIN", str(ROOT / "target/release/nim-tls"))
PEERS = {
    "whiptail": (["whiptail", "--menu", "Choose", "20", "70", "12", *ITEMS], "<Ok>"),
    "dialog": (["dialog", "--menu", "Choose", "20", "70", "12", *ITEMS], "Cancel"),
}
INPUTS = {
    "whiptail": (["whiptail", "--inputbox", "Name", "10", "70"], "<Ok>"),
    "dialog": (["dialog", "--inputbox", "Name", "10", "70"], "Cancel"),
}
OURS = ([BINARY, "--root", str(ROOT / "assets/sample-host")], "1/8 Host")
HERTZ = os.sysconf("SC_CLK_TCK")


def first_frame(argv: list[str], words: str) -> float:
    """Milliseconds from the start to a screen with these words on it."""
    begun = time.monotonic()
    with Screen(None, *argv, TERM="xterm-256color") as screen:
        screen.wait_for(words)
        return (time.monotonic() - begun) * 1000


def processor_time(screen: Screen, key: str) -> float:
    """Milliseconds for one press, from many."""

    def used() -> float:
        # User and system time of the process; the name before them may hold anything.
        fields = Path(f"/proc/{screen.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / HERTZ

    before = used()
    presses = 200
    for _ in range(presses // KEYS):
        screen.type(key * KEYS)
        screen.settle(0.03)
    return (used() - before) / presses


def wizard_at(step: str, *keys: str) -> Screen:
    screen = started(*OURS)
    screen.wait_for("> [ Next ] <")
    typed(screen, *keys)
    assert step in screen.text, screen.text
    return screen


def to_names() -> Screen:
    return wizard_at("4/8 Names", ENTER, ENTER, ENTER)


def to_files() -> Screen:
    return wizard_at(
        "6/8 Files", ENTER, ENTER, ENTER, "nim.example.com", ENTER, ENTER, "correct horse", TAB, "correct horse", ENTER
    )  # fmt: skip


def ours() -> dict[str, float]:
    figures = {"first frame, ms": first_frame(*OURS)}
    with to_files() as screen:
        figures["focus moved by one, bytes"] = bytes_for(screen, DOWN)
        figures["focus moved by one, processor ms"] = processor_time(screen, DOWN)
        figures["idle for 5 s, bytes"] = screen.settle(5)
    with to_files() as screen:
        # Beyond the middle of the first file: before it, only the cursor moves.
        typed(screen, "p", PAGE_DOWN)
        figures["preview scrolled by a line, bytes"] = bytes_for(screen, DOWN)
    with to_names() as screen:
        # The settings of an agent name the manager, so its name changes what is shown.
        typed(screen, TAB, TAB, "web-1.example.com", TAB, "nim")
        figures["letter typed, preview changes, bytes"] = bytes_for(screen, "m")
        screen.type(TAB + TAB)
        screen.settle()
        figures["letter typed, processor ms"] = processor_time(screen, "a")
        screen.type(ENTER)
        screen.settle()
    with wizard_at("5/8 Certificates", ENTER, ENTER, ENTER, "nim.example.com", ENTER, ENTER) as screen:
        figures["letter typed, bytes"] = bytes_for(screen, "x")
    return figures


def theirs(name: str) -> dict[str, float]:
    figures = {"first frame, ms": first_frame(*PEERS[name])}
    with started(*PEERS[name]) as screen:
        figures["focus moved by one, bytes"] = bytes_for(screen, DOWN)
        figures["focus moved by one, processor ms"] = processor_time(screen, DOWN)
    with started(*INPUTS[name]) as screen:
        figures["letter typed, bytes"] = bytes_for(screen, "x")
        figures["letter typed, processor ms"] = processor_time(screen, "a")
    return figures


def main(rounds: int) -> None:
    runs: dict[str, Callable[[], dict[str, float]]] = {
        "nim-tls": ours,
        "whiptail": lambda: theirs("whiptail"),
        "dialog": lambda: theirs("dialog"),
    }
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seen[name].append(run())
    print(f"{'medians of ' + str(rounds):<40}{'nim-tls':>10}{'whiptail':>10}{'dialog':>10}{'ratio':>8}")
    for figure in seen["nim-tls"][0]:
        medians = [
            statistics.median(each[figure] for each in seen[name]) if figure in seen[name][0] else None for name in runs
        ]
        others = [other for other in medians[1:] if other]
        ratio = f"{medians[0] / min(others):.2f}" if others else ""
        cells = "".join(f"{'' if value is None else f'{value:.2f}':>10}" for value in medians)
        print(f"{figure:<40}{cells}{ratio:>8}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
