"""Laws of the forwarder."""

import re
import socket
import sys
import threading
from pathlib import Path

from tests.parts.process import Process

_PORT = re.compile(r"port (\d+)\n")


def test_bytes_pass_unchanged_in_both_directions(tmp_path: Path) -> None:
    """TLS ends where it does without the forwarder."""
    content = bytes(range(256)) * 8192
    with socket.create_server(("127.0.0.1", 0)) as origin:
        threading.Thread(target=answer, args=(origin, content), daemon=True).start()
        target = f"127.0.0.1:{origin.getsockname()[1]}"
        program = [sys.executable, "-m", "bench.evaluation.layouts.connection_limit"]
        command = [*program, "127.0.0.1:0", target, "500000000"]
        with Process(command, tmp_path / "log") as process:
            port = int(process.wait_until(lambda: _PORT.search(process.said()), 20)[1])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert received == b"question" + content


def answer(origin: socket.socket, content: bytes) -> None:
    """Send back what one client sent, and then the content."""
    connection, _ = origin.accept()
    with connection:
        question = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        connection.sendall(question + content)
