"""Random histories of the ledger alone: holds and endings in any order, repetitions and crashes.

`LedgerMachine` is driven by hypothesis; a subclass says where the transactions run and how that place crashes.
"""

from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.ledger import holds
from bot.ledger.corrections import correct
from bot.ledger.differences import newest
from bot.ledger.model import Ending, Held, Policy, RuleQuery, Who
from bot.ledger.pseudonyms import unname
from bot.storage.transaction import Transaction
from tests.support.histories import AMOUNTS, ASKERS, GUILDS, MEMBERS, NUMBERS, History
from tests.support.naive_ledger import Asker


class LedgerMachine(History):
    """Random holds, endings, repetitions and crashes; the model and the database agree after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = 0

    def holding(self, number: int, asker: Asker, amount: int, mode: str) -> Transaction[Held]:
        """Return the hold as a transaction."""
        return holds.hold(
            job_id=f"{self.base}-{number}",
            amount_microusd=amount,
            who=Who(guild_id=asker.guild, channel_id=asker.channel, member_id=asker.member, role_ids=asker.roles),
            query=RuleQuery(mode=mode),
            at=self.model.now,
            shipped=self.shipped,
            reason="test",
        )

    @rule(asker=ASKERS, amounts=st.lists(AMOUNTS, min_size=1, max_size=5), mode=st.sampled_from("aaab"))
    def hold_new_jobs(self, asker: Asker, amounts: list[int], mode: str) -> None:
        """Hold for a member's new jobs, one after the other."""
        for amount in amounts:
            self.hold(self.jobs, asker, amount, mode)
            self.jobs += 1

    @rule(guild=st.sampled_from(GUILDS), member=MEMBERS)
    def forget_a_member(self, guild: int, member: int) -> None:
        """Unname a member in one server's books: what they used still counts, and grants are gone."""
        self.run(unname(self.base + guild, self.base + member))
        self.model.forget(self.base + guild, self.base + member)

    @rule(number=NUMBERS, asker=ASKERS, amount=AMOUNTS)
    def hold_again(self, number: int, asker: Asker, amount: int) -> None:
        """Repeat the hold of a job, perhaps in another place and at another price."""
        self.hold(number, asker, amount, "a")

    def hold(self, number: int, asker: Asker, amount: int, mode: str) -> None:
        """Hold as in the model."""
        asker = self.asker(asker)
        self.compare_hold(f"{self.base}-{number}", asker, amount, mode, self.holding(number, asker, amount, mode))

    @rule(
        number=NUMBERS,
        how=st.sampled_from(["settle", "absorb", "release", "expose"]),
        amount=AMOUNTS,
        again=st.booleans(),
    )
    def end(
        self, number: int, how: Literal["settle", "absorb", "release", "expose"], amount: int, *, again: bool
    ) -> None:
        """End a hold as in the model; a repeat, as after a lost answer, changes nothing."""
        number %= self.jobs + 1
        job = f"{self.base}-{number}"
        for _ in range(2 if again else 1):
            try:
                ending: Ending = self.run(self.ending(number, how, amount))
            except LookupError:
                assert not any(one.job == job for one in self.model.draws)
                return
            assert (ending.how, ending.member_microusd, ending.server_microusd) == self.model.end(job, how, amount)

    def ending(self, number: int, how: str, amount: int) -> Transaction[Ending]:
        """Return the ending as a transaction."""
        job = f"{self.base}-{number}"
        said: Any = {"at": self.model.now, "actor": "test", "reason": "test"}
        match how:
            case "settle":
                return holds.settle(job, amount, **said)
            case "absorb":
                return holds.settle(job, amount, payers="server", **said)
            case "release":
                return holds.release(job, **said)
            case _:
                return holds.expose(job, **said)

    @rule(
        number=NUMBERS,
        bills=st.lists(AMOUNTS, min_size=1, max_size=3),
        policy=st.sampled_from(["charge", "absorb"]),
        bound=st.sampled_from([None, 0, 25]),
    )
    def bill(self, number: int, bills: list[int], policy: Policy, bound: int | None) -> None:
        """Let fal bill a job, again and otherwise: the books follow the last bill, and a repeat changes nothing."""
        number %= self.jobs + 1
        job = f"{self.base}-{number}"
        for billed in (*bills, bills[-1]):
            try:
                ending = self.run(self.correcting(number, billed, policy, bound))
            except LookupError:
                assert not any(one.job == job for one in self.model.draws)
                return
            expected = self.model.correct(job, billed, policy, bound=bound)
            assert (ending and (ending.member_microusd, ending.server_microusd)) == (expected and expected[1:])
        pools = [one for one in self.model.draws if one.job == job and one.scope.startswith("server:")]
        if pools[0].state != "held":
            assert pools[0].settled + self.model.unpaid.get(job, 0) == bills[-1]
            unpaid = {one.job_id: one.billed_microusd - one.held_microusd for one in self.run(newest(1000))}
            assert unpaid.get(job, 0) == self.model.unpaid.get(job, 0)

    def correcting(self, number: int, billed: int, policy: Policy, bound: int | None) -> Transaction[Ending | None]:
        """Return the bill as a transaction."""
        return correct(
            f"{self.base}-{number}",
            billed,
            at=self.model.now,
            policy=policy,
            absorbed_max_microusd=bound,
            reason="test",
        )

    @rule(
        number=NUMBERS,
        asker=ASKERS,
        amount=AMOUNTS,
        how=st.sampled_from(["hold", "settle", "release", "expose", "bill"]),
        statements=st.integers(0, 14),
    )
    def crash_before_the_commit(self, number: int, asker: Asker, amount: int, how: str, statements: int) -> None:
        """Crash before a commit: the transaction has no effect."""
        if how == "hold":
            self.crash(self.holding(number, self.asker(asker), amount, "a"), statements)
        elif how == "bill":
            self.crash(self.correcting(number % (self.jobs + 1), amount, "charge", None), statements)
        else:
            self.crash(self.ending(number % (self.jobs + 1), how, amount), statements)
