"""Other sites on a manager's host, which have nothing to do with it, and what a client is told by them."""

import certs
from manager import Manager
from nim1 import Nim1

# Read after the manager's own: what is its default by order stays so.
FILE = "/etc/nginx/conf.d/shop.conf"
TEXT = """\
upstream shop_backend {
    server 127.0.0.1:9100;
}
server {
    listen 127.0.0.1:9100;
    return 200 "$host $request_uri, made behind\\n";
}
server {
    listen 80;
    server_name shop.example.com;
    location / {
        proxy_pass http://shop_backend;
        proxy_set_header Host $host;
    }
    location /old {
        return 301 https://shop.example.com/new;
    }
}
server {
    listen 443 ssl;
    server_name shop.example.com;
    ssl_certificate /etc/nginx/shop.crt;
    ssl_certificate_key /etc/nginx/shop.key;
    add_header X-Shop open;
    location / {
        proxy_pass http://shop_backend;
        proxy_set_header Host $host;
    }
    location /closed {
        return 403;
    }
}
server {
    listen 8081 ssl default_server;
    server_name intranet.example.com;
    ssl_certificate /etc/nginx/shop.crt;
    ssl_certificate_key /etc/nginx/shop.key;
    return 200 "the intranet\\n";
}
"""
CA = "/mnt/files/shop-ca.pem"
ASKED = (
    "http://shop.example.com/a?b=c",
    "http://shop.example.com/old",
    "https://shop.example.com/a",
    "https://shop.example.com/closed",
    "https://intranet.example.com:8081/",
)
# With a manager of generation 1, whose nginx had nobody else on this port, these are the shop's too.
NOBODYS = ("https://unknown.example.com/", "https://127.0.0.1/")


def move_in(manager: Manager) -> None:
    ca = certs.authority(manager.work, "shop-ca")
    pair = certs.issue(
        manager.work, ca, "shop.example.com", "serverAuth", san="DNS:shop.example.com,DNS:intranet.example.com"
    )  # fmt: skip
    manager.carry(ca.cert)
    manager.write("/etc/nginx/shop.crt", pair.cert.read_bytes())
    manager.write("/etc/nginx/shop.key", pair.key.read_bytes(), 0o600)
    manager.write(FILE, TEXT)
    manager.restart_tree()


def told(manager: Manager) -> dict[str, str]:
    """Every byte of each answer but the line with the time; trusted where the name is theirs."""
    found = {address: ask(manager, address, "--cacert", CA) for address in ASKED}
    if isinstance(manager, Nim1):
        found |= {address: ask(manager, address, "--insecure") for address in NOBODYS}
    return found


def ask(manager: Manager, address: str, *how: str) -> str:
    # By HTTP/1.1: before nginx 1.25.1 HTTP/2 belongs to the port, and comes with the manager for all sites on it.
    connect = ("--connect-to", "::127.0.0.1:", "--http1.1")
    said = manager.run("curl", "-sS", "-i", *connect, *how, address).stdout
    return "".join(line for line in said.splitlines(keepends=True) if not line.lower().startswith("date:"))
