"""The manager's services, as far as a gateway can tell: run inside a lab until ended.

Two gRPC servers on the manager's sockets, an HTTP server for the API. Every call and every message of
a stream is appended to the call log, which is what the tests believe: whatever a client was told, only
a line here means that it got through. Usage: upstream.py CALL_LOG
"""

import json
import os
import socketserver
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from http.server import BaseHTTPRequestHandler

import grpc

GRPC_SOCKETS = ("/var/run/nms/am.sock", "/var/run/nms/ingestion.sock")
API_SOCKETS = ("/var/run/nms/core.sock", "/var/run/nms/dpm.sock")
# What agents call: one stream in both directions, two that only take.
ECHOES = "CommandChannel"
TAKES = ("Stream", "StreamEvents")


class CallLog:
    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8")
        self._lock = threading.Lock()

    def add(self, **entry: object) -> None:
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()


class Service(grpc.GenericRpcHandler):
    """Knows the streams of agents; answers UNIMPLEMENTED to all others, as NIM does."""

    def __init__(self, socket: str, log: CallLog) -> None:
        self._socket = socket
        self._log = log

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        _, service, method = details.method.split("/")
        marker = dict(details.invocation_metadata).get("x-attempt")
        call = {"socket": self._socket, "service": service, "method": method, "attempt": marker}
        self._log.add(event="call", **call)
        if method != ECHOES and method not in TAKES:
            return None

        def answer(messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            for message in messages:
                self._log.add(event="message", **call)
                if method == ECHOES:
                    yield message

        return grpc.stream_stream_rpc_method_handler(answer)


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"service": "api", "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        pass


class ApiServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main() -> None:
    log = CallLog(sys.argv[1])
    for path in GRPC_SOCKETS:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), handlers=[Service(path, log)])
        server.add_insecure_port(f"unix:{path}")
        server.start()
        SERVERS.append(server)
    for path in API_SOCKETS:
        threading.Thread(target=ApiServer(path, Api).serve_forever, daemon=True).start()
    for path in (*GRPC_SOCKETS, *API_SOCKETS):
        os.chmod(path, 0o666)  # nginx's workers are another user
    print("ready", flush=True)
    sys.stdin.read()


# grpcio stops a server that nobody holds.
SERVERS: list[grpc.Server] = []

if __name__ == "__main__":
    main()
