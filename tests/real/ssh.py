"""A session of an operator: the lab reached by ssh over a line that delays, tears and joins."""

import shlex
from pathlib import Path

from lab import wait_for
from manager import Manager
from screen import Screen

PORT = "2222"
DELAY = "0.1"
FOLDER = "/mnt/ssh"


def serve(manager: Manager) -> None:
    """Starts an ssh server in the lab, which lets root in with the key that lies beside its own."""
    manager.path(FOLDER).mkdir(mode=0o700)
    for key in ("host", "client"):
        manager.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{FOLDER}/{key}")
    manager.run("mkdir", "-p", "/run/sshd")
    manager.write(
        f"{FOLDER}/config",
        f"Port {PORT}\nListenAddress 127.0.0.1\nHostKey {FOLDER}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {FOLDER}/client.pub\nStrictModes no\nPermitRootLogin yes\nPrintMotd no\n",
    )
    manager._keep(manager.spawn("/usr/sbin/sshd", "-D", "-e", "-f", f"{FOLDER}/config"))
    listening = ("ss", "-Hltn", f"sport = :{PORT}")
    wait_for(lambda: manager.run(*listening).stdout.strip(), "an ssh server that listens")


def session(
    manager: Manager, command: str, seed: int, kind: type[Screen] = Screen, **options: object
) -> Screen:
    """`command` on a terminal at the far end of a bad line; hanging up is the line that drops."""
    relay = shlex.join([*manager._enter, *manager.python("relay.py", PORT, DELAY, str(seed))])
    key = manager.path(f"{FOLDER}/client")
    key.chmod(0o600)
    settings = {
        "ProxyCommand": relay,
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "LogLevel": "ERROR",
        "ServerAliveInterval": "2",
    }
    settings = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    argv = ["ssh", "-F", "/dev/null", "-tt", "-i", str(key), *settings, "root@lab", command]
    return kind(None, *argv, **options)


def shell(binary: Path, *argv: str, **environment: str) -> str:
    words = [f"{name}={value}" for name, value in {"LANG": "C.UTF-8", **environment}.items()]
    return shlex.join(["env", *words, str(binary), *argv])
