"""The status page of the real daemon in a real browser: light and dark, on a phone, and as it is read aloud."""

from collections.abc import Iterator

import pytest

from browser.chromium import Browser
from machine import product
from machine.machine import CannotBootError, Machine

HERE = "http://127.0.0.1:9753/"
EVIL = f"/mnt/<img src=x onerror=alert(1)>{80 * 'x'}"
SAID = "2 issues: 1 critical, 1 high."
CONFIGURATION = 'mode = "observe"\n[sense]\ninterval = "2s"\n[metrics]\nenable = true\n'
TEXTS = """(() => {
    const level = text => text.match(/[0-9.]+/g).map(Number);
    const linear = c => c <= 10 ? c / 255 / 12.92 : ((c / 255 + .055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
    const behind = light(level(getComputedStyle(document.body).backgroundColor));
    const texts = [...document.querySelectorAll('body *')].filter(e => !e.closest('svg') &&
        [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
    return texts.map(e => {
        const [high, low] = [light(level(getComputedStyle(e).color)), behind].sort((a, b) => b - a);
        return [e.textContent, (high + .05) / (low + .05)];
    });
})()"""
"""Each text of the page, and its contrast to what is behind it (WCAG 2.2, 1.4.3)."""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine on which a service has failed and a disk with a hostile name is full, and heald tells it."""
    try:
        with Machine.boot("heald-browser") as machine:
            product.make(machine, "install")
            machine.write("/etc/heald/heald.toml", CONFIGURATION)
            machine.run("systemctl", "start", "heald.service")
            product.add_service(machine, "shop.service")
            product.kill(machine, "shop.service")
            machine.run("sh", "-c", 'mkdir "$1" && mount -t tmpfs -o size=1m full "$1" && cat /dev/zero > "$1/zeros"',
                        "sh", EVIL, check=False)
            product.wait_until(lambda: SAID in machine.run("curl", "-s", HERE, check=False).stdout, "it is told")
            yield machine
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


@pytest.fixture(scope="module")
def browser(machine: Machine) -> Iterator[Browser]:
    """chromium from this host, in the machine's network."""
    with Browser.open(("nsenter", f"--target={machine.leader}", "--net", "--")) as browser:
        yield browser


def test_it_needs_no_script_and_loads_nothing(browser: Browser) -> None:
    browser.visit(HERE, scripts=False)
    assert [sent["request"]["url"] for sent in browser.all("Network.requestWillBeSent")] == [HERE]
    heard = [name for _, name in browser.heard()]
    assert SAID in heard
    assert "What is wrong now" in heard


def test_the_browser_finds_nothing_to_complain_of(browser: Browser) -> None:
    browser.visit(HERE)
    assert browser.all("Log.entryAdded") == []      # the policy would tell what it kept from loading or running
    assert browser.all("Page.javascriptDialogOpening") == []
    assert browser.evaluate("document.compatMode") == "CSS1Compat"
    assert browser.evaluate("document.querySelectorAll('script, img, [style]').length") == 0


@pytest.mark.parametrize("width", [1000, 320])
def test_what_is_read_aloud(browser: Browser, width: int) -> None:
    """Headings, the heads of columns and rows, and words for what a colour says; on a phone too."""
    browser.visit(HERE, width=width)
    heard = browser.heard()
    headings = [name for role, name in heard if role == "heading"]
    assert headings[0].endswith(": health 40 of 100")
    assert headings[1:] == ["What is wrong now", "The last day", "What was done", "What went wrong", "heald itself"]
    regions = [name for role, name in heard if role == "region"]
    assert regions == headings[1:]
    columns = [name for role, name in heard if role == "columnheader"]
    wide = ["Severity", "What", "Since", "What heald does", "Opened", "What", "Severity", "Outcome", "Over"]
    assert columns == (wide if width > 600 else [name for name in wide if name not in {"Since", "Over"}])
    rows = [name for role, name in heard if role == "rowheader"]
    assert sorted(name.partition(" unit-failed")[0].partition(" disk-full")[0] for name in rows) == [
        EVIL, EVIL, "shop.service", "shop.service"]
    texts = [name.strip() for role, name in heard if role == "StaticText"]
    assert (texts.count("critical"), texts.count("high")) == (2, 2)     # the words, and none of the shapes before them
    assert not set("◆▲■●") & set("".join(texts))
    assert any("Health, from 100 down to 0: lowest 40, at " in name for _, name in heard)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out(browser: Browser, dark: bool) -> None:
    browser.visit(HERE, dark=dark)
    behind = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert behind == ("rgb(21, 24, 27)" if dark else "rgb(251, 251, 250)")
    texts = browser.evaluate(TEXTS)
    assert len(texts) > 20
    assert [(text, contrast) for text, contrast in texts if contrast < 4.5] == []


@pytest.mark.parametrize("width", [320, 360, 540, 550, 800, 1600])
def test_nobody_scrolls_sideways(browser: Browser, width: int) -> None:
    browser.visit(HERE, width=width)
    assert browser.size[0] == width


def test_the_chart_is_as_wide_as_there_is_room(browser: Browser) -> None:
    for width in (320, 1000):
        browser.visit(HERE, width=width)
        lanes = browser.evaluate("[...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect().width)")
        assert len(lanes) == 3
        assert all(width / 2 < lane < width for lane in lanes)
