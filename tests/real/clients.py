"""Clients that try to reach the agents' services: run inside a lab.

Reads a JSON list of attempts (see `Attempt`) from standard input and writes a JSON list of what each
was told. An answer that decides nothing (the rate limit, a service that is busy) is asked for again.
`python clients.py hold` keeps one thing open instead and answers line by line: see `hold`; with `each-line` there is
a list on each line, for as long as lines come.
"""

import dataclasses
import http.client
import json
import socket
import ssl
import sys
import threading
import time

import h2.config
import h2.connection
import h2.events

PACKAGE = "f5.nginx.agent.sdk"
METHOD = "LabProbe"  # a method that no service has
STREAM = "CommandChannel"
UNDECIDED_HTTP = (429, 503)
UNDECIDED_GRPC = (8,)  # RESOURCE_EXHAUSTED: how a gateway may word 429
EMPTY_MESSAGE = b"\0\0\0\0\0"


@dataclasses.dataclass(frozen=True)
class Attempt:
    marker: str = ""
    service: str = "Commander"
    client: str = "h2"  # grpcio | h2 | http1
    address: str = "127.0.0.1"
    port: int = 443
    source: str | None = None  # the client's own address (grpcio cannot choose it)
    sni: str | None = None  # None: no name is sent (grpcio always sends one)
    authority: str = ""  # :authority or Host; empty: the name sent, else the address
    ca: str | None = None  # None: any server is trusted (not with grpcio)
    cert: str | None = None
    key: str | None = None

    @property
    def path(self) -> str:
        return f"/{PACKAGE}.{self.service}/{METHOD}"

    @property
    def host(self) -> str:
        return self.authority or self.sni or self.address


@dataclasses.dataclass
class Told:
    """What a client was told. All empty but `error`: no answer came."""

    http: int | None = None
    grpc: int | None = None
    error: str = ""

    @property
    def undecided(self) -> bool:
        return self.http in UNDECIDED_HTTP or self.grpc in UNDECIDED_GRPC or "status: 429" in self.error


def content(path: str | None) -> bytes | None:
    return open(path, "rb").read() if path else None


def by_grpcio(attempt: Attempt) -> Told:
    # Here, because it takes as long to load as all else together, and most attempts do without it.
    import grpc

    credentials = grpc.ssl_channel_credentials(content(attempt.ca), content(attempt.key), content(attempt.cert))
    options = [("grpc.ssl_target_name_override", attempt.sni or attempt.address)]
    with grpc.secure_channel(f"{attempt.address}:{attempt.port}", credentials, options) as channel:
        try:
            call = channel.unary_unary(attempt.path)
            call(b"", timeout=10, metadata=[("x-attempt", attempt.marker)])
        except grpc.RpcError as error:
            return Told(grpc=error.code().value[0], error=error.details() or "")
    return Told(grpc=0)


def context(attempt: Attempt, protocol: str) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname = attempt.ca is not None and attempt.sni is not None
    found.verify_mode = ssl.CERT_REQUIRED if attempt.ca else ssl.CERT_NONE
    found.set_alpn_protocols([protocol])
    if attempt.ca:
        found.load_verify_locations(attempt.ca)
    if attempt.cert:
        found.load_cert_chain(attempt.cert, attempt.key)
    return found


