"""The service: every call takes the same way, in the same order, and is answered exactly once.

Shape, operation, target, unit, polkit, what root must see, limits, act, answer. It leaves when nobody needs it.
"""

from collections import Counter
from functools import partial

from . import authority, contract, limits, operations
from .contract import RefusedError, Request
from .loop import CancelledError, Future, Task, Timer, soon, tell, wait
from .scene import Row, Scene
from .settings import File, Settings
from .standard import Standard
from .systemd import Manager, Unit
from .wire import BUS, Bus, Call, CallError, Variant

FRESH = 0.1             # seconds for which what root saw of a unit holds, polkit's answer included
IDLE = 30.0             # seconds without a call after which the helper leaves; the bus starts it again
UNKNOWN_CALLS = 8       # calls in flight of one connection, before its uid is known and counted
CONTROLLER = "_heald"
LOOK = 2.0              # seconds until an operation whose unit found nothing to do is begun again for the controller

Outcome = dict[str, Variant] | RefusedError


class Helper:
    """org.heald.Helper1 on one bus."""

    def __init__(self, bus: Bus, manager: Manager, file: File, ledger: limits.Ledger) -> None:
        self._bus, self._manager, self._file, self._ledger = bus, manager, file, ledger
        self._controller = -1
        self._flight = limits.Flight()
        self._asking: dict[Task[None], str] = {}        # calls without an answer yet, and their sender
        self._working: set[Task[Outcome]] = set()       # what was begun goes on, also when nobody waits for it
        self._busy: set[str] = set()                            # units that are being acted on
        self._well: dict[str, float] = {}                       # operations' units that found nothing to do, and when
        self._senders: Counter[str] = Counter()
        self._uids: dict[str, int] = {}                         # of the connections that called
        self._standard = Standard(lambda: operations.supported(manager, file.read(), ledger))
        self._ending = False
        self.idle: Future[None] = Future()
        self._timer = Timer(IDLE, self._leave)
        bus.on_call, bus.on_vanished = self.answer, self._vanished

    def answer(self, call: Call) -> None:
        """One call; its answer may come later."""
        self._timer.cancel()
        if self._ending:
            call.error("org.heald.Error.Busy", "the helper is being stopped: try again")
            return
        if self._senders[call.sender] >= UNKNOWN_CALLS:
            call.error("org.freedesktop.DBus.Error.LimitsExceeded", "too many calls are in flight: wait for an answer")
            return
        self._senders[call.sender] += 1
        task = Task(self._answer(call))
        self._asking[task] = call.sender
        task.tell(lambda: self._answered(task, call.sender))

    def end(self) -> None:
        """Answer every call as it stands: what systemd was asked for goes on without us."""
        self._ending = True
        for task in self._asking:
            task.cancel()

    async def finish(self) -> None:
        """Wait until every call is answered, and unless it was told to end, until all that was begun has ended."""
        while tasks := set(self._asking) | (set() if self._ending else self._working):
            await wait(*tasks, first=True)

    def _answered(self, task: Task[None], sender: str) -> None:
        self._asking.pop(task)
        self._senders -= Counter({sender: 1})
        self._rest()

    def _rest(self) -> None:
        """Leave after a while."""
        self._timer.cancel()
        if not self._asking and not self._working:
            self._timer = Timer(IDLE, self._leave)

    def _leave(self) -> None:
        """Not while the ledger cannot be written: it would be lost."""
        if self._ledger.saved or self._ledger.save():
            self.idle.end()
        else:
            self._rest()

    def _vanished(self, sender: str) -> None:
        """Nobody waits for the answer: end its prompt, free its place."""
        self._uids.pop(sender, None)
        for task, who in self._asking.items():
            if who == sender:
                task.cancel()

    async def _answer(self, call: Call) -> None:
        try:
            if call.interface == contract.INTERFACE and call.member in contract.METHODS and call.path == contract.PATH:
                await self._heal(call)
            else:
                await self._standard.answer(call)
        except RefusedError as refusal:
            call.error(refusal.name, str(refusal))
        except (CallError, TimeoutError, ConnectionError) as error:
            call.error("org.heald.Error.Failed", f"the bus did not answer the helper: {type(error).__name__}")
        except CancelledError:          # its caller is gone, or the helper ends
            call.error("org.heald.Error.Busy", "the helper is being stopped: try again")
        except Exception:  # noqa: BLE001 - a bug of ours
            call.error("org.heald.Error.Failed", str(contract.bug()))

    async def _heal(self, call: Call) -> None:
        """One of the three methods."""
        request = contract.request(call.member, call.signature, call.body)
        uid = await self._uid(call.sender)
        own = self._is_controller(uid)
        self._flight.enter(uid, self._controller)
        try:
            scene = await self._authorized(call, request, own=own)
            work = self._begin(scene, request, uid)
            try:
                await wait(work, seconds=request.wait)
            except CancelledError:
                if not self._ending:
                    raise
            if not work.done():
                call.reply("a{sv}", contract.report("running", scene.unit.id, "", scene.before, ""))
            elif isinstance(outcome := work.result(), RefusedError):
                raise outcome
            else:
                call.reply("a{sv}", outcome)
        finally:
            self._flight.leave(uid)

    def _is_controller(self, uid: int) -> bool:
        """Its user may be made while we run. As long as there is none, whoever is not root is bound as it is."""
        if self._controller < 0:
            self._controller = limits.uid_of(CONTROLLER)
        return uid == self._controller or self._controller < 0 < uid

    async def _uid(self, sender: str) -> int:
        """Whose connection it is, asked once: the bus gives no name twice."""
        uid = self._uids.get(sender)
        if uid is None:
            [uid] = await self._bus.call(BUS, "GetConnectionUnixUser", "s", [sender], expect="u")
            self._uids[sender] = uid
        return int(uid)

    async def _authorized(self, call: Call, request: Request, *, own: bool) -> Scene:
        """The row, the unit and polkit's yes. After a prompt, or a slow answer, everything is looked at again. Where
        nobody can be asked for a password polkit decides while root looks: each takes as long as the other."""
        began, row = limits.now(), operations.find(request.category, request.operation)
        name = operations.unit_name(row, request)
        action = row.action or f"org.heald.helper.{request.category}"
        ask = partial(authority.authorize, self._bus, call, action, request)
        look = self._resolve(row, name)
        settings, unit = await (look if call.interactive else authority.beside(ask(name), look))
        if call.interactive or unit.id != name:
            await ask(unit.id)
        if call.interactive or limits.now() - began > FRESH:
            settings, unit = await self._resolve(row, name)
        scene = Scene(self._manager, settings, self._ledger, row, unit,
                      name=request.generations or request.target, own=own)
        await row.sees(scene)
        return scene

    async def _resolve(self, row: Row, name: str) -> tuple[Settings, Unit]:
        """Root's file as it is now, and the unit of this name, fully checked."""
        unit = await self._manager.unit(name)
        settings = self._file.read()
        await operations.check(row, unit, self._manager, settings, self._ledger)
        return settings, unit

    def _begin(self, scene: Scene, request: Request, uid: int) -> Task[Outcome]:
        """Count it and set it to work. Between root's look and this nothing else has its turn."""
        operation, own = f"{request.category}/{request.operation}", scene.own and not scene.row.lifts
        scene.before = scene.measure()
        entries = {scene.unit.id: self._admit(scene, scene.unit.id, operation, own)}
        for needed in scene.also:
            try:
                entries[needed.id] = self._admit(scene, needed.id, "service/start", own)
            except RefusedError:
                scene.also = tuple(unit for unit in scene.also if unit is not needed)
                scene.left_out = (*scene.left_out, needed.id)
        work = Task(self._work(scene, request, entries))
        self._working.add(work)
        work.tell(lambda: self._worked(work))
        soon(lambda: tell(f"{operation} {', '.join(entries)} for uid {uid}"))
        return work

    def _admit(self, scene: Scene, unit: str, operation: str, own: bool) -> limits.Begun:
        """Count one unit as begun, or refuse it."""
        if unit in self._busy:
            raise RefusedError("Busy", f"an action on {unit} is under way")
        if own:
            if limits.now() - self._well.get(unit, -LOOK) < LOOK:
                raise RefusedError("Busy", f"{unit} has just found nothing to do: try again")
            self._ledger.check(operation, unit, scene.settings)
        self._busy.add(unit)
        return self._ledger.add(operation, unit, own=own)

    def _worked(self, work: Task[Outcome]) -> None:
        self._working.discard(work)
        self._rest()

    async def _work(self, scene: Scene, request: Request, entries: dict[str, limits.Begun]) -> Outcome:
        """Have it done, look again, tell everyone."""
        outcome: Outcome
        try:
            outcome = await operations.outcome(scene, await scene.row.does(scene))
        except RefusedError as refusal:
            outcome = refusal
        except Exception:  # noqa: BLE001 - as above, and nobody may be left who waits
            outcome = contract.bug()
        finally:
            self._busy -= entries.keys()
        good, detail = not isinstance(outcome, RefusedError), ""
        if isinstance(outcome, RefusedError):
            detail = str(outcome)
            if outcome.code == "Healthy":       # a refusal costs nothing, and cannot be had without end
                when, _, unit, own = entry = entries[scene.unit.id]
                self._ledger.take_back(entry)
                if own:
                    self._well[unit] = when
        else:
            detail = str(outcome["result"].value)
        self._bus.signal(contract.PATH, contract.INTERFACE, "Finished", "sssbs",
                         request.category, request.operation, request.target, good, detail)
        return outcome
