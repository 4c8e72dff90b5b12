"""Faults and healthy set-ups that the doctor is asked about, and the figures of how well it did.

A case is a function: it is given a `Patient` (patient.py) that is well, makes the fault for real, shows that it is there
(nginx does not load, a client is refused, a stranger gets through), and may return options for the doctor. Each file of
cases has `Cases("name of the set")` and hands them to `conftest.each_case`. The end of a run counts each set by itself.
"""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from lab import Nginx

if TYPE_CHECKING:
    from patient import Patient

Make = Callable[["Patient"], Sequence[str] | None]
EACH = "each"
GRAVEST_FIRST = ("error", "warning", "info")


@dataclasses.dataclass(frozen=True)
class Case:
    set: str
    name: str
    ground: str
    causes: tuple[str, ...]  # one of them has to come first; none: it is well
    make: Make
    only: str  # the label of the one nginx it is made on, or EACH

    @property
    def kind(self) -> str:
        return "fault" if self.causes else "healthy"

    def fits(self, nginx: Nginx) -> bool:
        return self.only in (EACH, nginx.label)


class Cases:
    """The cases of one set: functions that were decorated by it.

    Each is made on every nginx, or where the set names some `in_turn`, on the next of them; `only` says it otherwise.
    """

    def __init__(self, name: str, in_turn: Sequence[str] = (EACH,)) -> None:
        self.name = name
        self._turns = cycle(in_turn)
        self.faults: list[Case] = []
        self.healthy: list[Case] = []

    def fault(self, ground: str, *causes: str, only: str = "") -> Callable[[Make], Make]:
        assert causes, "a fault without a cause is none"
        return self._add(self.faults, ground, causes, only)

    def well(self, ground: str, only: str = "") -> Callable[[Make], Make]:
        return self._add(self.healthy, ground, (), only)

    def _add(self, into: list[Case], ground: str, causes: tuple[str, ...], only: str) -> Callable[[Make], Make]:
        def add(make: Make) -> Make:
            into.append(Case(self.name, make.__name__, ground, causes, make, only or next(self._turns)))
            return make

        return add


def told_first(found: dict) -> str:
    """The cause that an operator reads first among what is gravest."""
    for severity in GRAVEST_FIRST:
        for each in found["findings"]:
            if each["severity"] == severity:
                return each["cause"]
    return ""


def say(case: Case, nginx: Nginx, verdict: str) -> None:
    """Printed once for each case; `counted` reads it."""
    print(f"seeded {case.set}: {case.kind} {case.name} on {nginx.label}: {verdict}")


def counted(printed: Iterable[str]) -> list[str]:
    """The figures of each set, for the end of a run."""
    verdicts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    names: dict[str, set[str]] = defaultdict(set)
    for text in printed:
        for which, kind, name, verdict in re.findall(
            r"^seeded (.+?): (fault|healthy) (\S+) on \S+: ([^:\n]+)", text, re.MULTILINE
        ):
            verdicts[which][kind, verdict] += 1
            if kind == "fault":
                names[which].add(name)
    lines = []
    for which, found in sorted(verdicts.items()):
        sums = Counter(kind for kind, verdict in found.elements() if verdict != "could not be made")
        unmade = sum(count for (_, verdict), count in found.items() if verdict == "could not be made")
        lines.append(
            f"{which}: {found['fault', 'first']} of {sums['fault']} causes first ({len(names[which])} faults), "
            f"{found['healthy', 'no error']} of {sums['healthy']} healthy without an error, {unmade} could not be made"
        )
    return lines
