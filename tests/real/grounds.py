"""The hosts on which faults are made: how each is set up, and a fleet of agents that comes to it from outside."""

import dataclasses
import json
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import certs
import plus
from clients import Attempt, Told
from instance import AGENT, BUNDLE, STAND_IN, instance_answers, with_agent
from lab import Nginx
from manager import NAME, Manager, Outcome
from nim1 import AGENTS_PORT, Nim1, nim1_answers, nim1_tool
from nim_tree import OLDER, PLAIN, Shape, main_conf
from test_dedicated import REJECTING, dedicated
from test_gate import issuing_ca
from test_import_ca import corporate, import_answers
from tool import AGENTS, STATE, Tool, answers, issued
from upstream import API_SOCKETS, GRPC_SOCKETS

# The manager's address in the network of the agents, and theirs.
DOOR = "10.20.0.1"
WEB_1, DB_1, STRANGER, INSTANCE = "10.20.0.11", "10.20.0.12", "10.20.0.66", "10.20.0.20"
IN_THE_FLEET = ("nsenter", "--net=/run/netns/fleet", "--")
# The stand-in's own words are not the agent's: they go where nobody reads them.
STAND_INS_LOG = "/mnt/agent.said"
# Settings of the agent that come after those of its file.
DYNAMIC = "/var/lib/nginx-agent/agent-dynamic.conf"


class Ground:
    """A host that is well: the one that is examined, the program on it, and the manager (mostly the same host)."""

    def __init__(self, host: Manager, tool: Tool, text: str = "", manager: Manager | None = None) -> None:
        self.host, self.tool, self.text = host, tool, text
        self.has_picture = bool(text)
        self.manager = manager or host

    def build(self) -> None:
        """What has to be there on every machine."""
        self.manager.start()
        build_door(self.manager)

    def settle(self) -> None:
        """What takes its time, and is files alone: others may get it as a picture."""
        if self.text:
            self.tool.apply(self.text).must(0, "applied")

    @property
    def hosts(self) -> list[Manager]:
        return [self.host] if self.host is self.manager else [self.host, self.manager]

    def start_again(self) -> None:
        """Services that a case has ended, or that serve by settings of the case."""
        if isinstance(self.manager, Nim1):
            self.manager.start_services()
            return
        services = self.manager._held[0]
        if services.poll() is None and all(self._is_open(path) for path in (*GRPC_SOCKETS, *API_SOCKETS)):
            return
        services.stdin.close()
        services.wait(timeout=10)
        services.stdout.close()
        self.manager.run("rm", "-f", *GRPC_SOCKETS, *API_SOCKETS)
        self.manager._held.pop(0)
        self.manager.start_services()
        # What holds the services stays the first.
        self.manager._held.insert(0, self.manager._held.pop())

    def _is_open(self, socket: str) -> bool:
        found = self.manager.path(socket.replace("/var/run", "/run"))
        return found.exists() and found.stat().st_mode & 0o777 == 0o666

    def close(self) -> None:
        self.host.close()


def applied(text: str = "", shape: Shape = PLAIN) -> Callable[[Nginx, Path], Ground]:
    def made(nginx: Nginx, binary: Path) -> Ground:
        manager = Manager(nginx, shape)
        return Ground(manager, Tool(manager, binary), text)

    return made


def generation_1(method: str, more: str = "") -> Callable[[Nginx, Path], Ground]:
    def made(nginx: Nginx, binary: Path) -> Ground:
        manager = Nim1(nginx)
        return Ground(manager, nim1_tool(manager, binary), nim1_answers(method, more))

    return made


class Imported(Ground):
    """Agents' certificates are of an authority that signs for others too."""

    def __init__(self, nginx: Nginx, binary: Path) -> None:
        manager = Manager(nginx, PLAIN)
        super().__init__(manager, Tool(manager, binary), import_answers())
        # The authority is a new one each time.
        self.has_picture = False

    def build(self) -> None:
        self.authority = corporate(self.host)
        super().build()


