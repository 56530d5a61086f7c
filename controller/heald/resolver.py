"""LAYER 2: what to do about one issue, now, and why. Pure: the same facts give the same decision.

Standing back comes before every rule; then the first rule that matches; then pacing and the limits over all.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import takewhile

from heald import standback
from heald.causes import Place
from heald.errors import Code
from heald.incidents import repairs
from heald.model import WAIT, Action, Attempt, Decision, Incident, Issue, Mode, Result, Severity, Verdict
from heald.quantities import span
from heald.readings import Machine
from heald.settings import Rule, Settings

CLEANERS = frozenset({"resource/vacuum-journal", "resource/clean-temporary", "resource/clean-packages",
                      "system/collect-garbage", "system/drop-generations"})
"""Operations whose ladder goes through at once: each frees something, none interrupts anybody."""

REPEATED = CLEANERS | {"service/start", "service/restart", "system/restore-permissions"}
"""What is tried again at each wait after the ladder."""

GIVES_UP = 300.0            # a next wait of this many seconds or more is said once, as giving up
CRITICAL_WAIT = 900.0       # the longest wait where the issue is critical
BUSY = 5.0                  # until a target that root was busy with is asked for again
LEAST = 30.0                # between a limit of root's that was reached and the next try
HOUR = 3600.0
ASKED = 24 * HOUR           # for how long a question to a person stands


@dataclass(frozen=True, slots=True)
class World:
    """What a decision depends on beside the issue and its incident."""

    now: float
    machine: Machine
    settings: Settings
    operations: frozenset[str] | None       # what root supports; None: not known, and nothing is skipped
    worked: Iterable[tuple[int, str, float]] = ()       # (incident, subject, when) of the repairs of the last hour
    jitter: float = 0.1                     # waits are up to this much longer, so that machines do not act in step
    paced: bool = True                      # a person who asks for a repair does not wait
    storm: float | None = None              # until when a storm of failures is left alone
    place: Place | None = None              # of the issue among the others; None: it stands alone
    halted: bool = False                    # a person was seen to stop the unit
    taken: bool = False                     # systemd stopped the unit, as what it requires went down


def decide(issue: Issue, incident: Incident, world: World) -> Decision:
    """What to do about `issue`. An act has an action; all else has `until`."""
    now, later = world.now, world.now + world.settings.interval
    reason = standback.reason(issue, world.machine, now, halted=world.halted, taken=world.taken)
    if reason:      # looked at again after 2 s, doubling to the interval
        return Decision(Verdict.STAND_BACK, reason, until=now + min(max(2.0, now - incident.opened), later - now))
    if issue.kind == "probe-failed" and issue.value != issue.threshold:
        return Decision(Verdict.WAIT, "it is not known yet whether it answers", until=later)
    rule = world.settings.rule(issue.kind, issue.subject, issue.severity)
    if not any(rung.action(issue.target, issue.between) for rung in rule.ladder):
        why = "has nothing to act on here: it only observes" if rule.ladder else "only observes"
        return Decision(Verdict.OBSERVE, f'rule "{rule.name}" {why}', until=later)
    refusal = _refusal(incident)
    if refusal:
        return Decision(Verdict.REFUSED, refusal, until=later)
    ladder = applicable(rule, issue, incident.skipped, world.operations)
    if not ladder:
        return Decision(Verdict.GIVE_UP, f'no rung of rule "{rule.name}" applies here', until=later)
    return _climb(rule, ladder, issue, incident, world)


def leaves(decision: Decision) -> bool:
    """Whether an issue of another's incident needs one of its own for this: it will not pass by itself."""
    word = decision.reason.partition(":")[0]
    return decision.verdict not in {Verdict.ACT, Verdict.WAIT} and (
        decision.verdict is not Verdict.STAND_BACK or word in standback.LASTING)


