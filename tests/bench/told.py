"""What was measured, in words: names for people, tables with ratios, and how far a ratio may be off."""

from typing import Any

BASE = "systemd_0"
NAMES = {
    "systemd_0": "systemd RestartSec=0", "systemd_default": "systemd default", "monit_start": "monit start rule",
    "monit_restart": "monit restart rule", "heald_warm": "heald, warm helper", "heald_cold": "heald, cold helper",
}
STARTS = {"python": "python3 -IS -c pass", "version": "healctl --version", "check": "healctl check",
          "helper": "helper's imports"}
WATCHED = {"quiet": "while nothing happens", "churn": "beside 200 unit starts and stops a minute",
           "many": "beside 10,000 units that are well"}
MARGINS = (("heald_warm", BASE, 5.0), ("heald_cold", BASE, 20.0), ("heald_warm", "monit_start", 1.0))
"""Who may take how many times as long as whom: three times what was measured, so that noise does not fail it."""


def table(found: dict[str, Any]) -> list[str]:
    """For people: each figure, and beside those of one kind its ratio."""
    repairs, hops = found["repair_ms"], found["hops_ms"]
    lines = [f"From SIGKILL to a new main process, median of {found['rounds']}, and times {NAMES[BASE]}:"]
    lines += [f"  {NAMES[who]:24}{ms:8.1f} ms {ms / repairs[BASE]:8.2f}" for who, ms in repairs.items()]
    lines += [f"Where it goes, ms after the kill:{'warm':>8}{'cold':>8}"]
    lines += [f"  {hop:42}{ms:8.1f}{hops['cold'][hop]:8.1f}" for hop, ms in hops["warm"].items()]
    for name, units in found["watched"].items():
        lines += [f"{WATCHED[name].capitalize()}:"]
        lines += [f"  {unit:24}{of['cpu_percent']:8.3f} % CPU {of['wakes_per_second']:8.2f} wakes/s "
                  f"{of['pss_mib']:6.1f} MiB PSS {of['rss_mib']:6.1f} MiB RSS" for unit, of in units.items()]
    lines.append(f"The helper while it is there: {found['idle']['helper_pss_mib']:.1f} MiB PSS")
    lines.append(f"One look at everything: {found['detect_cpu_ms']:.2f} ms of CPU, {found['detect_ms']:.2f} ms")
    lines.append(f"The thresholds alone: {found['thresholds_us']:.0f} µs")
    lines.append("From exec to exit:")
    lines += [f"  {found['start_ms'][key]:8.1f} ms  {name}" for key, name in STARTS.items()]
    if "scale" not in found:
        return lines
    lines.append("So many fail at once, the storm's 30 s of patience included:")
    return lines + [f"  {of['failures']:>4}, {of['seen']:>4} seen: run again after {of['seconds']:5.1f} s, "
                    f"{of['cpu_ms_per_failure']:5.1f} ms of heald's CPU each, {of['pss_mib']:5.1f} MiB PSS"
                    for of in found["scale"]]
