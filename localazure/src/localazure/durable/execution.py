"""The state of one execution, as a fold over its history.

Theory of operation. The SDK numbers tasks 0, 1, 2 … while it replays, and tells nobody. The engine must arrive at the
same numbers, so it takes them at the same moments: for each new action in the order they were yielded, for the delay
after a failed attempt, and for the next attempt after that delay.

Two methods change the state: `absorb` takes an event that happened (a result, a timer, an external event), `close`
takes the record of a finished episode (`OrchestratorCompleted`, in which the engine notes the new actions, cancelled
timers and the outcome). Running and restoring after a restart go through the same two methods, so a restored
execution cannot differ from the one that was lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from localazure.durable.actions import (
    RETRIED,
    WITHOUT_TASK_ID,
    Action,
    ActionType,
    Compound,
    Leaf,
    Node,
    build,
    has_any,
)
from localazure.durable.events import FAILURES, Event, EventType, dump, parse_time
from localazure.durable.records import Message, Start
from localazure.durable.status import RuntimeStatus, move
from localazure.durable.transcript import Part, Transcript, parts_of


class OutcomeKind(StrEnum):
    """How an execution ends."""

    COMPLETED = "completed"
    FAILED = "failed"
    CONTINUED = "continued"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the orchestrator returned, kept until its open tasks have ended.

    `text` is output JSON, a failure text, the next input or the reason; None is no output. An `abrupt` outcome does
    not wait for open tasks. `seq` is the arrival number of the last message the orchestrator had seen.
    """

    kind: OutcomeKind
    text: str | None
    seq: int = 0
    abrupt: bool = False


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """The timer behind a failed attempt; the last one only makes room for the exception."""

    leaf: Leaf
    is_last: bool


Task = Leaf | RetryDelay
Created = tuple[int, Task]


