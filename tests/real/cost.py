"""What a key costs: the bytes that a program writes for it on a terminal of 80 by 24."""

import statistics

from screen import Screen

ENTER, TAB = "\r", "\t"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def started(argv: list[str], words: str, **environment: str) -> Screen:
    """A program that has drawn its first screen and rests."""
    screen = Screen(None, *argv, TERM="xterm-256color", **environment)
    screen.wait_for(words)
    screen.settle()
    return screen


def typed(screen: Screen, *keys: str) -> None:
    """Keys one after the other, each when the one before it has been answered."""
    for key in keys:
        screen.type(key)
        screen.settle()


def costs(screen: Screen, *keys: str) -> list[int]:
    """Bytes for each of these keys; the first may be long in coming, the rest come with them."""
    counts = []
    for key in keys:
        before = len(screen.bytes)
        screen.type(key)
        screen.take(1)
        screen.settle(0.06)
        counts.append(len(screen.bytes) - before)
    return counts


def bytes_for(screen: Screen, key: str, times: int = 6) -> float:
    """Bytes for one press, the median of several."""
    return statistics.median(costs(screen, *[key] * times))
