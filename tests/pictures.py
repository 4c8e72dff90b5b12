"""The folder `screenshots`: what the program draws, as pictures and as text, each from the real program.

    target/venv/bin/python tests/pictures.py           draws them all anew (needs fonts-dejavu-core)
    target/venv/bin/python tests/pictures.py --check   fails where the program draws something else by now
"""

import difflib
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "real"))

import pyte
from practice import AGENT, FURTHER, NAME, steps
from screen import Screen

PROGRAM = Path(os.environ.get("NIM_TLS_BIN", ROOT / "target" / "lab" / "nim-tls")).resolve()
FOLDER = ROOT / "screenshots"
# pyte forgets that a letter is dim. The program draws nothing in italics, so their place is free for it.
pyte.graphics.TEXT[2] = "+italics"

# What differs from one run to the next, and what the text has in its place. What stands behind stays in its column.
MASKS = {
    r"practice-[0-9a-f]{16}": "practice-" + 16 * "x",  # the folder of the practice host
    r"\d+ MiB *": "# MiB",  # of the machine that the program runs on
    r"back in \d:\d\d": "back in #:##",  # how long it can still be kept
    r"in 36[45] days": "in ### days",  # a certificate of the practice host, made a moment ago
    r"(   |\d\.\d)\ds$": "#s",  # how long a part of the work took, or takes so far
}


class Picture(NamedTuple):
    name: str
    rows: list[list[pyte.screens.Char]]
    cursor: tuple[int, int] | None

    @property
    def text(self) -> str:
        lines = ("".join(cell.data for cell in row) for row in self.rows)
        return "".join(f"{masked(line)}\n" for line in lines)


def masked(line: str) -> str:
    line = line.rstrip()
    for pattern, instead in MASKS.items():
        line = re.sub(pattern, lambda found, instead=instead: instead.ljust(len(found[0])), line)
    return line.rstrip()


def take(screen: Screen, name: str) -> Picture:
    screen.settle(0.6)
    drawn = screen._screen
    rows = [[drawn.buffer[y][x] for x in range(drawn.columns)] for y in range(drawn.lines)]
    return Picture(name, rows, None if drawn.cursor.hidden else (drawn.cursor.x, drawn.cursor.y))


def practice(suffix: str, columns: int, rows: int, options: list[str], wanted: list[str]) -> list[Picture]:
    """The wizard on its practice host, until every picture that is wanted is taken: all, if none is named."""
    taken = []
    with Screen(None, str(PROGRAM), "demo", *options, columns=columns, rows=rows) as screen:
        for step in steps(screen):
            if step in wanted or not wanted:
                taken.append(take(screen, step + suffix))
            if wanted and len(taken) == len(wanted):
                break
        screen.type("\x03")
        screen.exit_code()
    return taken


def plain() -> list[Picture]:
    """The questions line by line. The practice host has no such form: they are asked of a sample tree."""
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because whoever runs this need not own the sample.
        tree = shutil.copytree(ROOT / "assets" / "sample-host", Path(folder, "host"))
        argv = [str(PROGRAM), "--plain", "--root", str(tree)]
        with Screen(None, *argv, columns=80, rows=30) as screen:
            for question, answer in (
                ("What next?", ""),
                ("nothing stands in the way", ""),
                ("How should traffic", "client-mtls"),
                ("Which proxy", "nginx-oss"),
                ("Name of the manager", NAME),
                ("Further names", FURTHER),
                ("Agents, with commas", AGENT),
                ("Certificates of agents", ""),
                ("Send browsers on", ""),
            ):
                screen.wait_for(question)
                screen.settle()
                screen.type(answer + "\r")
            screen.wait_for("What becomes of the authority's key")
            return [take(screen, "plain")]


def pictures() -> list[Picture]:
    """All of them, side by side: most of the time goes into waiting for the proof."""
    with ProcessPoolExecutor(4) as pool:
        jobs = [
            pool.submit(practice, "", 120, 36, [], []),
            pool.submit(practice, "-80x24", 80, 24, [], ["3-method", "6-files", "8-verify"]),
            pool.submit(practice, "-80x24-ascii", 80, 24, ["--ascii"], ["3-method", "5-certificates"]),
            pool.submit(plain),
        ]
        return [picture for job in jobs for picture in job.result()]


def check(drawn: list[Picture]) -> int:
    kept = {file.stem: file.read_text() for file in FOLDER.glob("*.txt")}
    now = {picture.name: picture.text for picture in drawn}
    wrong = 0
    for name in sorted(kept.keys() | now.keys()):
        before, after = (texts.get(name, "").splitlines(keepends=True) for texts in (kept, now))
        difference = list(difflib.unified_diff(before, after, f"screenshots/{name}.txt", f"{name} as it is drawn now"))
        sys.stdout.writelines(difference)
        wrong += bool(difference)
    if wrong:
        print(f"{wrong} of {len(now)} pictures are out of date: run tests/pictures.py, and look at what it draws")
    else:
        print(f"{len(now)} pictures are as the program draws them")
    return int(wrong > 0)


def write(drawn: list[Picture]) -> int:
    from paint import paint  # needs a font and Pillow, which the check does without

    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.*"):
        file.unlink()
    for picture in drawn:
        Path(FOLDER, f"{picture.name}.txt").write_text(picture.text)
        paint(picture.rows, picture.cursor, Path(FOLDER, f"{picture.name}.png"))
    print(f"{len(drawn)} pictures written to {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    if not PROGRAM.is_file():
        sys.exit(f"{PROGRAM} is not there: build it with cargo build --profile lab, or set NIM_TLS_BIN")
    sys.exit((check if sys.argv[1:] else write)(pictures()))
