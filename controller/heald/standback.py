"""When heald keeps its hands off, and why. Pure. No rule overrides it: in doubt systemd and the person come first."""


from heald.model import Issue
from heald.readings import Machine, Unit

OWN = ("heald.", "heald-")
HOPELESS = range(200, 244)
"""systemd's own exit statuses, when it could not even execute a command: systemd.exec(5)."""


LASTING = ("own", "paused", "masked", "stopped", "reload", "cluster", "failure-action", "conflicts", "needs",
           "exit")
"""Reasons that do not pass by themselves: a person must do something."""


def reason(issue: Issue, machine: Machine, now: float, *, halted: bool = False, taken: bool = False) -> str:
    """One line that begins with the reason's word and a colon, or "" when there is none.

    `halted`: a person was seen to stop it. `taken`: its stop was systemd's, as what it requires went down.
    """
    for name in (issue.subject, issue.target):      # itself, or the unit that would be acted on for it
        if end := machine.paused.get(name):
            return f"paused: by a person until {end}; healctl resume {name}"
    unit = issue.unit
    whole = _machine(machine, now)
    if whole or unit is None:
        return whole
    at_work = _at_work(unit)
    if at_work or not (halted or (stopped(unit) and not taken)):
        return at_work or _better_not(unit, machine)
    return f"stopped: a person stopped {unit.name}; systemctl start it if it should run"


def _machine(machine: Machine, now: float) -> str:
    if machine.shutting_down or machine.system_state == "stopping":
        return "shutdown: the machine is going down"
    if machine.sleeping:
        return "sleep: the machine is going to sleep"
    if machine.woke is not None and now - machine.woke < 60:
        return "woke: the machine woke less than a minute ago"
    if machine.system_state == "maintenance":
        return "boot: the machine is in rescue or emergency mode"
    if machine.system_state in {"initializing", "starting"} and machine.up < 600:
        return "boot: the machine is still starting"
    if machine.packages:
        return f"packages: {machine.packages} is at work and keeps the machine from going down"
    if machine.switching:
        return "switch: a NixOS generation is being switched to"
    return ""


def _at_work(unit: Unit) -> str:
    """It is not ours, or systemd's just now."""
    name = unit.name
    if name.startswith(OWN):
        return f"own: {name} is a part of heald"
    if unit.load_state == "masked":
        return f"masked: {name} is masked; systemctl unmask it if it should run"
    if unit.sub_state == "auto-restart":
        return f"restarting: systemd itself is starting {name} again"
    if unit.job or unit.active_state in {"activating", "deactivating"}:
        return f"job: systemd is at work on {name}"
    return ""


def _better_not(unit: Unit, machine: Machine) -> str:
    """A start would not help, or do harm."""
    name = unit.name
    if unit.reload:
        return f"reload: the files of {name} were changed; systemctl daemon-reload, if they are as they should be"
    if unit.clustered:
        return f"cluster: pacemaker decides where {name} runs"
    if unit.failure_action:
        return f"failure-action: {name} has {unit.failure_action}: its end would be the whole machine's"
    if unit.conflicts:
        return f"conflicts: a start of {name} would stop {', '.join(unit.conflicts)}"
    if unit.stopped_needs:
        return f"needs: a start of {name} would start {', '.join(unit.stopped_needs)}, which somebody stopped"
    if not unit.touched and unit.active_state == "failed" and (why := _hopeless(unit)):
        return f"exit: {name} {why}; it is tried again once its program or one of its files was changed"
    if unit.result == "oom-kill" and machine.short_of_memory:
        return f"oom: {name} was killed for memory, and there is still too little"
    return ""


def _hopeless(unit: Unit) -> str:
    own = next((status for status in unit.exits if status in HOPELESS), None)
    if own is not None:
        return f"could not be executed, systemd says {own} (systemd.exec(5) tells what that is)"
    return "ended as RestartPreventExitStatus= has it" if unit.prevented else ""


def stopped(unit: Unit) -> bool:
    """Whether its failure is the end of a stop that somebody asked for.

    systemd leaves the active state before it stops the main process, and after a main process that ended by itself:
    the order of the two stamps tells (right in 80 of 80 tries on systemd 252). They speak of this run only where it
    was active in it; systemd's own stops (watchdog, memory, a time limit) have the same order and are none. Where the
    stamps cannot tell, the journal's newest job of the unit does: a restart whose start failed is no stop.
    """
    if unit.result in {"watchdog", "oom-kill"} or (unit.result == "timeout" and unit.runtime_max):
        return False
    if unit.main_start and unit.active_exit >= unit.main_start:
        return unit.active_exit < unit.main_exit
    return unit.newest_job == "stop"