class InstanceLab(Manager):
    """A host with an nginx of its own that serves a page, and nothing of a manager."""

    def __init__(self, nginx: Nginx) -> None:
        super().__init__(nginx, PLAIN)

    def install(self) -> None:
        self.write("/etc/nginx/nginx.conf", main_conf(self.nginx))
        self.write("/etc/nginx/conf.d/page.conf", 'server {\n    listen 80;\n    return 200 "a page\\n";\n}\n')
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{DOOR} {NAME} nim\n")

    def start_services(self) -> None:
        pass


class Instance(Ground):
    """An instance whose agent is connected to a manager on another host."""

    def __init__(self, nginx: Nginx, binary: Path) -> None:
        manager = Manager(nginx, PLAIN)
        host = InstanceLab(nginx)
        self.binary = binary
        super().__init__(host, Tool(host, binary), instance_answers(), manager)

    def build(self) -> None:
        self.manager.start()
        build_door(self.manager, self.host)
        self.host.start()
        with_agent(self.host, self.tool)
        start = f"{STAND_IN}/start-agent"
        self.host.write(start, self.host.read(start).replace("export ", f"export STAND_IN_LOG={STAND_INS_LOG} "), 0o755)

    def settle(self) -> None:
        Tool(self.manager, self.binary).apply(answers()).must(0, "applied")
        for file in ("agent.crt", "agent.key", "ca.pem"):
            self.host.write(f"{BUNDLE}/{file}", self.manager.path(issued(AGENT, file)).read_bytes(), 0o600)
        super().settle()

    def start_again(self) -> None:
        super().start_again()
        self.host.write("/mnt/agent.version", "2.46.7")
        # What a case may have put beside its settings.
        self.host.run("rm", "-f", "/mnt/agent.env", DYNAMIC)
        self.restart_agent()

    def restart_agent(self) -> None:
        self.host.run(*self.tool.before, "systemctl", "restart", "nginx-agent")

    def close(self) -> None:
        self.host.close()
        self.manager.close()


class Plus(Ground):
    """An instance with NGINX Plus (a stand-in) that reports its usage, verified, to a manager."""

    block = (
        f"mgmt {{\n    usage_report endpoint={NAME};\n    ssl_verify on;\n"
        "    ssl_trusted_certificate /etc/nginx/manager-ca.pem;\n}\n"
    )

    def __init__(self, nginx: Nginx, binary: Path) -> None:
        host = InstanceLab(nginx)
        super().__init__(host, Tool(host, binary))

    def build(self) -> None:
        self.host.start()
        self.host.write("/etc/nginx/manager-ca.pem", certs.authority(self.host.work, "manager-ca").cert.read_bytes())
        self.host.write("/etc/nginx/nginx.conf", self.host.read("/etc/nginx/nginx.conf") + self.block)
        plus.dress(self.host, plus.R33)

    def start_again(self) -> None:
        pass


GROUNDS: dict[str, Callable[[Nginx, Path], Ground]] = {
    "stock": applied(),
    "stock-2.21": applied(shape=OLDER),
    "mutual": applied(answers()),
    "termination": applied(answers("ssl-termination")),
    "mutual-ipv6": applied(answers(), Shape("ipv6", ipv6=True)),
    "dedicated": applied(dedicated()),
    "rejecting": applied(dedicated(REJECTING)),
    "observe": applied(answers() + "options: {enforce: observe}\n"),
    "imported": Imported,
    "generation-1": generation_1("client-mtls"),
    "generation-1-stream": generation_1("client-mtls", "options: {grpc_context: stream}\n"),
    "instance": Instance,
    "plus": Plus,
}


