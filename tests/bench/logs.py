"""How long the doctor takes for a large log, beside ripgrep and grep with the same words.

    target/venv/bin/python tests/bench/logs.py [MIB] [ROUNDS]     (after cargo build --release)

One log of lines as nginx writes them, two in a hundred of which tell something, and logs of somebody who wants the
doctor to be slow: every line tells something, and is like another one but for its time; or of another process and
client, too; or clients ask for something else in each; all of it is one line; packed, and nothing but blanks. All
programs run one after the other in each round; medians are printed, and the ratio to ripgrep.
"""

import gzip
import os
import pty
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("NIM_TLS_BIN", str(ROOT / "target/release/nim-tls"))
MIB = 1 << 20
ORDINARY = [
    "{time} [info] {pid}#{pid}: *{n} client {ip} closed keepalive connection",
    "{time} [info] {pid}#{pid}: *{n} client closed connection while waiting for request, client: {ip}, server: 0.0.0.0:443",
    "{time} [warn] {pid}#{pid}: *{n} an upstream response is buffered to a temporary file /var/cache/nginx/proxy_temp/1/00/{n} "
    'while reading upstream, client: {ip}, server: nim.example.com, request: "GET /api/platform/v1/systems?page={n} HTTP/2.0", '
    'upstream: "http://unix:/run/nms/core.sock:/api/platform/v1/systems", host: "nim.example.com"',
    '{time} [error] {pid}#{pid}: *{n} open() "/var/www/nms/favicon{n}.ico" failed (2: No such file or directory), client: {ip}, '
    'server: nim.example.com, request: "GET /favicon{n}.ico HTTP/1.1", host: "nim.example.com"',
    '{time} [error] {pid}#{pid}: *{n} limiting requests, excess: 10.{n} by zone "nms-ratelimit", client: {ip}, '
    'server: nim.example.com, request: "POST /f5.nginx.agent.sdk.MetricsService/Stream HTTP/2.0", host: "nim.example.com"',
    "{time} [notice] {pid}#{pid}: signal 17 (SIGCHLD) received from {n}",
]


def corpus() -> list[str]:
    lines = (ROOT / "src/doctor/tests/lines.txt").read_text().splitlines()
    return [line.split(" ", 1)[1] for line in lines if not line.startswith(("# ", "- "))]


def words() -> list[str]:
    """All words of all rules."""
    rules = [rule for file in (ROOT / "assets/rules").glob("*.yaml") for rule in yaml.safe_load(file.read_text())]
    return sorted({word for rule in rules for key in ("match", "and_any", "unless") for word in rule.get(key, [])})


def mixed(share: float) -> Iterator[str]:
    chance, telling = random.Random(7), corpus()
    while True:
        now = f"2026/11/28 {chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}"
        if chance.random() < share:
            yield chance.choice(telling).replace("2026/11/23 20:55:13", now)
        else:
            ip = f"10.{chance.randrange(256)}.{chance.randrange(256)}.9"
            line = chance.choice(ORDINARY)
            yield line.format(time=now, pid=chance.randrange(9999), n=chance.randrange(999999), ip=ip)


def varied(chance: random.Random, lines: Iterator[str], asked: bool) -> Iterator[str]:
    """The same lines of other processes, connections and clients; `asked`: who ask for something else each time."""
    for line in lines:
        process = f"] {chance.randrange(99999)}#{chance.randrange(99999)}:"
        line = re.sub(r"\] \d+#\d+:", process, line, count=1)
        line = re.sub(r": \*\d+ ", f": *{chance.randrange(9999999)} ", line, count=1)
        line = line.replace("10.0.0.9", f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}")
        if asked:
            line = re.sub(r'("[A-Z]+ /[^ "]*) HTTP', rf"\1?page={chance.randrange(99999999)} HTTP", line)
            line = line.replace("nim.example.com", f"n{chance.randrange(9999999)}.example.com")
        yield line


