"""Right answers, and the refusals of answers that differ from them."""

from hypothesis import settings

from uds_stack.generate import answers

RIGHT = {
    "project_name": "My App",
    "project_slug": "my-app",
    "http_port": "8080",
    "socket_path": "/tmp/my-app/kestrel.sock",
    "proxy": "h2o",
    "https": False,
    "native_aot": False,
    "kubernetes": False,
}
many = settings(max_examples=200, deadline=None)


def refused(**wrong: object) -> list[str]:
    """What is refused where all other answers are right."""
    return answers.refusals({**RIGHT, **wrong})