def build_door(manager: Manager, instance: Manager | None = None) -> None:
    """A network beside the manager's host in which agents live: what comes from there is not from the host itself."""
    outer = ["nsenter", "--target", str(manager.pid), "--net"]
    here = ["nsenter", "--target", str(instance.pid), "--net"] if instance else None

    def run(*argv: str) -> None:
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    if here:
        run(*outer, "ip", "link", "add", "door", "type", "veth", "peer", "name", "out", "netns", str(instance.pid))
        inside = here
    else:
        manager.run("ip", "netns", "add", "fleet")
        manager.run("ip", "link", "add", "door", "type", "veth", "peer", "name", "out", "netns", "fleet")
        inside = [*manager._enter, *IN_THE_FLEET]
        run(*inside, "ip", "link", "set", "lo", "up")
    run(*outer, "ip", "address", "add", f"{DOOR}/24", "dev", "door")
    run(*outer, "ip", "link", "set", "door", "up")
    for address in [INSTANCE] if here else [WEB_1, DB_1, STRANGER]:
        run(*inside, "ip", "address", "add", f"{address}/24", "dev", "out")
    run(*inside, "ip", "link", "set", "out", "up")


class Fleet:
    """Clients that come to the manager from the network of the agents, and certificates that they may carry."""

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        self._clients: subprocess.Popen[str] | None = None

    def call(self, attempt: Attempt) -> Outcome:
        return self.calls(attempt)[0]

    def calls(self, *attempts: Attempt) -> list[Outcome]:
        marked = [dataclasses.replace(each, marker=uuid.uuid4().hex) for each in attempts]
        if self._clients is None:
            self._clients = self.manager.spawn(*IN_THE_FLEET, *self.manager.python("clients.py", "each-line"))
        self._clients.stdin.write(json.dumps([dataclasses.asdict(each) for each in marked]) + "\n")
        self._clients.stdin.flush()
        told = [Told(**each) for each in json.loads(self._clients.stdout.readline())]
        reached = {call["attempt"] for call in self.manager.call_log()}
        return [Outcome(each, said, each.marker in reached) for each, said in zip(marked, told, strict=True)]

    def from_outside(self, *argv: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.manager.run(*IN_THE_FLEET, *argv, stdin=stdin, check=check, timeout=120)

    def browse(self, *options: str, url: str = f"https://{NAME}/ui/") -> subprocess.CompletedProcess[str]:
        """A browser that trusts our root and nobody else; options of curl may change that."""
        usual = ("-sS", "-o", "/dev/null", "-w", "%{http_code}", "--connect-to", f"::{DOOR}:", "--interface", DB_1)
        return self.from_outside("curl", *usual, *(options or ("--cacert", f"{STATE}/ca/root.crt")), url, check=False)

    def stranger(self, **changes: object) -> Attempt:
        """At the right door without a certificate."""
        return dataclasses.replace(Attempt(client="h2", address=DOOR, source=STRANGER, sni=NAME), **changes)

    def agent(self, name: str = AGENTS[0], **changes: object) -> Attempt:
        """As its files were handed out."""
        ca, cert, key = (issued(name, file) for file in ("ca.pem", "agent.crt", "agent.key"))
        port = AGENTS_PORT if isinstance(self.manager, Nim1) else 443
        usual = self.stranger(source=WEB_1 if name == AGENTS[0] else DB_1, port=port, ca=ca, cert=cert, key=key)
        return dataclasses.replace(usual, **changes)

    def carrying(self, pair: certs.Pair, **changes: object) -> Attempt:
        """An agent with other papers."""
        cert, key = (self.manager.carry(path, uuid.uuid4().hex) for path in (pair.cert, pair.key))
        return self.agent(cert=cert, key=key, **changes)

    def folder(self) -> Path:
        """For the making of certificates."""
        return Path(tempfile.mkdtemp(dir=self.manager.work))

    @property
    def authority(self) -> certs.Pair:
        """The one that issues here."""
        return issuing_ca(self.manager)

    def issue(self, name: str, usage: str, **how: object) -> certs.Pair:
        """By the authority that issues here, with its chain."""
        ca = self.authority
        return certs.issue(self.folder(), ca, name, usage, **{"chain": ca.cert, **how})

    def end_services(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Of the manager. By a kill, their sockets stay where they are."""
        services = self.manager._held[0]
        for pid in Path(f"/proc/{services.pid}/task/{services.pid}/children").read_text().split():
            subprocess.run(["kill", f"-{how.name.removeprefix('SIG')}", pid], check=True)
        services.wait(timeout=10)
