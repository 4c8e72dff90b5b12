"""What the third set of faults is made with: authorities below ours, calls in the clear, a way in by IPv6, lines of logs."""

import json
import sys
import uuid
from datetime import UTC, datetime, timedelta

import certs
import plus
from grounds import DOOR
from manager import CALL_LOG
from patient import Patient
from seeded import Cases
from tool import STATE

DOOR_6, WEB_6 = "fd00:20::1", "fd00:20::11"
MAIN = "/etc/nginx/nginx.conf"
ERROR_LOG, ACCESS_LOG = "/var/log/nginx/error.log", "/var/log/nginx/access.log"
ASKED = "ssl_verify_client      optional;"


def third() -> Cases:
    """The faults and healthy hosts of one file of the set."""
    return Cases("third", in_turn=("distribution", "newer"))


def listen(host: Patient, where: str, more: str = "") -> str:
    """Lines of a server that takes TLS and HTTP/2 here, as this nginx has them."""
    if host.nginx.has_http2_directive:
        return f"listen {where} ssl{more};\n    http2 on;"
    return f"listen {where} ssl http2{more};"


def in_days(days: float) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y%m%d%H%M%SZ}"


# Authorities.


def our_root(host: Patient) -> certs.Pair:
    folder = host.folder()
    pair = certs.Pair(folder / "root.pem", folder / "root.key")
    pair.cert.write_text(host.host.read(f"{STATE}/ca/root.crt"))
    pair.key.write_text(host.host.read(f"{STATE}/ca/root.key"))
    return pair


def below_root(host: Patient, name: str, life: tuple[str, str] = certs.PRESENT) -> certs.Pair:
    """An intermediate of our root that lives as long as it is told to."""
    folder, root = host.folder(), our_root(host)
    pair = certs.Pair(folder / "int.pem", folder / "int.key")
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(certs.CA_CONFIG.format(folder=folder))
    (folder / "int.ext").write_text(
        f"basicConstraints=critical,CA:TRUE,pathlen:0\n{certs.CA_USE}\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    certs.openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
        "-keyout", str(pair.key), "-out", f"{folder}/int.csr",
    )  # fmt: skip
    certs.openssl(
        "ca", "-batch", "-notext", "-config", f"{folder}/ca.cnf", "-cert", str(root.cert), "-keyfile", str(root.key),
        "-startdate", life[0], "-enddate", life[1], "-extfile", f"{folder}/int.ext",
        "-in", f"{folder}/int.csr", "-out", str(pair.cert),
    )  # fmt: skip
    return pair


def made_otherwise(host: Patient, name: str, *extensions: str, kind: str) -> certs.Pair:
    """By the authority that issues here, with its chain, and a key of another kind."""
    pair = certs.subordinate(host.folder(), host.authority, name, *extensions, kind=kind)
    pair.cert.write_text(pair.cert.read_text() + host.authority.cert.read_text())
    return pair


def self_signed(host: Patient, name: str) -> certs.Pair:
    folder = host.folder()
    pair = certs.Pair(folder / "own.pem", folder / "own.key")
    certs.openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "900", "-subj", f"/CN={name}",
        "-addext", "keyUsage=critical,digitalSignature", "-addext", certs.CLIENT, "-addext", "basicConstraints=critical,CA:FALSE",
        "-keyout", str(pair.key), "-out", str(pair.cert),
    )  # fmt: skip
    return pair


# Clients.

IN_THE_CLEAR = """
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
call = channel.unary_unary("/f5.nginx.agent.sdk.Commander/LabProbe")
try:
    call(b"", timeout=5, metadata=[("x-attempt", sys.argv[2])])
except grpc.RpcError as error:
    print(error.code().name, error.details())
"""


def calls_in_the_clear(host: Patient, port: int) -> bool:
    """An agent without TLS; says whether it has reached the services."""
    marker = uuid.uuid4().hex
    host.from_outside(sys.executable, "-c", IN_THE_CLEAR, f"{DOOR}:{port}", marker)
    log = host.manager.path(CALL_LOG)
    return log.exists() and marker in log.read_text()


def with_ipv6(host: Patient) -> None:
    """The door has an address of IPv6 too; it stays, and nobody minds."""
    host.manager.run("ip", "-6", "address", "replace", f"{DOOR_6}/64", "dev", "door", "nodad")
    host.from_outside("ip", "-6", "address", "replace", f"{WEB_6}/64", "dev", "out", "nodad")


# Logs.


def set_up_last_month(host: Patient) -> None:
    """The one run of the tool lies back a month, and what its proof has left in logs is rotated away.

    What is found from before a run is told as a note, and the run of these tests is minutes old.
    """
    (receipt,) = host.host.path(f"{STATE}/runs").glob("*/receipt.json")
    found = json.loads(receipt.read_text())
    for name in ("started", "ended"):
        found[name] -= 30 * 86400
    receipt.write_text(json.dumps(found, indent=2))
    for log in host.host.path("/var/log/nginx").glob("*.log"):
        log.write_text("")


def ago(**how: float) -> datetime:
    return datetime.now(UTC) - timedelta(**how)


def add_line(host: Patient, path: str, *lines: str) -> None:
    log = host.host.path(path)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as opened:
        opened.writelines(f"{line}\n" for line in lines)


def put_before(host: Patient, path: str, *lines: str) -> None:
    """What was logged before all that stands there now."""
    log = host.host.path(path)
    now = log.read_text() if log.exists() else ""
    log.write_text("".join(f"{line}\n" for line in lines) + now)


def nginx_says(when: datetime, level: str, message: str, pid: int = 2118) -> str:
    return f"{when:%Y/%m/%d %H:%M:%S} [{level}] {pid}#{pid}: {message}"


def agent_line(when: datetime, level: str, message: str) -> str:
    quoted = message.replace('"', '\\"')
    return f'time="{when:%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{quoted}"'


def as_release(host: Patient, release: str) -> None:
    """The stand-in for NGINX Plus is of this release from here on; its library stays, nginx has it open."""
    host.host.write("/etc/plus-stand-in.version", release)
    host.host.write("/etc/plus-stand-in.knows", f" {plus.KNOWS[release]} ")
    host.host.restart_nginx()
