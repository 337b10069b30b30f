"""The proxy's 502 page: served without the app, and not for errors of the app."""

import re

import pytest

from tests.testkit.raw import exchange, head
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine

PAGE = "Back in a moment"


@pytest.mark.native
def test_proxy_serves_its_502_page_without_the_app(changing_stack: Project, port: int) -> None:
    changing_stack.compose("stop", "app")

    for request in (
        head("/any/page?a=b"),
        head("/events", "Accept: text/event-stream"),
        head("/echo", "Content-Length: 3", method="POST") + b"abc",
    ):
        response = exchange(port, request)
        assert response.status == 502
        assert response.headers["retry-after"] == "1"
        assert response.headers["content-type"].startswith("text/html")
        assert PAGE in response.text
        assert not re.search(r"\d", response.headers.get("server", ""))


@pytest.mark.parametrize("status", [400, 404, 500, 501, 503, 504])
def test_proxy_passes_errors_of_the_app(port: int, status: int) -> None:
    response = exchange(port, head(f"/response?status={status}&bytes=7"))

    assert (response.status, response.text) == (status, "xxxxxxx")
    assert "retry-after" not in response.headers


def test_proxy_passes_502_of_the_app_unless_it_is_h2o(port: int, proxy: str) -> None:
    """H2O's error-doc replaces every 502."""
    response = exchange(port, head("/response?status=502&bytes=7"))

    assert response.status == 502
    if proxy == "h2o":
        assert PAGE in response.text
    else:
        assert response.text == "xxxxxxx"


def test_502_page_has_no_url_unless_the_proxy_is_h2o(port: int, proxy: str) -> None:
    """H2O's error-doc is an ordinary path."""
    assert exchange(port, head("/502.html")).status == (200 if proxy == "h2o" else 404)
