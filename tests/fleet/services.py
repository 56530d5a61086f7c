"""The real Prometheus and the real Alertmanager on loopback, and somebody whom Alertmanager tells."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from machine import product

FLEET = Path(__file__).resolve().parents[2] / "fleet"


@dataclass(frozen=True)
class Service:
    """One that runs; `port` on 127.0.0.1."""

    port: int
    process: "subprocess.Popen[bytes]"

    def get(self, path: str) -> Any:
        """What its API answers."""
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """What Prometheus says now: labels and values."""
        found = self.get(f"/api/v1/query?query={quote(expr)}")["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def value(self, expr: str) -> float | None:
        """Of an expression that has one; None while it has none."""
        found = self.query(expr)
        return found[0][1] if found else None

    def alerts(self, name: str, /, **labels: str) -> list[dict[str, Any]]:
        """Those of this name and these labels that Alertmanager knows, inhibited ones too."""
        known = self.get("/api/v2/alerts")
        wanted = {"alertname": name, **labels}.items()
        return [alert for alert in known if wanted <= alert["labels"].items()]


@dataclass
class Receiver:
    """A webhook: every alert that arrived, and when by the monotonic clock."""

    port: int = 0
    heard: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def told(self, name: str, status: str = "firing", /, **labels: str) -> list[float]:
        """When it was told of such an alert."""
        wanted = {"alertname": name, **labels}.items()
        return [at for at, alert in self.heard if alert["status"] == status and wanted <= alert["labels"].items()]


@contextmanager
def receiver() -> Iterator[Receiver]:
    heard = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.heard += [(time.monotonic(), alert) for alert in body["alerts"]]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield heard
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(folder: Path, port: int) -> Iterator[Service]:
    """With the prometheus.yml that lies in `folder`."""
    with _running(folder, port, "prometheus", f"--config.file={folder}/prometheus.yml",
                  f"--storage.tsdb.path={folder}/prometheus", f"--web.listen-address=127.0.0.1:{port}") as service:
        yield service


@contextmanager
def alertmanager(folder: Path, port: int, told: Receiver, **times: str) -> Iterator[Service]:
    """With fleet/alertmanager.yml, but for where it tells, and other `times`, each by its key in that file."""
    text = (FLEET / "alertmanager.yml").read_text().replace("127.0.0.1:9099", f"127.0.0.1:{told.port}")
    (folder / "alertmanager.yml").write_text(changed(text, **times))
    with _running(folder, port, "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
                  f"--storage.path={folder}/alertmanager", f"--web.listen-address=127.0.0.1:{port}",
                  "--cluster.listen-address=") as service:
        yield service


def changed(text: str, **times: str) -> str:
    """A configuration with other times; each key must be there."""
    for key, value in times.items():
        before, found, rest = text.partition(f"{key}: ")
        assert found, key
        text = f"{before}{found}{value}{rest[len(rest.split()[0]):]}"
    return text


def free_port() -> int:
    """One of loopback that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _running(folder: Path, port: int, *command: str) -> Iterator[Service]:
    log = folder / f"{command[0]}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--log.level=warn"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        product.wait_until(lambda: _is_ready(port) or process.poll() is not None, f"{command[0]} is ready")
        assert process.poll() is None, log.read_text()
        yield Service(port, process)
    finally:
        process.terminate()
        process.wait()


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5):
            return True
    except (OSError, HTTPException):
        return False
