"""Compression of text for clients that accept gzip."""

import gzip

import pytest

from tests.testkit.raw import exchange, head

pytestmark = pytest.mark.engine

TEXT = [
    "text/plain",
    "text/html",
    "text/html; charset=utf-8",
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "image/svg+xml",
]


def path(media_type: str) -> str:
    """Return the path of a response of 10,000 bytes of that type."""
    return "/response?bytes=10000&type=" + media_type.replace("+", "%2B").replace(" ", "%20")


@pytest.mark.parametrize("media_type", TEXT)
def test_text_is_compressed_for_clients_that_accept_gzip(port: int, media_type: str) -> None:
    response = exchange(port, head(path(media_type), "Accept-Encoding: gzip, deflate, br"))

    assert response.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in response.headers["vary"].lower()
    assert gzip.decompress(response.body) == b"x" * 10_000


@pytest.mark.parametrize(
    "asks", [[], ["Accept-Encoding: identity"], ["Accept-Encoding: br"], ["Accept-Encoding: gzip;q=0"]]
)
def test_text_is_not_compressed_for_other_clients(port: int, asks: list[str]) -> None:
    response = exchange(port, head(path("text/plain"), *asks))

    assert "content-encoding" not in response.headers
    assert response.body == b"x" * 10_000


@pytest.mark.parametrize(
    "media_type",
    ["text/event-stream", "text/event-stream; charset=utf-8", "image/png", "application/octet-stream", "video/mp4"],
)
def test_event_streams_and_binary_types_are_not_compressed(port: int, media_type: str) -> None:
    response = exchange(port, head(path(media_type), "Accept-Encoding: gzip"))

    assert "content-encoding" not in response.headers
    assert response.body == b"x" * 10_000
