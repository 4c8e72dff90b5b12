"""Joins standard input and output with a TCP port, as a bad line would: late, in other pieces.

relay.py PORT DELAY SEED: each way DELAY seconds late; what is sent together may arrive apart, and
what is sent apart together. Nothing is lost, and the order stays.
"""

import os
import random
import socket
import sys
import threading
import time
from collections import deque


class Way:
    """One direction."""

    def __init__(self, read, write, delay: float, seed: int) -> None:
        self._read, self._write, self._delay = read, write, delay
        self._random = random.Random(seed)
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._changed = threading.Condition()

    def run(self) -> None:
        threading.Thread(target=self._take, daemon=True).start()
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                due, _ = self._waiting[0]
            time.sleep(max(0.0, due - time.monotonic()))
            # Sometimes the line holds on to what it has, and more comes to it.
            if self._random.random() < 0.3:
                time.sleep(self._random.uniform(0.005, 0.06))
            with self._changed:
                now, parts = time.monotonic(), []
                while self._waiting and self._waiting[0][0] <= now:
                    parts.append(self._waiting.popleft()[1])
            if b"" in parts:
                return
            self._send(b"".join(parts))

    def _take(self) -> None:
        got = b"?"
        while got:
            got = self._read()
            with self._changed:
                self._waiting.append((time.monotonic() + self._delay, got))
                self._changed.notify()

    def _send(self, data: bytes) -> None:
        while data:
            length = self._random.randint(1, max(1, len(data)))
            self._write(data[:length])
            data = data[length:]
            if data and self._random.random() < 0.5:
                time.sleep(self._random.uniform(0.001, 0.02))


def received(line: socket.socket) -> bytes:
    try:
        return line.recv(65536)
    except OSError:  # the other side is gone
        return b""


def main(port: str, delay: str, seed: str) -> None:
    line = socket.create_connection(("127.0.0.1", int(port)))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def print_out(data: bytes) -> None:
        while data:
            data = data[os.write(1, data) :]

    there = Way(lambda: os.read(0, 65536), line.sendall, float(delay), int(seed))
    back = Way(lambda: received(line), print_out, float(delay), int(seed) + 1)
    ways = [threading.Thread(target=way.run, daemon=True) for way in (there, back)]
    for way in ways:
        way.start()
    # Either end of the line is the end of it.
    while all(way.is_alive() for way in ways):
        time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
