"""The files that only NGINX Plus can load: JUDGED here, not run.

There is no NGINX Plus on this machine. Two oracles stand in its place: crossplane, which knows the directives of
NGINX Plus and where they may stand, and open-source nginx, which has to load the same files once the lines that only
Plus knows are taken out.
"""

import json
import subprocess
from pathlib import Path

import pytest
from lab import Lab, Nginx
from nim1 import CONF_D, PACKAGED, nim1_answers
from nim_tree import STOCK

OF_PLUS = ("status_zone ", "health_check ", "api;")
# crossplane takes the lines of a map for directives, and all of mime.types.
IN_MAPS = ("default", "", "SUCCESS")
# Newer than crossplane; open source nginx knows it.
NEWER = ("ssl_alpn",)
CELLS = {
    "ssl-termination": ("ssl-termination", ""),
    "client-mtls": ("client-mtls", ""),
    "client-mtls-inner-tls": ("client-mtls", "options: {backend_tls: true}\n"),
    "client-mtls-stream": ("client-mtls", "options: {grpc_context: stream}\n"),
    "stream-passed-through": ("ssl-termination", "options: {grpc_context: stream, grpc_passthrough: true}\n"),
    "health-checks-open": ("grpc-health-checks", "options: {grpc_publish: open}\n"),
    "health-checks-tls": ("grpc-health-checks", ""),
    "health-checks-grpcs": ("grpc-health-checks", "options: {grpc_publish: tls-grpcs}\n"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    files = {
        "etc/nginx/nginx.conf": (STOCK / "nginx.conf").read_text().replace(
            "include /etc/nginx/modules-enabled/*.conf;\n", ""
        ),
        "etc/nginx/conf.d/other.conf": "server {\n    listen 80;\n    return 200 other;\n}\n",
        "etc/nginx/mime.types": "types {\n}\n",
        "etc/nginx-manager/nginx-manager.conf": PACKAGED,
        "etc/os-release": "ID=debian\nVERSION_ID=12\n",
    }  # fmt: skip
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize("cell", CELLS)
def test_crossplane_knows_every_line_and_nginx_loads_the_rest(
    binary: Path, tree: Path, tmp_path: Path, nginx: Nginx, cell: str
) -> None:
    method, options = CELLS[cell]
    answers = tmp_path / "answers.yaml"
    answers.write_text(nim1_answers(method, options).replace("nginx-oss", "nginx-plus"))
    command = [str(binary), "apply", "--answers", str(answers), "--yes", "--root", str(tree), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done

    with Lab(nginx) as lab:
        for path in (tree / "etc").rglob("*"):
            if path.is_file():
                lab.write(f"/etc/{path.relative_to(tree / 'etc')}", path.read_bytes(), path.stat().st_mode & 0o777)
        lab.run("rm", "-f", "/etc/nginx/conf.d/default.conf")
        if nginx.binary is None:
            # There, stream is a module of its own.
            modules = "include /etc/nginx/modules-enabled/*.conf;\n"
            lab.write("/etc/nginx/nginx.conf", modules + lab.read("/etc/nginx/nginx.conf"))
        assert unknown_to_crossplane(lab) == []
        of_plus = take_out_what_only_plus_knows(lab)
        assert of_plus >= 4
        loads = lab.test_config()
        assert loads.returncode == 0, loads.stderr


def unknown_to_crossplane(lab: Lab) -> list[dict[str, str]]:
    """Lines that stand where they may not, or that NGINX Plus does not know."""
    said = lab.run(*lab.python("crossplane_strict.py", "/etc/nginx/nginx.conf")).stdout
    errors = [error for error in json.loads(said) if not error["file"].endswith("mime.types")]
    # Nor is a pattern one.
    return [error for error in errors if error["directive"] not in IN_MAPS + NEWER and error["directive"][:1] != "~"]


def take_out_what_only_plus_knows(lab: Lab) -> int:
    """Says how many lines that were."""
    of_plus = 0
    for place in lab.run("find", CONF_D, "/etc/nginx/stream.conf.d", "-type", "f", check=False).stdout.split():
        lines = lab.read(place).splitlines(keepends=True)
        kept = [line for line in lines if not line.strip().startswith(OF_PLUS)]
        of_plus += len(lines) - len(kept)
        # The static build has no status page either.
        kept = [line for line in kept if lab.nginx.binary is None or "stub_status" not in line]
        lab.write(place, "".join(kept))
    return of_plus
