"""Certificates that the tool under test did not make, made by openssl."""

import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

# `openssl ca` is the one command of every openssl that takes a chosen start and end.
CA_CONFIG = """
[ca]
default_ca = lab
[lab]
new_certs_dir = {folder}
database = {folder}/index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
"""
PAST = ("20200101000000Z", "20210101000000Z")
PRESENT = ("20200101000000Z", "20450101000000Z")


@dataclass(frozen=True)
class Pair:
    """A certificate file (a chain, leaf first) and its key file."""

    cert: Path
    key: Path


def openssl(*argv: str, stdin: str | None = None) -> str:
    done = subprocess.run(["openssl", *argv], capture_output=True, text=True, input=stdin, timeout=60)
    assert done.returncode == 0, f"openssl {' '.join(argv)}: {done.stderr}"
    return done.stdout


def authority(folder: Path, name: str) -> Pair:
    """A self-signed CA."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
        "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout", str(pair.key), "-out", str(pair.cert),
    )  # fmt: skip
    return pair


def issue(
    folder: Path, ca: Pair, name: str, usage: str, *, san: str | None = None,
    life: tuple[str, str] = PRESENT, chain: Path | None = None,
) -> Pair:  # fmt: skip
    """A leaf for `usage` (serverAuth or clientAuth); `chain` is put behind it in the file."""
    work = Path(tempfile.mkdtemp(prefix=f"issue-{name}-", dir=folder))
    (work / "index.txt").touch()
    (work / "ca.cnf").write_text(CA_CONFIG.format(folder=work))
    (work / "leaf.ext").write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        f"extendedKeyUsage={usage}\nsubjectAltName={san or f'DNS:{name}'}\nauthorityKeyIdentifier=keyid\n"
    )
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", f"/CN={name}", "-keyout", str(pair.key), "-out", str(work / "leaf.csr"),
    )  # fmt: skip
    openssl(
        "ca", "-batch", "-notext", "-config", str(work / "ca.cnf"), "-cert", str(ca.cert), "-keyfile", str(ca.key),
        "-startdate", life[0], "-enddate", life[1], "-extfile", str(work / "leaf.ext"),
        "-in", str(work / "leaf.csr"), "-out", str(pair.cert),
    )  # fmt: skip
    if chain:
        pair.cert.write_text(pair.cert.read_text() + chain.read_text())
    return pair


def subordinate(
    folder: Path, above: Pair, name: str, *extensions: str, kind: str = "ec", digest: str = "sha256"
) -> Pair:  # fmt: skip
    """An authority below another one; `extensions` as openssl's configuration has them."""
    return _signed(folder, above, name, f"/CN={name}", kind, *(extensions or (CA_TRUE, CA_USE)), digest=digest)


def leaf(folder: Path, above: Pair, subject: str, *extensions: str) -> Pair:
    """A client's certificate for any subject, as `openssl req -subj` takes it: first part first."""
    name = hashlib.sha256(subject.encode()).hexdigest()[:12]
    return _signed(folder, above, name, subject, "ec", "basicConstraints=critical,CA:FALSE", CLIENT, *extensions)


CA_TRUE = "basicConstraints=critical,CA:TRUE"
CA_USE = "keyUsage=critical,keyCertSign,cRLSign"
CLIENT = "extendedKeyUsage=clientAuth"
KINDS = {
    "ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "rsa1024": ("rsa:1024",),
    "rsa": ("rsa:2048",),
    "rsa4096": ("rsa:4096",),
}


def root(folder: Path, name: str, kind: str = "ec") -> Pair:
    """A self-signed CA with a key of that kind."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    openssl(
        "req", "-x509", "-newkey", *KINDS[kind], "-nodes", "-days", "3650", "-subj", f"/O=Lab, Inc./CN={name}",
        "-addext", CA_USE, "-keyout", str(pair.key), "-out", str(pair.cert),
    )  # fmt: skip
    return pair


def _signed(
    folder: Path, above: Pair, name: str, subject: str, kind: str, *extensions: str, digest: str = "sha256"
) -> Pair:  # fmt: skip
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    request, extra = folder / f"{name}.csr", folder / f"{name}.ext"
    extra.write_text("\n".join(extensions) + "\n")
    openssl(
        "req", "-new", "-newkey", *KINDS[kind], "-nodes", "-utf8", "-subj", subject,
        "-keyout", str(pair.key), "-out", str(request),
    )  # fmt: skip
    openssl(
        "x509", "-req", "-in", str(request), "-CA", str(above.cert), "-CAkey", str(above.key), "-CAcreateserial",
        "-days", "1000", f"-{digest}", "-extfile", str(extra), "-out", str(pair.cert),
    )  # fmt: skip
    return pair
