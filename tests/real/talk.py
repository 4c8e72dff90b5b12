"""The wizard as line prompts, question by question: on a terminal beside it, or on a line from afar."""

import signal
import time
from pathlib import Path

from manager import Manager
from screen import Screen

PASSPHRASE = "correct horse battery"
# How the forms are had; a shell is none of them.
FORMS = {
    "lines": ((), {"TERM": "dumb"}),
    "lines-no-term": (("--plain",), {"TERM": ""}),
    "inquire": (("--plain",), {}),
    "shell": ((), {}),
}


class Talk(Screen):
    """Questions are waited for in what has come since the last answer; the window is high enough to show it."""

    interrupts = signal.SIG_IGN
    _seen = 0

    def answer(self, question: str, text: str = "", seconds: float = 20) -> None:
        self.wait_for_news(question, seconds)
        self.settle(0.3)
        self._seen = len(self.bytes)
        self.type(text + "\r")

    def wait_for_news(self, words: str, seconds: float = 20) -> str:
        """What has come since the last answer, once these words are in it, wherever the lines are broken."""
        end = time.monotonic() + seconds
        while True:
            news = " ".join(self.bytes[self._seen :].decode(errors="replace").split())
            if words in news:
                return news
            left = end - time.monotonic()
            assert left > 0, f"{words!r} does not come:\n{news}"
            assert self.take(min(left, 0.5)), f"the program has ended before {words!r}:\n{news}"


class LocalTalk(Talk):
    def __init__(self, manager: Manager, binary: Path, form: str, *argv: str, **environment: str) -> None:
        options, variables = FORMS[form]
        super().__init__(manager, str(binary), *options, *argv, columns=100, rows=200, **{**variables, **environment})
        self.form = form


def to_names(talk: Talk, proxy: bool = False) -> None:
    """`proxy`: where the host could do with or without one."""
    talk.answer("What next?")
    talk.wait_for_news("2/8 Prerequisites")
    talk.answer("What next?")
    talk.wait_for_news("3/8 Method")
    talk.answer("How should traffic")
    if proxy:
        talk.answer("Which proxy?")
    talk.wait_for_news("4/8 Names")


def to_passphrase(
    talk: Talk, name: str = "nim.example.com", enforce: str = "", redirect: str = "", proxy: bool = False, systemd: bool = False
) -> None:
    to_names(talk, proxy)
    talk.answer("Name of the manager", name)
    talk.answer("Further names", "10.0.0.5")
    talk.answer("Agents", "web-1.example.com")
    talk.answer("Certificates of agents", enforce)
    talk.answer("Send browsers on", redirect)
    talk.wait_for_news("5/8 Certificates")
    for label in ("What becomes of", "Certificate of the manager", "Kind of keys", "Put the root"):
        talk.answer(label)
    if systemd:
        talk.answer("Have systemd look after it")


def to_files(
    talk: Talk, name: str = "nim.example.com", enforce: str = "", redirect: str = "", proxy: bool = False, systemd: bool = False
) -> None:
    to_passphrase(talk, name, enforce, redirect, proxy, systemd)
    talk.answer("Passphrase for the key", PASSPHRASE)
    talk.answer("The same again", PASSPHRASE)
    talk.wait_for_news("6/8 Files")
