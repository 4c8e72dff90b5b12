"""An attacker with the rights of a service: in the folder that it is started in, and may write, it swaps what lies there.

    attacker.py USER TARGET HOW...

Runs as USER until it is ended; TARGET is what it would like to have written. Says LEAK where it could read a key.
"""

import contextlib
import os
import random
import sys
import time

CHANCE = random.Random()
NAMES = ("server.crt", "server.key", "ca.pem")


def symlink(name: str, target: str) -> None:
    os.symlink(target, name)


def dangling(name: str, target: str) -> None:
    os.symlink(f"{target}.new", name)


def hard_link(name: str, target: str) -> None:
    # Of a file of its own: the kernel keeps it from those of others.
    with open("../own", "a"):
        os.link("../own", name)


def fifo(name: str, target: str) -> None:
    os.mkfifo(name)


def folder(name: str, target: str) -> None:
    os.mkdir(name)


def copy(name: str, target: str) -> None:
    with open(name, "w") as file:
        file.write("mine\n")


HOW = {one.__name__: one for one in (symlink, dangling, hard_link, fifo, folder, copy)}


def swap(name: str, how: str, target: str) -> None:
    with contextlib.suppress(OSError):
        os.rename(name, f"{name}.away")
    with contextlib.suppress(OSError):
        HOW[how](name, target)


def give_back(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)
    with contextlib.suppress(OSError):
        os.rmdir(name)
    with contextlib.suppress(OSError):
        os.rename(f"{name}.away", name)


def swap_folder(target: str) -> None:
    """The folder itself becomes a link to where the target lies, just when files are placed, and a folder again."""
    for _ in range(20_000):
        if not {*NAMES, "agent.crt"}.isdisjoint(os.listdir(".")):
            break
    with contextlib.suppress(OSError):
        if not os.path.islink("../certs"):
            os.rename("../certs", "../certs.away")
        os.symlink(os.path.dirname(target), "../certs")
    linger()
    with contextlib.suppress(OSError):
        if os.path.islink("../certs"):
            os.unlink("../certs")
        os.rename("../certs.away", "../certs")
    linger()


def linger() -> None:
    """As long as a plan or a few files take, or not at all: what was looked at is to be swapped before it is used."""
    time.sleep(CHANCE.choice((0, 0, 0.002, 0.02, 0.05)))


def peek() -> None:
    for name in os.listdir("."):
        with contextlib.suppress(OSError), open(os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
            if b"PRIVATE KEY" in file.read(200):
                print("LEAK", name, flush=True)


if __name__ == "__main__":
    user, target, *ways = sys.argv[1:]
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
    while True:
        way = CHANCE.choice(ways)
        if way == "swap_folder":
            swap_folder(target)
            continue
        ours = [name for name in os.listdir(".") if name.startswith(".nim-tls-")]
        name = CHANCE.choice([*NAMES, *ours])
        swap(name, way, target)
        linger()
        peek()
        give_back(name)
