"""What is asked of Prometheus, and what is made of its answers: also of one that lies, dawdles or says nothing."""

import asyncio
import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from heald import prometheus
from heald.errors import Code, HealdError
from heald.fleet import Fleet, Share

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: object, status: str = "200 OK", head: str = "Content-Type: application/json") -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    return f"HTTP/1.1 {status}\r\n{head}\r\n\r\n{text}".encode()


def counted(*found: tuple[str, str]) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"of": of}, "value": [1795651200.1, number]} for of, number in found]}}


@asynccontextmanager
async def served(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Where it answers; nobody is connected any more at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            tasks.add(task)
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass                    # who asked has gone
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def ask(serve: Serve, way: str = "http", tls: ssl.SSLContext | None = None) -> Share:
    async def story() -> Share:
        async with served(serve, tls) as where:
            return await prometheus.share("unit-failed", "shop.service", Fleet(f"{way}://{where}/base"))
    return asyncio.run(story())


def says(text: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        writer.close()
    return serve


def test_a_true_answer() -> None:
    assert ask(says(answer(counted(("ill", "370"), ("all", "1000"))))) == Share(370, 1000)
    assert ask(says(answer(counted(("all", "1000"))))) == Share(0, 1000)


def test_what_is_asked() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer(counted(("all", "1"))))
        writer.close()

    ask(serve)
    line, host, *_ = heard[0].decode().splitlines()
    assert line.startswith("GET /base/api/v1/query?query=label_replace%28sum%28fleet%3Aheald_issue_info%3Acount%7Bkind")
    assert line.endswith(" HTTP/1.0")
    assert host.startswith("Host: 127.0.0.1:")


@pytest.mark.parametrize(("subject", "written"), [
    ("shop.service", '"shop.service"'),
    (r"dev-disk-by\x2duuid.mount", r'"dev-disk-by\\x2duuid.mount"'),
    ('a"} or vector(1) #', r'"a\"} or vector(1) #"'),
    ("a\nb", r'"a\nb"'),
    ("/srv/Größe", '"/srv/Größe"'),
])
def test_a_subject_stays_one_text(subject: str, written: str) -> None:
    asked = prometheus.question("unit-failed", subject, Fleet(labels=(("role", "w\"b"),)))
    assert f'sum(fleet:heald_issue_info:count{{kind="unit-failed",name={written},role="w\\"b"}})' in asked
    assert 'sum(fleet:heald_machines:count{role="w\\"b"})' in asked


def test_a_name_that_is_no_text_can_be_asked_about() -> None:
    async def story() -> None:
        with pytest.raises(HealdError, match="Connection refused"):
            await prometheus.share("disk-full", "/mnt/\udc80", Fleet("http://127.0.0.1:1"))
    asyncio.run(story())


@pytest.mark.parametrize(("text", "why"), [
    (b"", "its answer is no HTTP"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "its answer is no HTTP"),
    (b"HTTP/1.1 \r\n\r\n", "its answer is no HTTP"),
    (answer("", "302 Found", "Location: http://127.0.0.1:1/"), "it answers with status 302"),
    (answer("", "503 Service Unavailable"), "it answers with status 503"),
    (answer({"status": "error"}, "422 Unprocessable Entity"), "it answers with status 422"),
    (answer("<html><body>Please log in</body></html>"), "its answer is none of Prometheus's"),
    (answer(""), "its answer is none of Prometheus's"),
    (answer(json.dumps(counted(("all", "9")))[:-9]), "its answer is none of Prometheus's"),
    (answer({"data": {"result": {}}, "status": "success"}), "it has not counted the machines"),
    (answer({"data": {"result": [[1, "2"]]}}), "its answer is none of Prometheus's"),
    (answer(counted(("all", "NaN"))), "its answer is none of Prometheus's"),
    (answer(counted(("all", "+Inf"))), "its answer is none of Prometheus's"),
    (answer("[" * 60000), "its answer is none of Prometheus's"),
    (answer("\xff\xfe"), "its answer is none of Prometheus's"),
    (answer([]), "its answer is none of Prometheus's"),
    (answer(counted()), "it has not counted the machines"),
    (answer(counted(("ill", "3"), ("all", "2"))), "it has counted 3 of 2 machines"),
    (answer(counted(("ill", "-3"), ("all", "2"))), "it has counted -3 of 2 machines"),
    (answer(" " * 70000), "its answer is longer than 64 KiB"),
])
def test_an_answer_that_is_none(text: bytes, why: str) -> None:
    with pytest.raises(HealdError) as caught:
        ask(says(text))
    assert caught.value.code is Code.UNREACHABLE
    assert str(caught.value).startswith("Prometheus at http://127.0.0.1:")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever: what a time limit for each read would never end."""
    while not writer.is_closing():
        writer.write(b"H")
        await asyncio.sleep(0.01)


async def never_closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(counted(("all", "9"))))
    await reader.read()


async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(answer(counted(("all", "9"))))
    await reader.read()


async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


@pytest.mark.parametrize("serve", [silent, dripping, never_closing])
def test_one_that_does_not_end_is_left(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "TIMEOUT", 0.2)
    with pytest.raises(HealdError, match=r"no answer in 0.2 s$"):
        ask(serve)


def test_one_that_floods_is_left() -> None:
    with pytest.raises(HealdError, match="longer than 64 KiB"):
        ask(flooding)


def test_no_tls_is_no_answer() -> None:
    with pytest.raises(HealdError, match=r"https://127.0.0.1:\d+/base cannot be asked: WRONG_VERSION_NUMBER"):
        ask(greeting, "https")


def test_the_loop_goes_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """heald heals other things while it waits for an answer."""
    monkeypatch.setattr(prometheus, "TIMEOUT", 0.3)

    async def story() -> int:
        turns = 0
        async with served(silent) as where:
            asked = asyncio.create_task(prometheus.share("unit-failed", "shop.service", Fleet(f"http://{where}")))
            began = time.monotonic()
            while not asked.done():
                turns += 1
                await asyncio.sleep(0.001)
            assert time.monotonic() - began < 30
            with pytest.raises(HealdError):
                await asked
        return turns
    assert asyncio.run(story()) > 5


def certificate(folder: Path) -> str:
    """A new one of 127.0.0.1, which nobody trusts; its key lies beside it."""
    file = folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=heald", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key.pem",
                    "-out", str(file)], check=True, capture_output=True)
    return str(file)


def test_https_is_asked_of_whom_the_machine_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, tmp_path / "key.pem")
    true = says(answer(counted(("ill", "1"), ("all", "9"))))
    with pytest.raises(HealdError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(true, "https", context)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    assert ask(true, "https", context) == Share(1, 9)
