"""A balancer before the manager: one that passes TCP through is none of our business, one that ends TLS takes agents'
certificates away. It stands in a network of its own, at an address that is none of the lab's.

What makes it red: in src/front/in_front.rs, a certificate that is not compared with the one that nginx shows here.
"""

from pathlib import Path

import certs
import snapshot
from conftest import each_build_and
from lab import HERE, wait_for
from manager import NAME, Manager
from nim_tree import PLAIN
from tool import Tool, answers

OUTER, INNER = "10.9.9.2", "10.9.9.1"
IN_ITS_OWN_NETWORK = f"ip link set lo up; until ip addr add {OUTER}/24 dev outer 2>/dev/null; do sleep 0.1; done; ip link set outer up; exec "


def in_front(manager: Manager, *argv: str) -> None:
    """Starts it there, and has the manager's name lead to it."""
    command = IN_ITS_OWN_NETWORK + " ".join(argv)
    process = manager.spawn("unshare", "--net", "sh", "-c", f"echo $$ > /mnt/front.pid; {command}")
    manager._keep(process)
    wait_for(lambda: manager.path("/mnt/front.pid").exists() and manager.read("/mnt/front.pid").strip(), "its process")
    pid = manager.read("/mnt/front.pid").strip()
    manager.run("ip", "link", "add", "inner", "type", "veth", "peer", "name", "outer")
    manager.run("ip", "link", "set", "outer", "netns", pid)
    manager.run("ip", "addr", "add", f"{INNER}/24", "dev", "inner")
    manager.run("ip", "link", "set", "inner", "up")
    hosts = manager.read("/etc/hosts").replace(f"127.0.0.1 {NAME}", f"{OUTER} {NAME}").replace(f"::1 {NAME}", "::1")
    manager.write("/etc/hosts", hosts)
    wait_for(lambda: manager.run("curl", "-sk", f"https://{OUTER}/", check=False).returncode == 0, "an answer")


@each_build_and([PLAIN])
def test_one_that_ends_tls_is_refused_and_one_that_passes_it_on_is_not(
    manager: Manager, tool: Tool, tmp_path: Path
) -> None:
    ca = certs.authority(tmp_path, "balancers-ca")
    pair = certs.issue(tmp_path, ca, NAME, "serverAuth")
    cert, key = manager.carry(pair.cert), manager.carry(pair.key)
    in_front(manager, "openssl", "s_server", "-accept", "443", "-cert", cert, "-key", key, "-www", "-quiet")
    before = snapshot.take(manager)
    done = tool.apply(answers())
    assert done.code == 1 and snapshot.differences(before, snapshot.take(manager)) == [], done
    said = " ".join(done.err.split())
    assert OUTER in said and "TLS ends there" in said and "manager-server" in said and "/etc/hosts" in said, said
    # Where no agent shows anything, it may be meant, and is said.
    notes = tool.apply(answers("ssl-termination")).must(0, "applied")["notes"]
    assert [note for note in notes if "TLS ends there" in note], notes


@each_build_and([PLAIN])
def test_one_that_passes_it_on_is_let_be(manager: Manager, tool: Tool) -> None:
    in_front(manager, *manager.python(str(HERE / "pass_on.py"), OUTER, "443", INNER, "443"))
    done = tool.apply(answers()).must(0, "applied")
    assert all(row["ok"] is not False for row in done["proof"]), done["proof"]
    notes = " ".join(done["notes"])
    assert OUTER in notes and "TLS ends there" not in notes, notes
