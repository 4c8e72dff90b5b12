"""Stands in for NGINX Agent 2, and 1 where it is told so, which cannot be installed here: SIMULATED.

It reads the same file with the same names (regardless of upper and lower case), ends where the agent ends (a key that
does not match, a file that cannot be read), stays and does nothing where the agent does (no host or port), and makes
the same three calls: Commander/CommandChannel, MetricsService/Stream and MetricsService/StreamEvents.
"""

import os
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import yaml

FILES = ("/etc/nginx-manager/nginx-agent.conf", "/etc/nginx-agent/nginx-agent.conf")
DYNAMIC = "/var/lib/nginx-agent/agent-dynamic.conf"
LOG = Path(os.environ.get("STAND_IN_LOG", "/var/log/nginx-agent/agent.log"))
PACKAGE = "/f5.nginx.agent.sdk"
CALLS = {"Commander/CommandChannel": "command", "MetricsService/Stream": "metrics", "MetricsService/StreamEvents": "metrics"}


def folded(found: object) -> object:
    if isinstance(found, dict):
        return {str(name).lower(): folded(value) for name, value in found.items()}
    return found


def settings() -> dict:
    found = {}
    for path in [next(path for path in FILES if os.path.exists(path)), DYNAMIC]:
        if os.path.exists(path):
            for section, values in (folded(yaml.safe_load(Path(path).read_text())) or {}).items():
                found[section] = {**found.get(section, {}), **values} if isinstance(values, dict) else values
    for section in ("server", "tls"):
        for name, value in os.environ.items():
            prefix = f"NGINX_AGENT_{section.upper()}_"
            if name.startswith(prefix):
                found.setdefault(section, {})[name.removeprefix(prefix).lower()] = yaml.safe_load(value)
    return found


def say(level: str, message: str) -> None:
    line = f'time="2026-11-27T12:00:00Z" level={level} msg="{message}"\n'
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a") as log:
        log.write(line)
    sys.stdout.write(line)
    sys.stdout.flush()


def credentials(tls: dict) -> grpc.ChannelCredentials:
    if bool(tls.get("cert")) != bool(tls.get("key")):
        fatal("cert and key must both be provided")
    if tls.get("cert"):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(tls["cert"], tls["key"])
        except (OSError, ssl.SSLError) as error:
            fatal(f"could not load X509 keypair: {error}")

    def content(name: str) -> bytes | None:
        try:
            return Path(tls[name]).read_bytes() if tls.get(name) else None
        except OSError as error:
            fatal(f"could not read CA file ({tls[name]}): {error}")

    return grpc.ssl_channel_credentials(content("ca"), content("key"), content("cert"))


def fatal(message: str) -> None:
    say("fatal", f"Failed to load secure metric gRPC dial options: failed to configure tls: {message}")
    sys.exit(1)


def call(target: str, name: str, tls: dict, method: str) -> None:
    pause = 0.5
    while True:
        options = [("grpc.ssl_target_name_override", name)]
        make = grpc.insecure_channel(target) if not tls.get("enable") else grpc.secure_channel(
            target, credentials(tls), options
        )  # fmt: skip
        with make as channel:
            try:
                for _ in channel.stream_stream(f"{PACKAGE}.{method}")(beats(), metadata=[("x-attempt", "agent")]):
                    pass
            except grpc.RpcError as error:
                say("error", f"{method}: {error.code().name}: {error.details()}".replace('"', "'"))
        time.sleep(pause)
        pause = min(pause * 1.5, 60)


def beats() -> Iterator[bytes]:
    while True:
        yield b"still here"
        time.sleep(0.5)


def main() -> None:
    if sys.argv[1:] == ["--version"]:
        print(f"nginx-agent version v{os.environ.get('STAND_IN_VERSION', '2.46.7')}-standin")
        return
    found = settings()
    server, tls = found.get("server"), found.get("tls") or {}
    if os.environ.get("STAND_IN_VERSION", "").startswith("1.") and isinstance(server, str):
        host, _, port = server.rpartition(":")
        server = {"host": host, "grpcport": port}
    if not isinstance(server, dict) or not server.get("host") or not server.get("grpcport"):
        say("info", "GRPC clients not created due to missing server config")
        threading.Event().wait()
    if tls.get("enable"):
        credentials(tls)
    target = f"{server['host']}:{server['grpcport']}"
    for method, key in CALLS.items():
        name = server.get(key) or server["host"]
        threading.Thread(target=call, args=(target, name, tls, method), daemon=True).start()
    threading.Event().wait()


main()
