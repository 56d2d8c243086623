"""Random histories of jobs, for some of which several members pay: what each adds, takes back and gets back.

In the model a chip-in is a list of ordinary holds, each of its own member, which are taken back one by one, or become
the holds of a job that end together.
"""

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from bot.errors import Busy, NotAllowed, OptionRefused, QuotaExceeded
from bot.jobs import chip_in_endings, chip_in_rows, chip_ins
from bot.jobs.chip_in_model import Added, ChipInBounds, Rules
from bot.jobs.model import Job
from bot.ledger.model import Who
from bot.storage.transaction import Transaction
from tests.support.histories import ASKERS, GUILDS, MEMBERS, NUMBERS, STARTS, History
from tests.support.job_histories import OUTCOMES, PLACES, JobMachine, Outcome
from tests.support.job_samples import a_job
from tests.support.naive_ledger import Asker

BOUNDS = ChipInBounds(
    of_member_max=2, in_server_max=3, life_s=7200.0, shares_max=4, shares_of_member_max=3, least_microusd=3
)
PRICES = st.integers(0, 150)
# What a chip-in comes to: its price, the maker's part, who adds how much then, and the end of the job.
Story: TypeAlias = tuple[int, int, list[tuple[int, int]], Outcome | None, bool]
STORIES: st.SearchStrategy[Story] = st.tuples(
    st.integers(1, 150),
    st.integers(0, 70),
    st.lists(st.tuples(st.sampled_from([2, 3, 3, 1]), st.integers(3, 90)), min_size=1, max_size=4),
    st.none() | OUTCOMES,
    st.booleans(),
)
FIRST_RULES = st.lists(
    st.sampled_from(
        [
            ("policy", "charge"),
            ("absorbed", 30),
            ("absorbed", 0),
            ("approval", {"above_microusd": 20, "role_id": 1, "wait_s": 3600.0}),
            ("at_once", 2),
            ("budget:day", 200),
        ]
    ),
    max_size=2,
)
REFUSALS = (Busy, NotAllowed, OptionRefused, QuotaExceeded)


@dataclass
class NaiveChipIn:
    """A chip-in that is not over: the job to come, who ordered it, until when, and (hold, member, amount) in order."""

    job: Job
    asker: Asker
    until: float
    is_full: bool = False
    shares: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])

    @property
    def missing(self) -> int:
        """What is still to be added."""
        return self.job.quote_microusd - sum(amount for _, _, amount in self.shares)


