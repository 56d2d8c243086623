"""What the rules are asked about a job: who orders it, and what they would make."""

from collections.abc import Mapping
from typing import Any

from bot.catalogue.mode import WRITTEN, Mode
from bot.catalogue.registry import MODE_TITLES
from bot.jobs.model import Job
from bot.ledger.model import RuleQuery, Who


def rule_query(mode: Mode) -> RuleQuery:
    """Return the parts of a request that the rules check."""
    return query_of_options(mode.id, mode.options())


def query_of_job(job: Job) -> RuleQuery:
    """Return the parts of the job that the rules check."""
    return query_of_options(job.mode, job.options)


def query_of_options(mode_id: str, options: Mapping[str, Any]) -> RuleQuery:
    """Return the parts of these options that the rules check; some may be missing or wrong."""
    texts = (options.get(name) for name in WRITTEN)
    return RuleQuery(
        mode=mode_id,
        resolution=options.get("resolution"),
        texts=tuple(text for text in texts if isinstance(text, str)),
        mode_titles=MODE_TITLES,
    )


def who_of(job: Job) -> Who:
    """Return the job's member, their roles, and the channel whose rules hold."""
    return Who(
        guild_id=job.guild_id,
        channel_id=job.rules_channel_id or job.address.channel_id,
        member_id=job.member_id,
        role_ids=job.role_ids,
        age_restricted=job.age_restricted,
    )
