#!/usr/bin/env python3
"""Stands in for NGINX Instance Manager 1: SIMULATED. Run inside a lab until ended.

Reads the same file and the same keys (bind_address, grpc_port, gateway_port, cert, key), listens where it
says, with TLS where it says so, and writes every call to the call log. What the product does beyond that is
not known here: whether it wants a certificate of agents, and which, is played both ways (VERIFIES: it wants one
of an authority of the system's trust store). Usage: manager_stand_in.py CALL_LOG
"""

import os
import ssl
import subprocess
import sys
import threading
import time
from concurrent import futures
from http.server import ThreadingHTTPServer
from pathlib import Path

import grpc
import yaml
from upstream import Api, CallLog, Service

SETTINGS = Path("/etc/nginx-manager/nginx-manager.conf")
SLOW_START = Path("/mnt/slow-start")
RUN_AS = Path("/mnt/run-as")
VERIFIES = Path("/mnt/verifies")
OTHER = Path("/mnt/other-grpc-certificate")
STORE = Path("/etc/ssl/certs/ca-certificates.crt")


def main() -> None:
    log = CallLog(sys.argv[1])
    settings = yaml.safe_load(SETTINGS.read_text()) or {}
    address = settings.get("bind_address", "127.0.0.1")
    grpc_port, gateway_port = settings.get("grpc_port", 10000), settings.get("gateway_port", 11000)
    if RUN_AS.exists():
        # As systemd would have started it: its files are read by another user than root.
        user = RUN_AS.read_text().strip()
        other = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        for name in ("key", "cert"):
            if name in settings:
                subprocess.run([*other, "test", "-r", settings[name]], check=True)
    pair = [Path(settings[name]).read_bytes() for name in ("key", "cert") if name in settings]
    if SLOW_START.exists():
        time.sleep(float(SLOW_START.read_text()))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), handlers=[Service(f"{address}:{grpc_port}", log)])
    if len(pair) == 2:
        store = STORE.read_bytes() if VERIFIES.exists() else None
        if OTHER.exists():
            made = "/mnt/other"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", "/CN=other", "-keyout", f"{made}.key", "-out", f"{made}.crt"],
                check=True, capture_output=True,
            )  # fmt: skip
            pair = [Path(f"{made}.{kind}").read_bytes() for kind in ("key", "crt")]
        credentials = grpc.ssl_server_credentials([tuple(pair)], store, VERIFIES.exists())
        server.add_secure_port(f"{address}:{grpc_port}", credentials)
    else:
        server.add_insecure_port(f"{address}:{grpc_port}")
    server.start()
    web = ThreadingHTTPServer((address, gateway_port), Api)
    if len(pair) == 2:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(settings["cert"], settings["key"])
        web.socket = tls.wrap_socket(web.socket, server_side=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    if RUN_AS.exists():
        os.setgid(int(user))
        os.setuid(int(user))
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
