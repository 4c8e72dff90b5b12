"""A host of NGINX Instance Manager 1: its file, its service (a stand-in), and an nginx that does not know it yet."""

import dataclasses
import site
import sys

from clients import Attempt
from lab import EXTRA_ADDRESS, HERE, Nginx, wait_for
from manager import CALL_LOG, NAME, Manager
from nim_tree import PLAIN, main_conf
from tool import AGENTS, ALT_NAMES, Tool, issued

STAND_IN = "/mnt/stand-in"
SETTINGS = "/etc/nginx-manager/nginx-manager.conf"
CERTS = "/etc/ssl/nginx-manager"
CONF_D = "/etc/nginx/conf.d"
PATH = f"{STAND_IN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# As the package leaves it, in our own words.
PACKAGED = """\
#
# Settings of NGINX Instance Manager.
#

# Where it listens.
bind_address: 127.0.0.1
# For agents.
grpc_port: 10000
# For browsers.
gateway_port: 11000

# Its certificate.
# cert: /etc/ssl/nginx-manager/nginx-manager.crt
# key: /etc/ssl/nginx-manager/nginx-manager.key

log:
    level: info
    path: /var/log/nginx-manager/
"""
# Before there was an nginx: open to everybody.
IN_THE_OPEN = PACKAGED.replace("127.0.0.1", "0.0.0.0")


def nim1_answers(method: str = "client-mtls", more: str = "") -> str:
    return f"""version: 1
role: manager
generation: nim1
proxy: nginx-oss
method: {method}
manager_name: {NAME}
alt_names: [{", ".join(ALT_NAMES)}]
agents: [{", ".join(AGENTS)}]
certificates:
  ca_key: {{keep: plaintext}}
{more}"""


class Nim1(Manager):
    """Closing it ends all of it."""

    def __init__(self, nginx: Nginx, settings: str = PACKAGED) -> None:
        self._settings = settings
        super().__init__(nginx, PLAIN)

    def install(self) -> None:
        self.write("/etc/nginx/nginx.conf", main_conf(self.nginx))
        self.write("/etc/hosts", "127.0.0.1 nim.example.com nim localhost\n::1 nim.example.com nim localhost\n")
        status = self.read("/var/lib/dpkg/status")
        self.write(
            "/var/lib/dpkg/status",
            status.rstrip("\n") + "\n\nPackage: nginx-manager\nStatus: install ok installed\nArchitecture: amd64\n"
            "Version: 1.0.4-1~bookworm\nMaintainer: lab <lab@example.com>\nDescription: stand-in for the manager\n",
        )
        self.write(SETTINGS, self._settings)
        self.run("mkdir", "-p", STAND_IN, "/run/systemd/system")
        self.write(f"{STAND_IN}/systemctl", (HERE / "services_stand_in.py").read_text(), 0o755)
        packages = ":".join(site.getsitepackages())
        self.write(
            f"{STAND_IN}/start-manager",
            f"#!/bin/bash\nexport PYTHONPATH={packages}\n"
            f"exec -a {STAND_IN}/nginx-manager {sys.executable} {HERE / 'manager_stand_in.py'} {CALL_LOG}\n",
            0o755,
        )

    def start_services(self) -> None:
        self.run("env", f"PATH={PATH}", "systemctl", "restart", "nginx-manager")
        wait_for(lambda: ":11000" in self.listening(), "the manager")

    @property
    def has_status_page(self) -> bool:
        return "http_stub_status_module" in self.run(self.nginx.argv[0], "-V").stderr

    def listening(self) -> str:
        return self.run("ss", "-ltnH").stdout

    def listens_on(self, port: int) -> set[str]:
        """The addresses on which anybody listens on this port."""
        locals_ = (line.split()[3] for line in self.listening().splitlines())
        addresses = {at.rpartition(":")[0] for at in locals_ if at.endswith(f":{port}")}
        same = {"*": "0.0.0.0", "[::ffff:127.0.0.1]": "127.0.0.1"}
        return {same.get(address, address) for address in addresses}


def nim1_tool(manager: Nim1, binary: object) -> Tool:
    tool = Tool(manager, binary)
    tool.before = ("env", f"PATH={PATH}")
    return tool


OUTSIDE = EXTRA_ADDRESS

# Where agents are met.
AGENTS_PORT = 10443
PROPER = Attempt(sni=NAME, port=AGENTS_PORT)


def with_issued(agent: str) -> Attempt:
    ca, cert, key = (issued(agent, file) for file in ("ca.pem", "agent.crt", "agent.key"))
    return dataclasses.replace(PROPER, client="grpcio", ca=ca, cert=cert, key=key)