class ChipInMachine(JobMachine):
    """Random jobs and chip-ins."""

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, NaiveChipIn] = {}
        self.ids = 0

    @initialize(start=st.sampled_from(STARTS), stories=st.lists(STORIES, min_size=1, max_size=3), rules=FIRST_RULES)
    def begin(  # pyright: ignore[reportIncompatibleMethodOverride] - other beginnings than those of jobs alone
        self, start: tuple[str, str], stories: list[Story], rules: list[tuple[str, Any]]
    ) -> None:
        """Begin with some chip-ins in the first server."""
        History.begin(self, start)
        for name, value in rules:
            self.change(1, "server", name, value, None)
        for story in stories:
            self.several_chip_in(Asker(1, 1, 1, ()), story)

    @rule(asker=ASKERS, story=STORIES)
    def several_chip_in(self, asker: Asker, story: Story) -> None:
        """A member begins to collect, others add to it, and the job comes to its outcome."""
        price, own, added, outcome, ends = story
        job_id = self.start(asker, price, own, "a")
        for member, amount in added:
            if job_id in self.open and amount > 80:
                self.take_theirs_back(self.open[job_id], member)
            if job_id in self.open:
                self.add_to(self.open[job_id], Asker(asker.guild, member, asker.channel, ()), amount)
        if job_id in self.jobs and outcome is not None:
            self.come_to(job_id, outcome, ends=ends)

    @rule(asker=ASKERS, price=PRICES, own=PRICES, mode=st.sampled_from("aaab"))
    def start_a_chip_in(self, asker: Asker, price: int, own: int, mode: str) -> None:
        """A member begins to collect, and nothing else happens yet."""
        self.start(asker, price, own, mode)

    def start(self, asker: Asker, price: int, own: int, mode: str) -> str:
        """Begin to collect, if the whole price may be made and the server can carry it; return the job's id."""
        who = self.asker(asker)
        job = a_job(
            id=self.new_id(),
            guild_id=who.guild,
            member_id=who.member,
            role_ids=who.roles,
            rules_channel_id=who.channel,
            mode=mode,
            options={},
            inputs=(),
            quote_microusd=price,
            created_at=self.model.now,
            updated_at=self.model.now,
        )
        added = self.tried(chip_ins.start(job, own, self.rules_now()))
        new = NaiveChipIn(job, who, self.model.now + BOUNDS.life_s)
        here = [one.asker.member for one in self.open.values() if one.asker.guild == who.guild]
        fits = here.count(who.member) < BOUNDS.of_member_max and len(here) < BOUNDS.in_server_max
        fits = fits and self.model.forbidden(who, price, mode) is None and self.pools_carry(who, price)
        own = min(own, price)
        fits = fits and self.model.hold(job.id, who, own, mode, is_share=True) == "held"
        assert fits == (added is not None)
        if added is not None:
            self.open[job.id] = new
            self.take_in(new, job.id, who.member, own, added)
        return job.id

    @rule(number=NUMBERS, asker=ASKERS, amount=PRICES)
    def add_a_share(self, number: int, asker: Asker, amount: int) -> None:
        """A member adds to one of the chip-ins, also to one in another server, or too much or too little."""
        if self.open:
            self.add_to(self.nth(number), asker, amount)

    def add_to(self, one: NaiveChipIn, asker: Asker, amount: int) -> None:
        """Add a share as in the model."""
        said = self.asker(asker)
        who, share_id = replace(said, channel=one.asker.channel), self.new_id()
        adding = chip_ins.add(one.job.id, share_id, self.who(said), amount, self.rules_now())
        added = self.tried(adding)
        part = min(amount, one.missing)
        mine = [member for _, member, _ in one.shares]
        fits = who.guild == one.asker.guild and self.model.now < one.until and not one.is_full
        fits = fits and one.missing > 0 and part >= min(BOUNDS.least_microusd, one.missing)
        fits = fits and mine.count(who.member) < BOUNDS.shares_of_member_max and len(mine) < BOUNDS.shares_max
        fits = fits and self.model.hold(share_id, who, part, one.job.mode, is_share=True) == "held"
        assert fits == (added is not None)
        if added is not None:
            assert added.share_microusd == part
            self.take_in(one, share_id, who.member, part, added)

    @rule(number=NUMBERS, member=MEMBERS)
    def take_a_share_back(self, number: int, member: int) -> None:
        """A member takes back all that they added, if the chip-in is not full and not their own."""
        if self.open:
            self.take_theirs_back(self.nth(number), member)

    def take_theirs_back(self, one: NaiveChipIn, member: int) -> None:
        """Take a member's shares back as in the model."""
        member_id = self.base + member
        back = self.tried(chip_in_endings.take_back(one.job.id, member_id, now=self.model.now))
        mine = [amount for _, owner, amount in one.shares if owner == member_id]
        fits = bool(mine) and not one.is_full and one.asker.member != member_id
        assert back == (sum(mine) if fits else None)
        if fits:
            self.give_back(one, member_id)

    @rule(number=NUMBERS, member=MEMBERS)
    def somebody_cancels(self, number: int, member: int) -> None:
        """The maker cancels, and everything is given back; nobody else can."""
        if not self.open:
            return
        one, member_id = self.nth(number), self.base + member
        ended = self.tried(chip_in_endings.cancel(one.job.id, member_id, now=self.model.now))
        assert (ended is not None) == (one.asker.member == member_id)
        if ended is not None:
            self.drop(one)

    @rule()
    def the_loop_looks(self) -> None:
        """Chip-ins whose time is over or whose server was left end, and full ones begin."""
        for chip_in_id, _, _ in self.run(chip_in_rows.due_chip_ins(now=self.model.now)):
            if chip_in_id not in self.open:
                continue
            one = self.open[chip_in_id]
            if self.run(chip_in_endings.end_late(chip_in_id, now=self.model.now)):
                self.drop(one)
                continue
            assert self.model.now < one.until
            self.begin_if_it_may(one, self.run(chip_ins.begin_full(chip_in_id, self.rules_now())))

    @rule(number=NUMBERS, asker=ASKERS, amount=PRICES, statements=st.integers(0, 60), what=st.sampled_from("abcd"))
    def a_crash_in_a_chip_in(self, number: int, asker: Asker, amount: int, statements: int, what: str) -> None:
        """A crash before a commit leaves the chip-in, its shares and the job as they were."""
        if not self.open:
            return
        job_id = self.nth(number).job.id
        before = self.run(chip_in_rows.chip_in_of(job_id))
        acts: dict[str, Transaction[Any]] = {
            "a": chip_ins.add(job_id, self.new_id(), self.who(self.asker(asker)), amount, self.rules_now()),
            "b": chip_in_endings.cancel(job_id, self.nth(number).asker.member, now=self.model.now),
            "c": chip_in_endings.take_back(job_id, self.asker(asker).member, now=self.model.now),
            "d": chip_ins.begin_full(job_id, self.rules_now()),
        }
        self.crash(acts[what], statements)
        assert self.run(chip_in_rows.chip_in_of(job_id)) == before

    @rule(number=NUMBERS, outcome=OUTCOMES)
    def a_shared_job_comes_to(self, number: int, outcome: Outcome) -> None:
        """A job that several pay for comes to an outcome."""
        shared = sorted(one.id for one in self.jobs.values() if one.shares and one.id not in self.unreadable)
        if shared:
            self.come_to(shared[number % len(shared)], outcome, ends=True)

    def new_id(self) -> str:
        """Return an id that was not used yet."""
        self.ids += 1
        return f"{self.base:016x}{'c':>08}{self.ids:08x}"

    def nth(self, number: int) -> NaiveChipIn:
        """Return one of the chip-ins that are not over."""
        return self.open[sorted(self.open)[number % len(self.open)]]

    def rules_now(self) -> Rules:
        """Return what decides at this moment."""
        return Rules(bounds=BOUNDS, shipped=self.shipped, places=PLACES, now=self.model.now)

    def who(self, asker: Asker) -> Who:
        """Return the asker as the program knows them."""
        return Who(guild_id=asker.guild, channel_id=asker.channel, member_id=asker.member, role_ids=asker.roles)

    def tried(self, transaction: Transaction[Any]) -> Any:
        """Return what the transaction returns; None if it is refused."""
        try:
            return self.run(transaction)
        except REFUSALS:
            return None

    def pools_carry(self, asker: Asker, price: int) -> bool:
        """Return whether every budget but the member's own has room for the whole price."""
        own = f"member:{asker.guild}:{asker.member}"
        limits = self.model.limits(asker).items()
        pools = [(scope, kind, cap) for (scope, kind), cap in limits if scope != own]
        return not price or all(
            sum(self.model.sums(asker.guild, scope, kind)) + price <= cap for scope, kind, cap in pools
        )

    def take_in(self, one: NaiveChipIn, share_id: str, member: int, amount: int, added: Added) -> None:
        """Add a share in the model, and begin the job with the last one as the program does."""
        self.model.no_jobs.add(share_id)
        one.shares.append((share_id, member, amount))
        assert (added.chip_in.missing_microusd, added.chip_in.quote_microusd) == (one.missing, one.job.quote_microusd)
        if one.missing:
            assert added.job is None
        else:
            self.begin_if_it_may(one, added.job)

    def begin_if_it_may(self, one: NaiveChipIn, job: Job | None) -> None:
        """A full chip-in begins if the rules of now allow its maker the whole price, and there is a place."""
        price = one.job.quote_microusd
        approval = self.model.rule(one.asker.guild, "server", "approval")
        waits = approval is not None and price > approval["above_microusd"]
        may = self.model.forbidden(one.asker, price, one.job.mode) is None
        may = may and not self.is_full(one.asker, waits=waits)
        assert may == (job is not None)
        one.is_full = True
        if job is None:
            return
        del self.open[one.job.id]
        assert job.state == ("waiting" if waits else "accepted")
        assert sum(share.amount_microusd for share in job.shares) == price
        assert {(share.id, share.member_id, share.amount_microusd) for share in job.shares} == set(one.shares)
        self.jobs[job.id] = job
        self.model.shares[job.id] = [share_id for share_id, _, _ in one.shares]
        self.model.no_jobs.discard(job.id)

    def give_back(self, one: NaiveChipIn, member: int) -> None:
        """Release a member's shares in the model."""
        for share_id, owner, _ in one.shares:
            if owner == member:
                self.model.end_one(share_id, "release", 0)
        one.shares = [share for share in one.shares if share[1] != member]
        one.is_full = False

    def drop(self, one: NaiveChipIn) -> None:
        """Release everything in the model."""
        for share_id, _, _ in one.shares:
            self.model.end_one(share_id, "release", 0)
        del self.open[one.job.id]

    def pays_for(self, job: Job, member: int) -> bool:
        """Return whether the member makes the job or has a share of it."""
        return super().pays_for(job, member) or any(one.member_id == member for one in job.shares)

    def after_forgetting(self, member: int) -> None:
        """Give back what the member added, and end their own chip-ins; no job names them."""
        for one in list(self.open.values()):
            if one.asker.member == member:
                self.drop(one)
            elif any(owner == member for _, owner, _ in one.shares):
                self.give_back(one, member)
        for job_id, job in self.jobs.items():
            shares = tuple(replace(one, member_id=0) if one.member_id == member else one for one in job.shares)
            self.jobs[job_id] = replace(job, shares=shares)

    @rule(guild=st.sampled_from(GUILDS), erased=st.booleans(), invited=st.booleans())
    def the_bot_is_removed(self, guild: int, *, erased: bool, invited: bool) -> None:
        """With the server's data its chip-ins go, and all that was added is given back."""
        super().the_bot_is_removed(guild, erased=erased, invited=invited)
        for one in [one for one in self.open.values() if erased and one.asker.guild == self.base + guild]:
            self.drop(one)

    def sweep(self) -> None:
        """Sweep, and look after chip-ins."""
        super().sweep()
        self.the_loop_looks()