def write(path: Path, lines: Iterator[str], size: int) -> Path:
    # A part of it is made, and written as often as it takes.
    part, length = [], 0
    while length < min(size, 32 * MIB):
        part.append(next(lines) + "\n")
        length += len(part[-1])
    text = "".join(part).encode()
    with path.open("wb") as file:
        for _ in range(max(1, size // len(text))):
            file.write(text)
    return path


def ours(log: Path) -> list[str]:
    return [BINARY, "--root", str(ROOT / "assets/sample-host"), "doctor", "--log", str(log), "--format", "json"]


def run(argv: list[str]) -> tuple[float, int]:
    """Seconds, and the most memory in KiB."""
    begun = time.monotonic()
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    # What the kernel counts for a child that has ended holds what this program needs, too.
    while child.poll() is None:
        told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text())
        most = max(most, int(told[1]) if told else 0)
        time.sleep(0.002)
    return time.monotonic() - begun, most


def first_seen(log: Path) -> float:
    """Milliseconds from the start to the first words about something that was seen, on a terminal."""
    begun = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        argv = ours(log)[:-2]
        os.execvp(argv[0], argv)
    text = b""
    while b"seen: " not in text:
        try:
            text += os.read(terminal, 4096)
        except OSError as gone:
            raise AssertionError(text) from gone
    took = (time.monotonic() - begun) * 1000
    os.close(terminal)
    os.waitpid(pid, 0)
    return took


def compared(name: str, log: Path, file_of_words: Path, rounds: int) -> float:
    runs: dict[str, Callable[[], tuple[float, int]]] = {
        "nim-tls": lambda: run(ours(log)),
        "rg -j1": lambda: run(["rg", "-j1", "-c", "-a", "-F", "-f", str(file_of_words), str(log)]),
        "grep": lambda: run(["env", "LC_ALL=C", "grep", "-c", "-a", "-F", "-f", str(file_of_words), str(log)]),
    }
    seen: dict[str, list[tuple[float, int]]] = {each: [] for each in runs}
    for _ in range(rounds):
        for each, measured in runs.items():
            seen[each].append(measured())
    took = {each: statistics.median(seconds for seconds, _ in seen[each]) for each in runs}
    ratio = took["nim-tls"] / took["rg -j1"]
    memory = max(kib for _, kib in seen["nim-tls"]) / 1024
    cells = "".join(f"{took[each]:>9.2f}s" for each in runs)
    print(f"{name:<28}{log.stat().st_size / MIB:>6.0f} MiB{cells}{ratio:>8.2f}{memory:>8.1f} MiB", flush=True)
    return ratio


def main(mib: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        file_of_words = here / "words"
        file_of_words.write_text("\n".join(words()) + "\n")
        print(f"{'':<28}{'':>10}{'nim-tls':>10}{'rg -j1':>10}{'grep':>10}{'ratio':>8}{'memory':>12}")
        log = write(here / "usual.log", mixed(0.02), mib * MIB)
        compared("2 in 100 lines tell", log, file_of_words, rounds)
        moments = [first_seen(log) for _ in range(rounds)]
        print(f"{'first thing seen after':<28}{statistics.median(moments):>6.0f} ms")
        log.unlink()
        chance = random.Random(9)
        for name, lines in {
            "every line tells": mixed(1),
            "and is of another client": varied(chance, mixed(1), False),
            "who asks for another thing": varied(chance, mixed(1), True),
        }.items():
            log = write(here / "all.log", lines, mib * MIB)
            compared(name, log, file_of_words, rounds)
            log.unlink()
        log = here / "one.log"
        with log.open("wb") as file:
            for _ in range(mib):
                file.write(b"client sent no " * (MIB // 15))
        compared("one line", log, file_of_words, rounds)
        log.unlink()
        log = here / "bomb.gz"
        with gzip.open(log, "wb", compresslevel=1) as file:
            for _ in range(mib):
                file.write(b" " * MIB)
        seconds, kib = run(ours(log))
        print(f"{'packed blanks':<28}{log.stat().st_size / MIB:>6.0f} MiB{seconds:>9.2f}s{kib / 1024:>36.1f} MiB")


if __name__ == "__main__":
    if shutil.which("rg") is None:
        sys.exit("This compares with ripgrep, which is not here: install it, with apt-get install ripgrep for instance.")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 256, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
