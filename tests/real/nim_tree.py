"""A manager's files, shaped like those of a NIM 2.x package, in our own words.

The structure (which directives, in which blocks, with which paths and names) is that of the product;
the texts in `stock/` are ours. A `Shape` says how a tree differs from the plainest one.
"""

from dataclasses import dataclass
from pathlib import Path

import certs
from lab import Lab, Nginx

STOCK = Path(__file__).resolve().parent / "stock"
NMS_HTTP = "/etc/nginx/conf.d/nms-http.conf"
CERTS = "/etc/nms/certs"
VENDOR_NAME = "manager-server"

# What lets a client without a certificate through, although the vendor's procedure was followed.
TRAPS = {
    "error-page-named": """
    error_page 401 = @signed_out;
    location @signed_out {
        return 200 "signed out";
    }
""",
    "error-page-200": """
    error_page 401 =200 /signed-out.html;
""",
    "recursive-error-pages": """
    recursive_error_pages on;
    error_page 401 /nowhere.json;
    error_page 404 =200 /ui/index.html;
""",
    "satisfy-any": """
    satisfy any;
    allow all;
""",
}
# Traps that lie elsewhere than in the server block.
SECOND_SERVER = "second-server"


@dataclass(frozen=True)
class Shape:
    label: str
    release: str = "2.22.2"  # 2.22.2: clients are not asked; 2.21.0: asked, not required
    http2_directive: bool = False
    tabs: bool = False
    crlf: bool = False
    ipv6: bool = False
    brace_comments: bool = False
    # Port of another site that is its port's default server; on 443 the manager then needs names to be found.
    other_default: int | None = None
    included: bool = False  # the gRPC locations lie in a file of their own
    trap: str | None = None

    def fits(self, nginx: Nginx) -> bool:
        return nginx.has_http2_directive or not self.http2_directive

    def __str__(self) -> str:
        return self.label


PLAIN = Shape("2.22")
OLDER = Shape("2.21", release="2.21.0")
SHAPES = [
    PLAIN,
    OLDER,
    Shape("tabs", tabs=True),
    Shape("crlf", crlf=True),
    Shape("http2-on", http2_directive=True),
    Shape("ipv6", ipv6=True),
    Shape("brace-comments", brace_comments=True),
    Shape("other-default-443", other_default=443),
    Shape("other-default-8443", other_default=8443),
    Shape("included", included=True),
]
TRAPPED = [Shape(trap, trap=trap) for trap in [*TRAPS, SECOND_SERVER]]


def nms_http(shape: Shape) -> str:
    """The text of nms-http.conf."""
    older = shape.release.startswith("2.21")
    http2 = "" if shape.http2_directive else " http2"
    listen = [f"    listen 443 ssl{http2};"]
    if shape.ipv6:
        listen.append(f"    listen [::]:443 ssl{http2};")
    if shape.http2_directive:
        listen.append("    http2 on;")
    clients = ["ssl_client_certificate {}/ca.pem;", "ssl_verify_client      {};"]
    clients = [
        ("    " if older else "    # ") + clients[0].format(CERTS),
        "    " + clients[1].format("optional" if older else "off"),
    ]
    text = (STOCK / "nms-http.conf").read_text()
    for marker, value in {
        "@LISTEN@": "\n".join(listen),
        "@NAMES@": "nim.example.com nim" if shape.other_default == 443 else "_",
        "@TRAP@": TRAPS.get(shape.trap or "", ""),
        "@PROTOCOLS@": "TLSv1.1 TLSv1.2" if older else "TLSv1.2 TLSv1.3",
        "@CLIENTS@": "\n".join(clients),
        "@GRPC@": "    include /etc/nms/nginx/agents.inc;" if shape.included else grpc_locations(),
    }.items():
        text = text.replace(marker, value)
    if shape.brace_comments:
        text = text.replace("    server_name _;", "    # } not the end of server {\n    server_name _; # }}} {")
        text = text.replace("        grpc_send_timeout 5m;", "        # location /nowhere { ';\n        grpc_send_timeout 5m;")
    return dressed(text, shape)


