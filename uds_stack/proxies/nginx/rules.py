"""Read and validate nginx.conf, and check what nginx alone has."""

from __future__ import annotations

import posixpath
import re

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.proxy import Ask, Proxy, Syntax, Version
from uds_stack.check.question import Answer
from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.values import is_on
from uds_stack.proxies.nginx.config import NginxConfig, error_pages, read
from uds_stack.proxies.nginx.directives import (
    Directive,
    dumped,
    includes,
    parse,
    resolve,
    seconds,
    size,
)

REJECTED = 1  # the exit code of `nginx -t`
TEMP_PATHS = tuple(f"{name}_temp_path" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
MIN_HEADERS = 16 << 10  # bytes
UPGRADE = "proxy_set_header Upgrade $http_upgrade;"
CONNECTION = "proxy_set_header Connection $connection_upgrade;, and the map of that name"
ONE_FILE = "with `internal` and `root /etc/nginx`"


class Nginx(Proxy):
    """nginx 1.30 or newer."""

    service = "nginx"
    name = "nginx"
    config_path = "/etc/nginx/nginx.conf"
    config_option = "-c"
    validator = "nginx -t"
    stop_signals = r"(SIG)?QUIT|3"
    version = Version((1, 30), ("nginx", "-v"), "loses requests at a reload: it does not know keepalive_min_timeout")
    syntax = Syntax(
        listen="write the port alone",
        upstream="write server unix:{socket};",
        preserve_host="write proxy_set_header Host $host$is_request_port$request_port;",
        strip_header='write proxy_set_header {header} "";',
        keepalive="keepalive_timeout",
        set_header={
            "X-Forwarded-For": "write proxy_set_header X-Forwarded-For $remote_addr;",
            "X-Forwarded-Proto": "write proxy_set_header X-Forwarded-Proto $scheme;",
        },
        serve_all="leave text/event-stream out of gzip_types",
    )

    def parse(self, file: str, text: str, path: str, ask: Ask) -> NginxConfig:
        """Return what nginx.conf says; for files that it includes, nginx is asked."""
        root, problem = parse(file, text)
        missing = []
        if includes(root):
            answer = ask(["nginx", "-T", "-q", "-c", path])
            files = dumped(answer.result.out) if answer and answer.result.code == 0 else {}
            missing = resolve(root, posixpath.dirname(path), files)
        return read(root, problem, missing)

    def validate(self, path: str) -> list[str]:
        """Return `nginx -t` for a file."""
        return ["nginx", "-t", "-c", path]

    def explain(self, answer: Answer) -> tuple[int, str] | None:
        """Return the line and the message of what `nginx -t` rejects."""
        found = re.search(r"(?m)^(?:nginx:|\S+ \S+) \[emerg\] (?:\d+#\d+: )?(.*)$", answer.result.err)
        if answer.result.code != REJECTED or not found:
            return None
        line = re.search(r" in /[^ ]*:(\d+)$", found[1])
        return int(line[1]) if line else 1, re.sub(r" in /[^ ]*:\d+$", "", found[1])[:300]

    def duration(self, seconds: float) -> str:
        """Return seconds as nginx writes them."""
        return f"{seconds:g}s"


def _root(project: Project) -> Directive:
    config = project.config
    root = config.root if isinstance(config, NginxConfig) else None
    return root or Directive("", [], (config.file, 1))


def _http(project: Project) -> Directive | None:
    """Return the block `http` of a file that was read in full."""
    return next(iter(_root(project).children("http")), None) if project.config.complete else None


@rule("nginx-temp-path", ERROR, "nginx does not start where it cannot make its pid file and its folders")
def write_into_tmpfs(project: Project, model: Model) -> Violations:
    """It makes them all at its start, on a root file system that is read-only."""
    http, root = _http(project), _root(project)
    read_only = is_on(model.get(Nginx.service, "read_only"))
    settings = [(root, "pid"), *((http, name) for name in TEMP_PATHS)] if http and read_only else []
    for block, name in settings:
        if block:
            set_here = block.setting(name)
            held = model.mount_of(Nginx.service, set_here.value) if set_here else None
            if not held or not held[0].writable:
                path = set_here.value if set_here else "its default"
                place = set_here.place if set_here else block.start
                default = "/tmp/" + ("nginx.pid" if name == "pid" else name.removesuffix("_temp_path"))  # noqa: S108
                yield place, f"{name} is {path}, which is read-only", f"write {name} {default};"


@rule("nginx-log", ERROR, "nginx does not start where it cannot open its log; a log in /tmp fills the memory")
def log_to_stdout(project: Project, model: Model) -> Violations:
    """Its default is a file."""
    http = _http(project)
    logs = list(_root(project).descendants("access_log", "error_log"))
    for log in logs:
        if not re.match(r"/dev/std(out|err)$|stderr$|off$|syslog:", log.value):
            yield log.place, f"{log.name} is the file {log.value}", f"write {log.name} /dev/std{_stream(log)}"
    if http and not http.children("access_log"):
        yield http.place, "access_log is not set, and its default is a file", "write access_log /dev/stdout;"


def _stream(log: Directive) -> str:
    return "out json;" if log.name == "access_log" else "err warn;"


@rule("nginx-daemon", ERROR, "The container ends where nginx leaves the foreground; nginx rejects two `daemon`")
def stay_in_foreground(project: Project, model: Model) -> Violations:
    """`nginx -t` does not see the command of the container."""
    words = " ".join(model.texts(Nginx.service, "command") + model.texts(Nginx.service, "entrypoint"))
    command = words or project.dockerfile(model, Nginx.service).text
    of_command = re.search(r"daemon\s+off", command)
    written = _root(project).children("daemon")
    for one in written:
        if of_command:
            yield one.place, "daemon is set here and in the command of the container", "remove this line"
    known = "nginx" in words or re.search(r"(?m)^(CMD|ENTRYPOINT).*nginx", command)
    if known and not of_command and not written and project.config.complete:
        key = "entrypoint" if model.texts(Nginx.service, "entrypoint") else "command"
        remedy = f'write {key}: [nginx, -g, "daemon off;"]'
        yield project.at(Nginx.service, key), "nginx runs in the background, and the container ends", remedy


@rule("nginx-http-version", ERROR, "HTTP/1.0 has no websockets, no chunked bodies and no idle connections")
def speak_http_1_1(project: Project, model: Model) -> Violations:
    """1.1 is the default since 1.29.7."""
    for one in _root(project).descendants("proxy_http_version"):
        if one.value == "1.0":
            yield one.place, "nginx asks the app over HTTP/1.0", "write proxy_http_version 1.1;"


@rule("nginx-upgrade", WARNING, "A websocket fails without both headers; a fixed Connection ends idle connections")
def pass_upgrades(project: Project, model: Model) -> Violations:
    """nginx passes on neither by itself."""
    for proxied in _site_passes(project):
        headers = {one.value.lower(): one for one in (proxied.parent or proxied).inherited("proxy_set_header")}
        values = {name: one.arg(1) for name, one in headers.items()}
        place = next(iter(headers.values()), proxied).place
        if values.get("upgrade") != "$http_upgrade":
            problem = "the header Upgrade is not passed on, and websockets fail"
            yield headers["upgrade"].place if "upgrade" in headers else place, problem, f"write {UPGRADE}"
        if not values.get("connection", "").startswith("$"):
            problem = "the header Connection does not follow Upgrade"
            yield headers["connection"].place if "connection" in headers else place, problem, f"write {CONNECTION}"


def _site_passes(project: Project) -> list[Directive]:
    """Return each proxy_pass of HTTP, without those of a single path."""
    found = _root(project).descendants("proxy_pass") if project.config.complete else ()
    return [one for one in found if one.parent and "=" not in one.parent.args[:1]]


@rule("nginx-retry", ERROR, "A POST that is sent twice may be done twice")
def retry_no_post(project: Project, model: Model) -> Violations:
    """The app may have done it before its connection ended."""
    for one in _root(project).descendants("proxy_next_upstream"):
        if "non_idempotent" in one.args:
            yield one.place, "non_idempotent sends a POST a second time", "remove non_idempotent"


@rule("nginx-reload", WARNING, "A reload closes idle connections under a visitor's next request")
def keep_idle_connections(project: Project, model: Model) -> Violations:
    """Since 1.27.4."""
    http = _http(project)
    kept = http.setting("keepalive_min_timeout") if http else None
    if http and not (kept and seconds(kept.value)):
        problem = "keepalive_min_timeout is 0, and a reload loses requests"
        yield kept.place if kept else http.start, problem, "write keepalive_min_timeout 5s;"


@rule("nginx-body-size", WARNING, "The default of 1 MB rejects what the app accepts; 0 has no limit at all")
def limit_body(project: Project, model: Model) -> Violations:
    """Kestrel's own limit is 30 MB."""
    http = _http(project)
    limits = list(_root(project).descendants("client_max_body_size"))
    for one in limits:
        if size(one.value) == 0:
            yield one.place, "client_max_body_size is 0: there is no limit", "write client_max_body_size 10m;"
    if http and not limits:
        yield http.place, "client_max_body_size is not set, and 1 MB is its default", "write client_max_body_size 10m;"


@rule("nginx-buffers", WARNING, "A login's cookies and tokens meet a 400, or a 502 on their way back")
def pass_large_headers(project: Project, model: Model) -> Violations:
    """The defaults are 8 KB of a request and 4 KB of a response."""
    http = _http(project)
    for name, index, line in (("large_client_header_buffers", 1, " 4 32k;"), ("proxy_buffer_size", 0, " 32k;")):
        found = list(http.descendants(name)) if http else []
        for one in found:
            if (size(one.arg(index)) or 0) < MIN_HEADERS:
                yield one.place, f"{name} is {' '.join(one.args)}, less than a login needs", f"write {name}{line}"
        if http and not found:
            yield http.place, f"{name} is not set, and its default is less than a login needs", f"write {name}{line}"


@rule("nginx-error-page", WARNING, "nginx asks the app that is away for the page that says so")
def serve_error_page(project: Project, model: Model) -> Violations:
    """The page needs a location of its own."""
    for page, uri, location in error_pages(_root(project)) if project.config.complete else ():
        if location.children("proxy_pass") or not location.inherited("root"):
            yield page.place, f"no location serves {uri} from a file", f"add location = {uri} {ONE_FILE}"


@rule("nginx-version-shown", WARNING, "The version tells which attacks are worth a try")
def hide_version(project: Project, model: Model) -> Violations:
    """It is in each answer, and on error pages."""
    http = _http(project)
    shown = http.setting("server_tokens") if http else None
    if http and not (shown and shown.value == "off"):
        yield shown.place if shown else http.place, "answers show the version of nginx", "write server_tokens off;"


@rule("nginx-tls", ERROR, "TLS 1.0 and 1.1 are broken, and browsers refuse them")
def use_current_tls(project: Project, model: Model) -> Violations:
    """The default is 1.2 and 1.3."""
    for one in _root(project).descendants("ssl_protocols"):
        for old in sorted({"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"} & set(one.args)):
            yield one.place, f"{old} is offered", "write ssl_protocols TLSv1.2 TLSv1.3;"


PROXY = Nginx()
