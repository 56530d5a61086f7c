"""A trial of who reaches the metrics, with a kernel that filters."""

from pathlib import Path

from vm.doing import run, settle, wait_until

HERE = "http://192.0.2.7:9753/"


def beyond_loopback_metrics_need_root_s_drop_in() -> None:
    """The kernel filters what the unit sends and gets by the address of the other side."""
    run("busybox", "ip", "link", "set", "lo", "up")
    run("busybox", "ip", "address", "add", "192.0.2.7/32", "dev", "lo")
    settle('[metrics]\nenable = true\naddress = "192.0.2.7"\n')
    run("systemctl", "start", "heald.service")
    wait_until(lambda: f"are on {HERE}" in run("journalctl", "--unit=heald.service"), "it listens")
    asked = ("curl", "--silent", "--max-time", "10", f"{HERE}health")
    assert run(*asked, check=False) == ""
    drop_in = Path("/etc/systemd/system/heald.service.d/network.conf")
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text("[Service]\nIPAddressAllow=192.0.2.7\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "heald.service")
    wait_until(lambda: '"status": "ok"' in run(*asked, check=False), "it answers")
