"""The client for websockets, against a server that echoes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bench.compare.loadgen.websockets import ECHO, FRAME, connect, echo


@contextmanager
def serving(path: Path, answer: Callable[[int], bytes], status: str = "101 Switching Protocols") -> Iterator[str]:
    """Serve one connection on a socket: the handshake, then `answer` of each message's number; yield the address."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while not connection.recv(4096).endswith(b"\r\n\r\n"):
                    pass
                connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
                number = 0
                with suppress(ConnectionResetError):  # where the client leaves before the last answer
                    while connection.recv(4096) == FRAME:
                        number += 1
                        connection.sendall(answer(number))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix:{path}"
        thread.join()


def test_frame_is_masked_text() -> None:
    mask, masked = FRAME[2:6], FRAME[6:]
    assert FRAME[:2] == b"\x81\x8c"
    assert bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked)) == b"Hello World!"


def test_echoes_are_counted(tmp_path: Path) -> None:
    with serving(tmp_path / "socket", lambda _: ECHO) as address, connect(address, "/websocket") as connection:
        good, failed, seconds = echo([connection], 0.1)
        connection.close()
    assert good > 1
    assert failed == 0
    assert seconds >= 0.1


@pytest.mark.parametrize("wrong", [b"\x81\x0cHello Moon!!", b"\x88\x02\x03\xe9"], ids=["text", "close"])
def test_wrong_answer_has_failed(tmp_path: Path, wrong: bytes) -> None:
    answers = {1: ECHO, 2: wrong}
    with serving(tmp_path / "socket", answers.__getitem__) as address, connect(address, "/websocket") as connection:
        assert echo([connection], 10)[:2] == (1, 1)
        connection.close()


def test_server_without_websockets_is_an_error(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "socket", lambda _: b"", status="404 Not Found") as address,
        pytest.raises(ConnectionError, match="404"),
    ):
        connect(address, "/websocket")
