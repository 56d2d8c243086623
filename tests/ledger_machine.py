"""Random histories of the ledger, held after each step against a model of a few dictionaries.

`LedgerMachine` is driven by hypothesis; a subclass says where the transactions run and how that place crashes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.errors import QuotaExceeded
from bot.ledger import transactions as ledger
from bot.ledger.audit import verify
from bot.ledger.model import Budget, Ending, Standing
from bot.storage.transaction import Statement, Transaction

_Answer: TypeAlias = Ending | tuple[Standing, ...] | type[QuotaExceeded] | type[LookupError]

JOBS = st.integers(0, 5)
AMOUNTS = st.integers(0, 60)


@dataclass(frozen=True)
class Call:
    """One call of the ledger: what happens to which job, for how much, by which member, under which caps."""

    kind: Literal["hold", "settle", "release", "expose"]
    job: int
    amount: int = 0
    member: int = 0
    caps: tuple[int, int] = (100, 150)


CALLS = st.one_of(
    st.builds(Call, st.just("hold"), JOBS, AMOUNTS, st.integers(0, 1), st.just((100, 150)) | st.just((40, 90))),
    st.builds(Call, st.just("settle"), JOBS, AMOUNTS),
    st.builds(Call, st.just("release"), JOBS),
    st.builds(Call, st.just("expose"), JOBS),
)


@dataclass
class Expected:
    """The model: a row of budgets, and for each job its parts and the ending that later calls are answered with."""

    held: dict[str, int] = field(default_factory=dict[str, int])
    spent: dict[str, int] = field(default_factory=dict[str, int])
    open_parts: dict[int, dict[str, int]] = field(default_factory=dict[int, dict[str, int]])
    endings: dict[int, tuple[str, int, int]] = field(default_factory=dict[int, tuple[str, int, int]])

    def hold(self, call: Call, scopes: tuple[str, str]) -> str:
        """Take the amount from both scopes or from none."""
        if call.job in self.open_parts:
            return "answered"
        for scope, cap in zip(scopes, call.caps, strict=True):
            if call.amount and self.held.get(scope, 0) + self.spent.get(scope, 0) + call.amount > cap:
                return "refused"
        self.open_parts[call.job] = dict.fromkeys(scopes, call.amount)
        for scope in scopes:
            self.held[scope] = self.held.get(scope, 0) + call.amount
        return "granted"

    def end(self, call: Call) -> tuple[str, int, int]:
        """End what is open of the job, or answer with how it ended."""
        parts = self.open_parts[call.job]
        how, member, server = self.endings.get(call.job, ("", 0, 0))
        if how in {"settled", "released"} or (how == "exposed" and call.kind == "expose"):
            return how, member, server
        ending = {"settle": "settled", "release": "released", "expose": "exposed"}[call.kind]
        spent = call.amount if call.kind == "settle" else 0
        charged = {"member": 0, "server": 0}
        for scope in list(parts):
            owner = scope.split(":")[0]
            if call.kind == "expose" and owner == "server":
                continue
            self.held[scope] -= parts.pop(scope)
            self.spent[scope] = self.spent.get(scope, 0) + spent
            charged[owner] = spent
        self.endings[call.job] = (ending, charged["member"], charged["server"])
        return self.endings[call.job]


class LedgerMachine(RuleBasedStateMachine):
    """Random calls, repetitions and crashes. The model and the database must agree at every moment."""

    histories: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        # Histories may share a database, so each has a server and jobs of its own.
        type(self).histories += 1
        self.guild = self.histories
        self.expected = Expected()

    def run(self, transaction: Transaction[Any]) -> Any:
        """Run and commit a transaction."""
        raise NotImplementedError

    def crash(self, transaction: Transaction[Any], statements: int) -> None:
        """Run the first statements of a transaction, and lose everything before the commit."""
        raise NotImplementedError

    def reopen(self) -> None:
        """Close the database in an orderly way, and open it again."""
        raise NotImplementedError

    def scopes(self, member: int) -> tuple[str, str]:
        """Return the two scopes that a member's job draws on."""
        return f"member:{self.guild}:{member}", f"server:{self.guild}"

    def budgets(self, member: int, caps: tuple[int, int]) -> tuple[Budget, Budget]:
        """Return the two budgets that a member's job draws on."""
        member_scope, server_scope = self.scopes(member)
        return (
            Budget(member_scope, "day:2026-11-20", caps[0], "member", 10.0),
            Budget(server_scope, "month:2026-11", caps[1], "server", 20.0),
        )

    def transaction(self, call: Call) -> Transaction[Any]:
        """Return the call as a transaction."""
        job_id = f"{self.guild}-{call.job}"
        match call.kind:
            case "hold":
                budgets = self.budgets(call.member, call.caps)
                return ledger.hold(job_id, call.amount, budgets, at=1.0, member_id=call.member, reason="test")
            case "settle":
                return ledger.settle(job_id, call.amount, at=2.0, actor="test", reason="test")
            case "release":
                return ledger.release(job_id, at=2.0, actor="test", reason="test")
            case "expose":
                return ledger.expose(job_id, at=2.0, actor="test", reason="test")

    def answer(self, call: Call) -> _Answer:
        """Run the call, and return its answer, or the kind of its refusal."""
        try:
            return self.run(self.transaction(call))
        except (QuotaExceeded, LookupError) as error:
            return type(error)

    @rule(call=CALLS)
    def call_it(self, call: Call) -> None:
        """The ledger answers as the model does."""
        self.check(call, self.answer(call))

    @rule(call=CALLS)
    def call_it_twice(self, call: Call) -> None:
        """The answer was lost after the commit, so the caller repeats: nothing happens a second time."""
        self.check(call, self.answer(call))
        self.check(call, self.answer(call))

    def check(self, call: Call, answer: _Answer) -> None:
        """Do the call in the model, and compare."""
        if call.kind == "hold":
            outcome = self.expected.hold(call, self.scopes(call.member))
            assert (answer is QuotaExceeded) == (outcome == "refused")
            if outcome == "granted" and call.amount:
                for scope, cap in zip(self.scopes(call.member), call.caps, strict=True):
                    assert self.expected.held[scope] + self.expected.spent.get(scope, 0) <= cap
        elif call.job not in self.expected.open_parts:
            assert answer is LookupError
        else:
            assert isinstance(answer, Ending)
            assert (answer.how, answer.member_microusd, answer.server_microusd) == self.expected.end(call)

    @rule(call=CALLS, statements=st.integers(0, 8))
    def crash_before_the_commit(self, call: Call, statements: int) -> None:
        """Whatever was not committed never was."""
        self.crash(self.transaction(call), statements)

    @precondition(lambda self: bool(self.expected.open_parts))
    @rule()
    def restart(self) -> None:
        """What was committed is still there."""
        self.reopen()

    @invariant()
    def rows_are_as_expected(self) -> None:
        """The budgets' rows equal the model, and the books are right."""
        for member in (0, 1):
            for standing in self.run(ledger.standing(self.budgets(member, (100, 150)))):
                scope = standing.budget.scope
                assert standing.held_microusd == self.expected.held.get(scope, 0)
                assert standing.spent_microusd == self.expected.spent.get(scope, 0)
        assert self.run(verify()) == []


def step(transaction: Transaction[Any], answers: Callable[[Statement], Any], statements: int) -> None:
    """Drive a transaction through its first statements with `answers(statement)`, and drop it there."""
    try:
        statement = next(transaction)
        for _ in range(statements):
            statement = transaction.send(answers(statement))
    except (StopIteration, QuotaExceeded, LookupError):
        pass
    finally:
        transaction.close()
