"""Process 1 of a lab: builds the private view of the machine, then reaps orphans.

Started by `lab.py` inside fresh mount, process, network, host-name and IPC namespaces. Lives for as
long as its standard input stays open, so a lab cannot outlive the test run that made it, however
that run ends: when process 1 goes, the kernel ends every process of the lab and drops its mounts.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

SCRATCH = Path("/mnt")
ANCHORS = Path("/usr/local/share/ca-certificates")
NGINX_TEMP = ("body", "proxy", "fastcgi", "uwsgi", "scgi")
TRUSTED, TRUSTED_FROM, STORE = Path("/etc/ca-certificates.conf"), Path("/usr/share/ca-certificates"), Path("/etc/ssl/certs")


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def mount(*argv: str) -> None:
    # -n: the table that mount keeps for itself lies in /run, which is being replaced.
    run("mount", "-n", *argv)


def cover(target: Path, copy: tuple[str, ...] = ()) -> None:
    """Lays a private tmpfs over `target`, with copies of the named entries ("." is everything)."""
    staged = SCRATCH / "staged"
    staged.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=0755", "lab", str(staged))
    for entry in copy:
        # The trailing "/." copies what is in a folder rather than the folder.
        source = f"{target}/." if entry == "." else str(target / entry)
        if os.path.lexists(source):
            (staged / entry).parent.mkdir(parents=True, exist_ok=True)
            run("cp", "-a", source, str(staged / ("" if entry == "." else entry)))
    mount("--move", str(staged), str(target))


def package_database() -> None:
    """A /var/lib with the package database, which is too large to copy: changes to it are kept apart."""
    changes, original = SCRATCH / "changes", SCRATCH / "dpkg"
    for folder in (changes / "upper", changes / "work", original):
        folder.mkdir(parents=True)
    mount("--bind", "/var/lib/dpkg", str(original))
    cover(Path("/var/lib"), ("ca-certificates-java",))
    Path("/var/lib/dpkg").mkdir()
    layers = f"lowerdir={original},upperdir={changes}/upper,workdir={changes}/work"
    mount("-t", "overlay", "-o", layers, "lab", "/var/lib/dpkg")


def trust(authorities: int) -> None:
    """Of the distribution's authorities the first so many, as if the others had never been chosen.

    update-ca-certificates starts six programs for each one that is listed, which was most of what an apply cost.
    """
    listed = [line for line in TRUSTED.read_text().splitlines() if line and line[0] not in "#!"]
    kept, others = listed[:authorities], {str(TRUSTED_FROM / name) for name in listed[authorities:]}
    TRUSTED.write_text("".join(f"{name}\n" for name in kept))
    # All are looked at before the first one goes: the link of a hash leads to the link of a name.
    for link in [entry for entry in STORE.iterdir() if entry.is_symlink() and os.path.realpath(entry) in others]:
        link.unlink()
    texts = [path.read_bytes() for path in (*(TRUSTED_FROM / name for name in kept), *sorted(ANCHORS.rglob("*.crt")))]
    (STORE / "ca-certificates.crt").write_bytes(b"".join(text if text.endswith(b"\n") else text + b"\n" for text in texts))


def empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def build(addresses: list[str], nginx: str | None, authorities: int) -> None:
    mount("-t", "tmpfs", "-o", "mode=0755", "lab", str(SCRATCH))
    cover(Path("/etc"), (".",))
    cover(Path("/run"))
    cover(Path("/var/log"))
    cover(Path("/var/www"))
    package_database()
    # Of /usr/local only the folder of trust anchors can be written.
    mount("--bind", "/usr/local", "/usr/local")
    mount("-o", "remount,bind,ro", "/usr/local")
    cover(ANCHORS, (".",))
    trust(authorities)
    if nginx:
        mount("--bind", nginx, "/usr/sbin/nginx")

    for folder in ("/run/nms", "/run/lock", "/var/log/nginx", "/var/log/nms"):
        Path(folder).mkdir()
    for name in NGINX_TEMP:
        Path("/var/lib/nginx", name).mkdir(parents=True)
    for folder in ("nginx/conf.d", "nginx/sites-enabled", "nginx/sites-available", "ca-certificates/update.d"):
        empty(Path("/etc", folder))

    run("ip", "link", "set", "lo", "up")
    for address in addresses:
        run("ip", "address", "add", address, "dev", "lo")
    socket.sethostname("nim")


def keep() -> None:
    """Reaps whatever is orphaned into this namespace, until standard input is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    while os.read(0, 1):
        pass


if __name__ == "__main__":
    build(sys.argv[2].split(), sys.argv[1] or None, int(sys.argv[3]))
    print("ready", flush=True)
    keep()