def dial(attempt: Attempt, tls: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    source = (attempt.source, 0) if attempt.source else None
    plain = socket.create_connection((attempt.address, attempt.port), 10, source)
    return tls.wrap_socket(plain, server_hostname=attempt.sni, session=session)


def ask_h2(attempt: Attempt, connection: ssl.SSLSocket) -> Told:
    if connection.selected_alpn_protocol() != "h2":
        return Told(error="the server does not speak HTTP/2")
    told = Told()
    h2c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    h2c.initiate_connection()
    h2c.send_headers(1, [
        (":method", "POST"), (":scheme", "https"), (":path", attempt.path), (":authority", attempt.host),
        ("content-type", "application/grpc"), ("te", "trailers"), ("x-attempt", attempt.marker),
    ])  # fmt: skip
    h2c.send_data(1, EMPTY_MESSAGE, end_stream=True)
    while True:
        connection.sendall(h2c.data_to_send())
        data = connection.recv(65536)
        if not data:
            told.error = "connection closed"
            return told
        for event in h2c.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                headers = {text(name): text(value) for name, value in event.headers}
                told.http = int(headers.get(":status", told.http or 0)) or None
                told.grpc = int(headers["grpc-status"]) if "grpc-status" in headers else told.grpc
            elif isinstance(event, h2.events.StreamEnded):
                return told
            elif isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                told.error = type(event).__name__
                return told


def text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def ask_http1(attempt: Attempt, connection: ssl.SSLSocket) -> Told:
    http1 = http.client.HTTPConnection(attempt.host)
    http1.sock = connection
    headers = {"Host": attempt.host, "Content-Type": "application/grpc", "TE": "trailers", "x-attempt": attempt.marker}
    http1.request("POST", attempt.path, EMPTY_MESSAGE, headers)
    answer = http1.getresponse()
    answer.read()
    status = answer.getheader("grpc-status")
    return Told(http=answer.status, grpc=int(status) if status else None)


def once(attempt: Attempt) -> Told:
    try:
        if attempt.client == "grpcio":
            return by_grpcio(attempt)
        protocol, ask = {"h2": ("h2", ask_h2), "http1": ("http/1.1", ask_http1)}[attempt.client]
        with dial(attempt, context(attempt, protocol)) as connection:
            return ask(attempt, connection)
    except (OSError, http.client.HTTPException) as error:
        return Told(error=f"{type(error).__name__}: {error}")


def decided(attempt: Attempt) -> Told:
    for _ in range(20):
        told = once(attempt)
        if not told.undecided:
            return told
        time.sleep(1.1)  # the strictest limit of the product lets one request a second in
    raise SystemExit(f"no decision in 20 tries: {attempt}: {told}")


class HeldStream:
    """A stream that sends a message every quarter of a second for as long as it can."""

    def __init__(self, attempt: Attempt) -> None:
        import grpc

        credentials = grpc.ssl_channel_credentials(content(attempt.ca), content(attempt.key), content(attempt.cert))
        self._channel = grpc.secure_channel(
            f"{attempt.address}:{attempt.port}", credentials, [("grpc.ssl_target_name_override", attempt.sni)]
        )
        call = self._channel.stream_stream(f"/{PACKAGE}.{attempt.service}/{STREAM}")
        self._answers = call(self._messages(), metadata=[("x-attempt", attempt.marker)])
        self._echoed = 0
        self._error = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _messages(self):  # noqa: ANN202
        while True:
            yield b"still here"
            time.sleep(0.25)

    def _read(self) -> None:
        import grpc

        try:
            for _ in self._answers:
                self._echoed += 1
        except grpc.RpcError as error:
            self._error = error.code().name

    def report(self) -> dict[str, object]:
        """The state one second from now, so that what is written in between can arrive."""
        before = self._echoed
        time.sleep(1)
        return {"echoed": self._echoed, "flowing": self._echoed > before and not self._error, "error": self._error}


class HeldSession:
    """A TLS session saved after a first request; each report resumes it and asks again."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._tls = context(attempt, "h2")
        with dial(attempt, self._tls) as connection:
            self._first = ask_h2(attempt, connection)
            # With TLS 1.3 the tickets arrive with the first bytes of the answer.
            self._session = connection.session

    def report(self) -> dict[str, object]:
        try:
            with dial(self._attempt, self._tls, self._session) as connection:
                resumed = connection.session_reused
                told = ask_h2(self._attempt, connection)
        except OSError as error:
            resumed, told = False, Told(error=str(error))
        return {"resumed": resumed, "first": dataclasses.asdict(self._first), **dataclasses.asdict(told)}


def hold() -> None:
    """First line: {"kind": "stream"|"session", "attempt": ...}. Each further line asks for a report."""
    order = json.loads(sys.stdin.readline())
    held = {"stream": HeldStream, "session": HeldSession}[order["kind"]](Attempt(**order["attempt"]))
    for _ in sys.stdin:
        print(json.dumps(held.report()), flush=True)


def each_line() -> None:
    """Lists of attempts, one a line, answered likewise: a process that many ask need not be started for each."""
    for line in sys.stdin:
        print(json.dumps([dataclasses.asdict(decided(Attempt(**each))) for each in json.loads(line)]), flush=True)


def main() -> None:
    attempts = [Attempt(**each) for each in json.load(sys.stdin)]
    json.dump([dataclasses.asdict(decided(attempt)) for attempt in attempts], sys.stdout)


if __name__ == "__main__":
    {"hold": hold, "each-line": each_line}.get(" ".join(sys.argv[1:]), main)()
