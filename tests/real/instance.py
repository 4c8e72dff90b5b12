"""An instance beside its manager, in one lab: the agent's files, its service, and the agent (both stand-ins)."""

import json
import site
import sys

from lab import HERE, wait_for
from manager import NAME, Manager
from tool import STATE, Tool

STAND_IN = "/mnt/stand-in"
SETTINGS = "/etc/nginx-agent/nginx-agent.conf"
AGENT = "web-1.example.com"
BUNDLE = "/mnt/web-1"
CERTS = "/etc/nms/certs"

# As the package leaves it, in our own words.
PACKAGED = """\
#
# Settings of NGINX Agent.
#
server:
  # Where the manager is.
  host: 127.0.0.1
  grpcPort: 54789
  # For the manager to know this agent.
  token: "not-for-your-eyes"
tls:
  # Whether to encrypt at all.
  enable: false
  # Whether to let anybody play the manager.
  skip_verify: true
log:
  level: info
  path: /var/log/nginx-agent/
config_dirs: "/etc/nginx:/usr/local/etc/nginx:/usr/share/nginx/modules:/etc/nms"
"""


def instance_answers(method: str = "client-mtls", agent: str = f"{{bundle: {BUNDLE}}}") -> str:
    return f"""version: 1
role: instance
generation: nim2
proxy: nginx-oss
method: {method}
manager_name: {NAME}
certificates:
  agent: {agent}
options: {{trust_store: false}}
"""


# The same of version 1.
PACKAGED_1 = """\
#
# Settings of NGINX Agent.
#
# Where the manager is.
server: localhost:10000
tls:
  # Whether to encrypt at all.
  enable: false
log:
  level: info
  path: /var/log/nginx-agent/
# config_dirs: /etc/nginx,/usr/local/etc/nginx
nginx:
  bin_path: /usr/sbin/nginx
  stub_status: "http://localhost:8080/nginx_status"
"""


def with_agent(manager: Manager, tool: Tool, settings: str = PACKAGED, version: str = "2.46.7") -> None:
    """From here on the lab is an instance too: an agent that runs as the package has set it up."""
    manager.run("mkdir", "-p", STAND_IN, "/run/systemd/system")
    manager.write(f"{STAND_IN}/systemctl", (HERE / "services_stand_in.py").read_text(), 0o755)
    packages = ":".join(site.getsitepackages())
    start = (
        f"#!/bin/bash\nexport PYTHONPATH={packages} STAND_IN_VERSION=$(cat /mnt/agent.version)\n"
        f'exec -a {STAND_IN}/nginx-agent {sys.executable} {HERE / "agent_stand_in.py"} "$@"\n'
    )
    for name in ("start-agent", "nginx-agent"):
        manager.write(f"{STAND_IN}/{name}", start, 0o755)
    manager.write(SETTINGS, settings, 0o640)
    manager.write("/mnt/agent.version", version)
    tool.before = ("env", f"PATH={STAND_IN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    manager.run(*tool.before, "systemctl", "restart", "nginx-agent")


def end_agent(manager: Manager) -> None:
    """It ends as one does that is killed."""
    pid = manager.read("/mnt/agent.pid")
    manager.run("kill", "-KILL", pid)
    # Nobody may have waited for it.
    is_gone = f'test ! -e /proc/{pid} || grep -q "^State:.Z" /proc/{pid}/status'
    wait_for(lambda: manager.run("sh", "-c", is_gone, check=False).returncode == 0, "the end of the agent")


def hand_out(manager: Manager, agent: str = AGENT) -> None:
    """What an operator copies from the manager to the instance."""
    manager.run("cp", "-r", f"{STATE}/issued/{agent}", BUNDLE)


def asked(manager: Manager) -> list[list[str]]:
    """What systemctl was asked to do."""
    lines = manager.read("/mnt/services.jsonl").splitlines()
    return [words for words in map(json.loads, lines) if words[0] != "show"]


def agent_calls(manager: Manager) -> set[str]:
    """The calls of the agent that have reached the manager's services."""
    calls = (call for call in manager.call_log() if call["attempt"] == "agent")
    return {f"{call['service'].rpartition('.')[2]}/{call['method']}" for call in calls}


def without_manager(manager: Manager) -> dict[str, str]:
    """From here on only an instance is seen: the files that tell a manager are away, and nginx serves what it has
    loaded. Gives what a terminal on it has around."""
    manager.run("mkdir", "-p", "/mnt/hidden")
    manager.run("mv", "/etc/nms/nms.conf", "/etc/nginx/conf.d/nms-http.conf", "/mnt/hidden/")
    manager.run("sed", "-i", "s/^Package: nms-instance-manager$/Package: another/", "/var/lib/dpkg/status")
    return {"PATH": f"{STAND_IN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
