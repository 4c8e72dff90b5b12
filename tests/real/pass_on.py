"""A balancer that passes TCP on as it comes: pass_on.py ADDRESS PORT TO PORT."""

import socket
import sys
import threading


def copy(source: socket.socket, sink: socket.socket) -> None:
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def main() -> None:
    address, port, to, to_port = sys.argv[1:]
    server = socket.create_server((address, int(port)))
    while True:
        client, _ = server.accept()
        behind = socket.create_connection((to, int(to_port)))
        for pair in ((client, behind), (behind, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


if __name__ == "__main__":
    main()
