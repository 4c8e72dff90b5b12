"""The wizard in a terminal of its own: keys in, a screen out."""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import termios
import time
from pathlib import Path

import pyte
from manager import Manager


class Screen:
    """A program of the lab, or of this machine, on a terminal emulator; closing it hangs the line up."""

    # Ctrl-C reaches nsenter as well, which waits for the program with its exit code and must not die of it.
    # The program has a handler of its own.
    interrupts = signal.SIG_DFL

    def __init__(self, manager: Manager | None, *argv: str, columns: int = 80, rows: int = 24, **environment: str) -> None:
        self.bytes = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        variables = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment}
        command = [*manager._enter, *argv] if manager else argv
        self.pid, self._line = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, self.interrupts)
            os.execve(shutil.which(command[0]), command, variables)
        fcntl.ioctl(self._line, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        if self._line >= 0:
            os.close(self._line)
            self._line = -1

    def type(self, text: str) -> None:
        os.write(self._line, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        fcntl.ioctl(self._line, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, words: str, seconds: float = 20) -> str:
        """Returns when the screen shows these words."""
        end = time.monotonic() + seconds
        while words not in self.text:
            left = end - time.monotonic()
            assert left > 0, f"{words!r} does not come:\n{self.text}"
            assert self.take(min(left, 0.5)), f"the program has ended, and {words!r} is not to be seen:\n{self.text}"
        return self.text

    def take(self, seconds: float) -> bool:
        """Takes what comes within this time; False where the program has ended."""
        ready, _, _ = select.select([self._line], [], [], seconds)
        if not ready:
            return True
        try:
            got = os.read(self._line, 65536)
        except OSError:  # Linux says so at the end of a terminal's other side
            return False
        self.bytes += got
        self._stream.feed(got)
        return bool(got)

    def settle(self, seconds: float = 0.3) -> int:
        """Takes everything until nothing comes for this time; how many bytes that was."""
        before = len(self.bytes)
        while True:
            had = len(self.bytes)
            if not self.take(seconds) or len(self.bytes) == had:
                return len(self.bytes) - before

    def exit_code(self, seconds: float = 10) -> int:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._line >= 0 and self.take(0.05):
                continue
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        raise AssertionError(f"the program does not end:\n{self.text}")


def given_back(bytes_: bytes) -> bool:
    """Whether the screen was left and the cursor is to be seen, in the end."""
    left, entered = bytes_.rfind(b"\x1b[?1049l"), bytes_.rfind(b"\x1b[?1049h")
    return left > entered >= 0 and bytes_.rfind(b"\x1b[?25h") > bytes_.rfind(b"\x1b[?25l")


def keep(screen: Screen) -> None:
    """Says of a run that is proven that it shall stay, and leaves."""
    screen.wait_for("> [ Not yet ] <")
    screen.type("\x1b[D")
    screen.wait_for("> [ Keep ] <")
    screen.type("\r")
    screen.wait_for("CHANGED, proven")
    screen.wait_for("> [ Done ] <")
    screen.type("\r")
    assert screen.exit_code() == 0


def wizard(manager: Manager, binary: Path, *argv: str, **options: object) -> Screen:
    return Screen(manager, str(binary), *argv, **options)