def dressed(text: str, shape: Shape) -> str:
    """The same text with the white space and line ends of the shape."""
    if shape.tabs:
        lines = text.split("\n")
        text = "\n".join("\t" * ((len(line) - len(line.lstrip(" "))) // 4) + line.lstrip(" ") for line in lines)
    return text.replace("\n", "\r\n") if shape.crlf else text


def grpc_locations() -> str:
    return (STOCK / "grpc-locations.conf").read_text().rstrip("\n")


def install(lab: Lab, shape: Shape, work: Path) -> None:
    """Lays a manager of this shape into the lab. `work` is a folder for the making of certificates."""
    lab.write("/etc/nginx/nginx.conf", main_conf(lab.nginx))
    lab.write(NMS_HTTP, nms_http(shape))
    for name in ("errors-grpc.loc_conf", "errors-grpc.server_conf", "errors.http_conf"):
        lab.write(f"/etc/nms/nginx/{name}", (STOCK / name).read_text())
    for folder in ("locations", "upstreams/mapped_apis"):
        lab.path(f"/etc/nms/nginx/{folder}").mkdir(parents=True)
    lab.write("/etc/nms/nms.conf", (STOCK / "nms.conf").read_text())
    lab.write("/var/www/nms/ui/index.html", "<!doctype html><title>Instance Manager</title>\n")
    lab.write("/var/www/nms/signed-out.html", "signed out\n")
    hosts = "127.0.0.1 nim.example.com nim localhost\n::1 nim.example.com nim localhost\n"
    lab.write("/etc/hosts", hosts)
    add_package(lab, shape)
    add_certificates(lab, work)
    if shape.included:
        lab.write("/etc/nms/nginx/agents.inc", grpc_locations() + "\n")
    if shape.other_default:
        add_other_site(lab, shape.other_default)
    if shape.trap == SECOND_SERVER:
        add_second_server(lab)


def main_conf(nginx: Nginx) -> str:
    text = (STOCK / "nginx.conf").read_text()
    # A static build cannot load the distribution's modules.
    return text.replace("include /etc/nginx/modules-enabled/*.conf;\n", "") if nginx.binary else text


def add_package(lab: Lab, shape: Shape) -> None:
    """Makes the package database of the lab know the manager, and gives it the manager's user."""
    status = lab.read("/var/lib/dpkg/status")
    lab.write(
        "/var/lib/dpkg/status",
        status.rstrip("\n") + "\n\nPackage: nms-instance-manager\nStatus: install ok installed\n"
        f"Architecture: amd64\nVersion: {shape.release}-1000000000~bookworm\nMaintainer: lab <lab@example.com>\n"
        "Description: stand-in for the manager\n",
    )
    lab.run("groupadd", "--system", "nms")
    lab.run("useradd", "--system", "--gid", "nms", "--no-create-home", "--shell", "/usr/sbin/nologin", "nms")


def add_certificates(lab: Lab, work: Path) -> None:
    """The vendor's own certificates: good for one internal name only."""
    ca = certs.authority(work, "vendor-ca")
    server = certs.issue(work, ca, VENDOR_NAME, "serverAuth")
    client = certs.issue(work, ca, "manager-client", "clientAuth")
    for name, pair in (("manager-server", server), ("manager-client", client)):
        lab.write(f"{CERTS}/{name}.pem", pair.cert.read_bytes())
        lab.write(f"{CERTS}/{name}.key", pair.key.read_bytes(), 0o600)
    lab.write(f"{CERTS}/ca.pem", ca.cert.read_bytes())
    lab.run("chown", "-R", "nms:nms", CERTS)


def add_other_site(lab: Lab, port: int) -> None:
    """Somebody else's site, the default of its port."""
    lab.write(
        "/etc/nginx/conf.d/zz-other.conf",
        f"server {{\n    listen {port} ssl default_server;\n    server_name other.example.com;\n"
        f"    ssl_certificate {CERTS}/manager-server.pem;\n    ssl_certificate_key {CERTS}/manager-server.key;\n"
        '    return 200 "the other site\\n";\n}\n',
    )


def add_second_server(lab: Lab) -> None:
    """A server for agents that somebody added long ago and forgot."""
    lab.write(
        "/etc/nginx/conf.d/zz-agents.conf",
        "server {\n    listen 443 ssl http2;\n    server_name agents.example.com;\n"
        f"    ssl_certificate {CERTS}/manager-server.pem;\n    ssl_certificate_key {CERTS}/manager-server.key;\n"
        "    location /f5.nginx.agent.sdk.Commander {\n        grpc_pass grpc://dpm-grpc-service;\n    }\n}\n",
    )


def follow_vendor(lab: Lab) -> None:
    """What the vendor tells an operator to do for mTLS, done to the letter in place."""
    lab.edit(NMS_HTTP, "# ssl_client_certificate", "ssl_client_certificate")
    lab.edit(NMS_HTTP, "ssl_verify_client      off;", "ssl_verify_client      optional;")
    lab.edit(NMS_HTTP, "# auth_request", "auth_request")