class Execution:
    """See the module. Lives in memory only: thrown away when a commit fails, and restored from the history."""

    def __init__(self, start: Start, custom_status: str | None = None) -> None:
        self.start = start
        self.status = RuntimeStatus.PENDING
        self.custom_status = custom_status
        self.sets_status = False  # whether the custom status is of this execution, not carried over
        self.outcome: Outcome | None = None
        self.actions: list[Action] = []
        self.leaves: list[Leaf] = []
        self.open: dict[int, Task] = {}
        self.transcript = Transcript()
        self.calls = 0  # of the orchestrator, as far as they are in the history
        self.episodes = 0  # likewise
        self.time: datetime | None = None  # of the latest episode
        self._next_id = 0
        self._held: deque[Leaf] = deque()
        self._nodes: list[Node] = []
        self.first_leaf: list[int] = []  # place of each top-level action's first leaf
        self._barrier = 0
        self._waits: dict[str, list[Leaf]] = {}
        self._created: list[Created] = []
        self._progress = False
        self._waits_for_last = False
        self._saw_failure = False

    @classmethod
    def restore(cls, start: Start, history: Iterable[Event], custom_status: str | None = None) -> Execution:
        """The execution that wrote this history."""
        execution = cls(start, custom_status)
        episode: list[Event] = []
        for each in history:
            execution.apply(each)
            episode.append(each)
            if each["EventType"] == EventType.ORCHESTRATOR_COMPLETED:
                execution.remember(parts_of(episode, map(dump, episode)), called="Actions" in each)
                episode = []
        return execution

    # Questions

    @property
    def is_drained(self) -> bool:
        """Whether nothing that the instance has to wait for is left."""
        return not self.open and not self._held

    @property
    def needs_call(self) -> bool:
        """Whether calling the orchestrator can move it."""
        runs = self.status == RuntimeStatus.RUNNING and self.outcome is None
        return runs and self._progress and not self._is_blocked()

    def is_stale(self, message: Message) -> bool:
        """Whether a message belongs to a lost execution or answers a task that waits no more."""
        if message.execution_id is not None and message.execution_id != self.start.execution_id:
            return True
        task_id = message.event.get("TaskScheduledId", message.event.get("TimerId"))
        return task_id is not None and task_id not in self.open

    def is_allocating(self, event: Event) -> bool:
        """Whether absorbing the event takes a task id, as it does in the SDK."""
        if event["EventType"] in FAILURES:
            task = self.open[event["TaskScheduledId"]]
            return isinstance(task, Leaf) and task.kind in RETRIED
        if event["EventType"] == EventType.TIMER_FIRED:
            task = self.open[event["TimerId"]]
            return isinstance(task, RetryDelay) and not task.is_last
        return False

    def awaited_name(self, event_name: str) -> str | None:
        """How the newest open wait spells `event_name`; None when nobody waits for it."""
        waits = self._waits.get(event_name.lower())
        return str(waits[-1].action["externalEventName"]) if waits else None

    def leaves_of(self, number: int) -> list[Leaf]:
        """The leaves of top-level action `number`."""
        first, *following = self.first_leaf[number : number + 2]
        return self.leaves[first : following[0] if following else None]

    def _is_blocked(self) -> bool:
        """Whether user code surely still waits for the action it listed last.

        That action is what user code yielded last, unless it went on to tasks that were listed before. Past an
        incomplete `task_all` it can only have gone when a child failed, past a `task_any` at any time.
        """
        return self._waits_for_last and not self._saw_failure and not self._nodes[-1].complete

    # Changes

    def apply(self, stored: Event) -> None:
        """Take an event of a stored history."""
        if stored["EventType"] == EventType.ORCHESTRATOR_COMPLETED:
            self.close(stored)
        elif stored["EventType"] == EventType.ORCHESTRATOR_STARTED:
            self.time = parse_time(stored["Timestamp"])
        else:
            self.absorb(stored)

    def absorb(self, event: Event) -> None:
        """Take an event that is not stale."""
        match event["EventType"]:
            case EventType.EXECUTION_STARTED:
                self.status = move(self.status, RuntimeStatus.RUNNING)
                self._progress = True
            case EventType.EXECUTION_REWOUND:
                self._progress = True
            case EventType.TASK_COMPLETED | EventType.CHILD_COMPLETED:
                self._complete(event["TaskScheduledId"])
            case EventType.TASK_FAILED | EventType.CHILD_FAILED:
                self._fail(event["TaskScheduledId"])
            case EventType.TIMER_FIRED:
                self._fire(event["TimerId"])
            case EventType.EVENT_RAISED:
                self._take_event(event)
            case EventType.EXECUTION_SUSPENDED:
                self.status = move(self.status, RuntimeStatus.SUSPENDED)
            case EventType.EXECUTION_RESUMED:
                self.status = move(self.status, RuntimeStatus.RUNNING)
            case EventType.EXECUTION_COMPLETED:
                self.status = move(self.status, RuntimeStatus.of(event["OrchestrationStatus"]))
            case EventType.EXECUTION_TERMINATED:
                self.status = move(self.status, RuntimeStatus.TERMINATED)
                self.outcome = Outcome(OutcomeKind.TERMINATED, event["Input"], abrupt=True)

    def close(self, record: Event) -> list[Created]:
        """Take the record of a finished episode. Returns the tasks to be created, in the order of their ids."""
        if "Actions" in record:
            self._progress = False
            self._list(record["Actions"])
            for index in record.get("Canceled", ()):
                self._cancel(self.leaves[index])
        if "CustomStatus" in record:
            self.custom_status, self.sets_status = record["CustomStatus"], True
        if "Outcome" in record:
            kind, text, seq, abrupt = record["Outcome"]
            self.outcome = Outcome(OutcomeKind(kind), text, seq, abrupt)
        self._release()
        created, self._created = self._created, []
        created.sort(key=lambda item: item[0])
        return created

    def remember(self, episode: Sequence[Part], *, called: bool) -> None:
        """Keep what the next call tells of a closed episode; `called` says whether there was a call in it."""
        self.calls += called
        self.episodes += 1
        self.transcript.add(episode, called=called)

    def _list(self, actions: list[Action]) -> None:
        for action in actions:
            first = len(self.leaves)
            self._nodes.append(build(action, None, len(self.actions), self.leaves))
            self.first_leaf.append(first)
            self.actions.append(action)
            for leaf in self.leaves[first:]:
                self._admit(leaf)
        if actions:
            self._waits_for_last = not has_any(actions[-1])

    def _admit(self, leaf: Leaf) -> None:
        leaf.canceled = bool(leaf.action.get("isCanceled"))
        if leaf.kind == ActionType.WAIT_FOR_EVENT:
            self._waits.setdefault(leaf.action["externalEventName"].lower(), []).append(leaf)
        if leaf.kind not in WITHOUT_TASK_ID:
            leaf.task_id = self._take_id()
            self._held.append(leaf)

    def _release(self) -> None:
        """Create the held leaves that no unsettled `task_all` bars any more."""
        while self._barrier < len(self._nodes) and not self._bars(self._nodes[self._barrier]):
            self._barrier += 1
        while self._held and self._held[0].top <= self._barrier:
            leaf = self._held.popleft()
            self._created.append((leaf.task_id, leaf))
            if not leaf.complete and not leaf.canceled:
                self.open[leaf.task_id] = leaf

    def _bars(self, node: Node) -> bool:
        return isinstance(node, Compound) and not node.is_any and not node.settled

    def _cancel(self, leaf: Leaf) -> None:
        leaf.canceled = leaf.action["isCanceled"] = True  # in `actions` too: code that cancels no more shall be noticed
        self.open.pop(leaf.task_id, None)

    def _complete(self, task_id: int) -> None:
        task = self.open.pop(task_id)
        leaf = task.leaf if isinstance(task, RetryDelay) else task
        leaf.mark_complete()
        self._progress = True

    def _fail(self, task_id: int) -> None:
        leaf = self.open[task_id]
        if isinstance(leaf, Leaf) and leaf.kind in RETRIED:
            del self.open[task_id]
            self._create(RetryDelay(leaf, is_last=leaf.attempt >= leaf.max_attempts))
        else:
            self._saw_failure = True
            self._complete(task_id)

    def _fire(self, task_id: int) -> None:
        task = self.open[task_id]
        if isinstance(task, RetryDelay) and not task.is_last:
            del self.open[task_id]
            task.leaf.attempt += 1
            task.leaf.task_id = self._create(task.leaf)
        else:
            self._saw_failure |= isinstance(task, RetryDelay)
            self._complete(task_id)

    def _take_event(self, event: Event) -> None:
        if "TaskScheduledId" in event:
            self._saw_failure |= '"exceptionType"' in event["Input"]
            self._complete(event["TaskScheduledId"])
        else:
            self._waits[event["Name"].lower()].pop().mark_complete()
            self._progress = True

    def _create(self, task: Task) -> int:
        """Open a task that retrying adds; these are never held, since their leaf was dispatched before."""
        task_id = self._take_id()
        self.open[task_id] = task
        self._created.append((task_id, task))
        return task_id

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1