def _climb(rule: Rule, ladder: list[Action], issue: Issue, incident: Incident, world: World) -> Decision:
    """The next rung: now, later, after a person's yes, or never again."""
    now, later = world.now, world.now + world.settings.interval
    action, again = _rung(ladder, incident)
    mode = _mode(rule, action, issue, world)
    if again and not world.paced:
        rehearsed = incident.attempts[-1].result == Result("would")
        return Decision(Verdict.WAIT if rehearsed else Verdict.GIVE_UP, "the ladder is used up", until=later)
    if again and action.name not in REPEATED:
        return Decision(Verdict.GIVE_UP, f"the ladder is used up; {action.name} is not repeated", until=later)
    due, why = _due(ladder, incident, issue, world)
    if mode is Mode.OBSERVE:
        who = f'rule "{rule.name}"' if rule.mode is mode else f'mode observe: rule "{rule.name}"'
        return Decision(Verdict.OBSERVE, f"{who} only observes; it would do {action}", until=later)
    if world.place is not None and world.place.cause:
        return Decision(Verdict.WAIT, world.place.cause, action, later)
    if world.paced and world.storm and world.storm > now and issue.unit is not None:
        return Decision(Verdict.WAIT, "a storm: many units failed at once; the dust settles first", action, world.storm)
    if due > now:
        gives_up = again and due - repairs(incident)[-1].started >= GIVES_UP
        verdict = Verdict.GIVE_UP if gives_up else Verdict.WAIT
        return Decision(verdict, why, action, due)
    if mode is Mode.ASK:
        return _ask(rule, action, incident, world)
    full = _over_all(incident, world) if world.paced else 0.0
    if full > now:
        limit = world.settings.limits.incidents_per_hour
        return Decision(Verdict.WAIT, f"{limit} incidents an hour are worked on already", action, full)
    tried = repairs(incident)
    before = f" (after {tried[-1].action.name})" if tried else ""
    return Decision(Verdict.ACT, f'rule "{rule.name}": {action}{before}', action)


def _mode(rule: Rule, action: Action, issue: Issue, world: World) -> Mode:
    """The least of the rule's, the one over all and the rung's own, which a critically full disk does not wait for."""
    unasked = issue.severity is Severity.CRITICAL and action.name in CLEANERS
    caps = (rung.mode for rung in rule.ladder if rung.name == action.name and not unasked)
    return min(rule.mode, world.settings.mode, *caps)


def _ask(rule: Rule, action: Action, incident: Incident, world: World) -> Decision:
    """A question stands for a day, in which a person does it or not; it is not asked twice in one incident."""
    expires = incident.next[1] if incident.outcome == "asked" and incident.next else world.now + ASKED
    if expires <= world.now or incident.outcome == "gave-up":
        reason = f'rule "{rule.name}" asked for a day before {action}, and nobody did it'
        return Decision(Verdict.GIVE_UP, reason, until=world.now + world.settings.interval)
    since = f", since generation {action.target.partition('-')[0]} changed it" if action.operation == "rollback" else ""
    return Decision(Verdict.ASK, f'rule "{rule.name}" asks before {action}{since}', action, expires)


def through(issue: Issue, incident: Incident, world: World) -> bool:
    """Whether nothing more is to be hoped for from the ladder of this issue: who waits for it waits in vain."""
    rule = world.settings.rule(issue.kind, issue.subject, issue.severity)
    ladder = applicable(rule, issue, incident.skipped, world.operations)
    ladder = [action for action in ladder if _mode(rule, action, issue, world) is Mode.AUTO]
    done = [attempt.action for attempt in repairs(incident)]
    word = incident.reason.partition(":")[0] if incident.outcome == "stood-back" else ""
    held = word == "fleet" or word in standback.LASTING         # until a person, or the fleet, lets it go
    return held or bool(_refusal(incident)) or all(action in done for action in ladder)


def applicable(rule: Rule, issue: Issue, skipped: Set[str], operations: frozenset[str] | None) -> list[Action]:
    """The rungs that can be tried here: known to root, cleaning on the subject, and not found to be of no use."""
    actions = [action for rung in rule.ladder if (action := rung.action(issue.target, issue.between)) is not None]
    return [a for a in actions if str(a) not in skipped and (operations is None or a.name in operations)
            and (issue.frees is None or a.name not in CLEANERS or a.name in issue.frees)]


def _rung(ladder: list[Action], incident: Incident) -> tuple[Action, bool]:
    """The next rung, and whether the ladder is used up and this is its first again."""
    tried = [a.action for a in repairs(incident)]
    if _cleans(ladder) and tried and tried[-1] in ladder:
        place = ladder.index(tried[-1]) + 1         # round after round, each from the top
        return ladder[place % len(ladder)], place == len(ladder)
    fresh = [action for action in ladder if action not in tried]
    return (fresh[0], False) if fresh else (ladder[0], True)


