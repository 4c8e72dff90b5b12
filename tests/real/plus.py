"""NGINX Plus, which is not to be had here: open-source nginx in its clothes (plus_stand_in.c says how)."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from lab import HERE
from manager import Manager

R32 = "1.25.5 (nginx-plus-r32)"
R33 = "1.27.2 (nginx-plus-r33-p2)"
# The directives of the block, as the documentation has them for each of the two.
KNOWS = {
    R32: "usage_report resolver resolver_timeout connect_timeout read_timeout send_timeout ssl ssl_name ssl_server_name"
    " ssl_certificate ssl_certificate_key ssl_password_file ssl_protocols ssl_ciphers ssl_verify ssl_verify_depth"
    " ssl_trusted_certificate ssl_crl uuid_file",
    R33: "usage_report resolver license_token enforce_initial_report state_path ssl_verify ssl_trusted_certificate ssl_crl",
}


@cache
def library() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder, "stand-in.so")
        source = str(HERE / "plus_stand_in.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", built, source, "-ldl"], check=True)
        return built.read_bytes()


def dress(manager: Manager, release: str) -> None:
    """From here on nginx is NGINX Plus to whoever asks it. Needs an nginx that is not linked statically."""
    manager.write("/etc/plus-stand-in.so", library(), 0o755)
    manager.write("/etc/plus-stand-in.version", release)
    manager.write("/etc/plus-stand-in.knows", f" {KNOWS[release]} ")
    manager.write("/etc/ld.so.preload", "/etc/plus-stand-in.so\n")
    manager.write("/etc/nginx/license.jwt", "a licence\n", 0o600)
    manager.restart_nginx()
