"""The cells of the table: how each is shown by these tests, and by whom it is judged where nothing here can prove it."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from clients import Attempt
from lab import Nginx
from manager import NAME, Manager
from nim1 import AGENTS_PORT, CERTS, Nim1, nim1_answers, nim1_tool
from nim_tree import PLAIN
from tool import ANSWERS_FILE, SERVER_CERT, SERVER_KEY, Tool, answers, issued

PLUS = "crossplane and open-source nginx without the lines of NGINX Plus"
STAND_IN = "a stand-in for the manager's own TLS"
ALWAYS_BEHIND = "NGINX Instance Manager 2 always runs behind NGINX"
NO_PUBLISHING = "publishes its gRPC services through its own nginx file only"


@dataclasses.dataclass(frozen=True)
class Cell:
    generation: str
    method: str
    proxy: str
    shown: str  # proven | judged | refused
    by: str = ""  # who judges it; of one that is refused, the reason

    def __str__(self) -> str:
        return f"{self.generation}-{self.method}-{self.proxy}"

    @property
    def is_live(self) -> bool:
        """It can be applied to a running host here."""
        return self.shown == "proven" or self.by == STAND_IN

    @property
    def is_mutual(self) -> bool:
        return self.method == "client-mtls"

    @property
    def answers(self) -> str:
        text = nim1_answers(self.method) if self.generation == "nim1" else answers(self.method)
        return text.replace("proxy: nginx-oss", f"proxy: {self.proxy}")

    @property
    def usual(self) -> Attempt:
        """A client at the door of agents, without a certificate."""
        ports = {"nim2": 443, "nim1": 10000 if self.proxy == "none" else AGENTS_PORT}
        return Attempt(sni=NAME, port=ports[self.generation])

    @property
    def page(self) -> str:
        return f"https://{NAME}:{11000 if self.proxy == 'none' else 443}/ui/"

    @property
    def server(self) -> tuple[str, str]:
        """The manager's certificate and key."""
        if self.generation == "nim1":
            return f"{CERTS}/nginx-manager.crt", f"{CERTS}/nginx-manager.key"
        return SERVER_CERT, SERVER_KEY

    def agent(self, name: str, client: str = "grpcio") -> Attempt:
        ca, cert, key = (issued(name, file) for file in ("ca.pem", "agent.crt", "agent.key"))
        return dataclasses.replace(self.usual, client=client, ca=ca, cert=cert, key=key)


CELLS = [
    Cell("nim1", "ssl-termination", "none", "judged", STAND_IN),
    Cell("nim1", "ssl-termination", "nginx-oss", "proven"),
    Cell("nim1", "ssl-termination", "nginx-plus", "judged", PLUS),
    Cell("nim1", "client-mtls", "none", "judged", STAND_IN),
    Cell("nim1", "client-mtls", "nginx-oss", "proven"),
    Cell("nim1", "client-mtls", "nginx-plus", "judged", PLUS),
    Cell("nim1", "grpc-health-checks", "none", "refused", "there is nobody to check the manager's services"),
    Cell("nim1", "grpc-health-checks", "nginx-oss", "refused", "NGINX open source has no health_check"),
    Cell("nim1", "grpc-health-checks", "nginx-plus", "judged", PLUS),
    Cell("nim2", "ssl-termination", "none", "refused", ALWAYS_BEHIND),
    Cell("nim2", "ssl-termination", "nginx-oss", "proven"),
    Cell("nim2", "ssl-termination", "nginx-plus", "judged", PLUS),
    Cell("nim2", "client-mtls", "none", "refused", ALWAYS_BEHIND),
    Cell("nim2", "client-mtls", "nginx-oss", "proven"),
    Cell("nim2", "client-mtls", "nginx-plus", "judged", PLUS),
    Cell("nim2", "grpc-health-checks", "none", "refused", ALWAYS_BEHIND),
    Cell("nim2", "grpc-health-checks", "nginx-oss", "refused", NO_PUBLISHING),
    Cell("nim2", "grpc-health-checks", "nginx-plus", "refused", NO_PUBLISHING),
]
LIVE = [cell for cell in CELLS if cell.is_live]
OF_PLUS = [cell for cell in CELLS if cell.by == PLUS]
REFUSED = [cell for cell in CELLS if cell.shown == "refused"]


def live(generation: str) -> list[Cell]:
    return [cell for cell in LIVE if cell.generation == generation]


@contextmanager
def host(generation: str, nginx: Nginx, binary: Path) -> Iterator[tuple[Manager, Tool]]:
    """A running manager of this generation that nothing was done to."""
    with Nim1(nginx) if generation == "nim1" else Manager(nginx, PLAIN) as manager:
        manager.start()
        yield manager, nim1_tool(manager, binary) if generation == "nim1" else Tool(manager, binary)


def play(manager: Manager, cell: Cell) -> None:
    """Without a proxy the manager judges agents itself, and how is not known: it is told to fit the cell."""
    if cell.by == STAND_IN:
        manager.run(*(["touch"] if cell.is_mutual else ["rm", "-f"]), "/mnt/verifies")
        manager.start_services()


def plan_hash(tool: Tool, text: str) -> str:
    tool.manager.write(ANSWERS_FILE, text)
    return tool.run("plan", "--answers", ANSWERS_FILE, "--format", "json").must(0)["hash"]


def side_by_side(tasks: list[Callable[[], object]]) -> list[object]:
    """Hosts wait for most of their time (a reload is looked at for ten seconds): they do so together."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [each.result() for each in [pool.submit(task) for task in tasks]]


def say(cell: Cell, nginx: Nginx) -> None:
    """Printed once a test has shown it; `counted` reads it."""
    print(f"cell {cell} on {nginx.label}: {cell.shown}{f' by {cell.by}' if cell.shown == 'judged' else ''}")


def counted(printed: list[str]) -> list[str]:
    """One line for each nginx: what is proven, what is judged, what is refused. They are no sum."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for text in printed:
        for cell, build, shown, by in re.findall(r"^cell (\S+) on (\S+): (\w+)(?: by (.+))?$", text, re.MULTILINE):
            found.setdefault(build, {})[cell] = (shown, by)
    lines = []
    for build, cells in sorted(found.items()):
        n = {kind: sum(shown == kind for shown, _ in cells.values()) for kind in ("proven", "judged", "refused")}
        oracles = "; ".join(sorted({by for _, by in cells.values() if by}))
        lines.append(f"{build}: cells: {n['proven']} proven, {n['judged']} judged (oracles: {oracles}), {n['refused']} refused")
    return lines