def _cleans(ladder: list[Action]) -> bool:
    return all(action.name in CLEANERS for action in ladder)


def _refusal(incident: Incident) -> str:
    last = incident.attempts[-1] if incident.attempts else None
    if incident.outcome == "refused" and last and last.result:
        return f"{last.action} was refused: {last.result.detail}"
    return ""


def _due(ladder: list[Action], incident: Incident, issue: Issue, world: World) -> tuple[float, str]:
    """When the next rung may be tried, and why not before."""
    last = incident.attempts[-1] if incident.attempts else None
    if last is None:
        return 0.0, ""
    state = last.result.state if last.result else None
    if (until := _at_work(last)) > world.now:
        why = last.result.detail if last.result else "it may still be at work"
        return until, f"the end of {last.action} was not seen: {why}"
    ended = last.finished or last.started
    if state == Code.BUSY:
        return ended + BUSY, "root is busy with it"
    if state == Code.UNREACHABLE and last.result:       # nothing was done: this is no repair
        wait = world.settings.limits.pacing[:_unreached(incident) + 1][-1]
        return ended + min(wait, GIVES_UP), last.result.detail
    done = repairs(incident)
    wait = _wait(ladder, done, issue, world) if world.paced else 0.0
    if state == Code.LIMITS_EXCEEDED and last.result:
        return ended + max(wait, LEAST), last.result.detail
    cleared = world.place.cleared if world.place else None
    if not done or not wait or (cleared is not None and cleared > done[-1].started):    # then one early try
        return 0.0, ""
    spread = (incident.id * 31 + len(done) * 17) % 100 / 100 * world.jitter
    so_far = f"{len(done)} {'repair' if len(done) == 1 else 'repairs'} so far"
    return done[-1].started + wait * (1 + spread), f"{so_far}; the next is {span(wait)} after the last"


def _at_work(last: Attempt) -> float:
    """Until when an action whose end nobody saw may still be at work: for as long as it is waited for. One that cleans
    and takes longer may make the next rung needless: that is held up until Engine.ended, for a quarter of an hour."""
    state, wait = last.result.state if last.result else None, last.action.wait
    if last.action.name in CLEANERS and (state == "running" or (wait > WAIT and state in {None, Code.TIMEOUT})):
        return last.started + CRITICAL_WAIT
    return last.started + wait if state in {None, Code.TIMEOUT, Code.UNREACHABLE} else 0.0


def _unreached(incident: Incident) -> int:
    """How often in a row, up to now, root was out of reach."""
    states = [a.result.state if a.result else "" for a in incident.attempts]
    return len(list(takewhile(lambda state: state == Code.UNREACHABLE, reversed(states))))


def _wait(ladder: list[Action], done: tuple[Attempt, ...], issue: Issue, world: World) -> float:
    """Seconds between the last repair and the next, by the repairs there were; a round of cleaning is one repair."""
    count = len(done)
    if _cleans(ladder) and done:
        if done[-1].action in ladder[:-1]:
            return 0.0
        count = sum(attempt.action == ladder[-1] for attempt in done)
    pacing = world.settings.limits.pacing
    wait = pacing[min(count, len(pacing) - 1)]
    return min(wait, CRITICAL_WAIT) if issue.severity is Severity.CRITICAL else wait


def _over_all(incident: Incident, world: World) -> float:
    """When this incident may be worked on, by the limit over all: 0 = now."""
    recent = [(number, subject, at) for number, subject, at in world.worked if at + HOUR > world.now]
    if any(number == incident.id for number, _, _ in recent):
        return 0.0
    limits = world.settings.limits
    touched = any(subject == incident.subject for _, subject, _ in recent)
    allowed = max(1, limits.incidents_per_hour - (limits.kept_for_new if touched else 0))
    last: dict[int, float] = {}
    for number, _, at in recent:
        last[number] = max(at, last.get(number, at))
    return sorted(last.values())[len(last) - allowed] + HOUR if len(last) >= allowed else 0.0
