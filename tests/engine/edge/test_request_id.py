"""One id for a request: the app's trace id, in the response and in both logs; a visitor cannot choose it."""

import json

import pytest

from tests.testkit.process import eventually, run
from tests.testkit.raw import exchange, head
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine

TRACE = "0123456789abcdef0123456789abcdef"
CHOSEN = (f"traceparent: 00-{TRACE}-0123456789abcdef-01", f"X-Request-ID: {TRACE}")


def log(stack: Project, service: str) -> list[dict[str, object]]:
    """Return the entries that a service's container has written to stdout."""
    lines = run("docker", "logs", stack.compose("ps", "--quiet", service).stdout.strip()).stdout.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.mark.native
def test_response_and_both_logs_have_one_id(stack: Project, proxy: str, port: int) -> None:
    request_id = exchange(port, head("/throw?seconds=0")).headers["x-request-id"]

    eventually(
        lambda: any(entry.get("id") == request_id for entry in log(stack, proxy)), "the id in the proxy's access log"
    )
    eventually(
        lambda: any(request_id in json.dumps(entry.get("Scopes")) for entry in log(stack, "app")),
        "the id in the app's log",
    )


@pytest.mark.native
def test_visitor_cannot_choose_the_id(stack: Project, port: int) -> None:
    response = exchange(port, head("/request/", *CHOSEN))

    assert TRACE not in response.headers["x-request-id"]
    assert TRACE not in response.text


def test_log_says_that_there_is_no_id_while_the_app_is_away(changing_stack: Project, proxy: str, port: int) -> None:
    changing_stack.compose("stop", "app")

    assert exchange(port, head("/without-an-app")).status == 502

    def entries() -> list[dict[str, object]]:
        return [entry for entry in log(changing_stack, proxy) if "/without-an-app" in json.dumps(entry)]

    eventually(entries, "the entry of the request")
    assert [entry["id"] in (None, "", "-") for entry in entries()] == [True]
