"""The rules that are in force when a job is accepted, and hold until it ends."""

from dataclasses import replace

from bot.catalogue.mode import SAFETY_OPTIONS
from bot.catalogue.registry import MODES
from bot.jobs.model import Job
from bot.ledger.model import ContentTerms, Terms

SAFETY_NOTE = "fal's safety check stays on in this server."


def with_terms(job: Job, terms: Terms, sum_microusd: int) -> Job:
    """Return the job with the rules that were in force when it was accepted; they hold until it ends.

    It waits if the sum of its order is above the approval limit.
    """
    job = replace(
        _with_content(job, terms.content),
        policy=terms.policy.value,
        absorbed_daily_microusd=terms.absorbed_daily_microusd.value,
    )
    approval = terms.approval
    if approval is None or sum_microusd <= approval.value.above_microusd:
        return job
    approve_by = job.created_at + approval.value.wait_s
    return replace(job, state="waiting", approve_by=approve_by, approver_role_id=approval.value.role_id)


def _with_content(job: Job, rules: ContentTerms) -> Job:
    """Return the job with fal's safety check on, unless the member may and did switch it off, and hidden if it must be.

    The options are stated in every request, because fal's own default is off for some modes.
    """
    checks = [name for mode in MODES if mode.id == job.mode for name in SAFETY_OPTIONS if name in mode.specs()]
    chosen = {name: rules.safety_optional is False or job.options.get(name, True) for name in checks}
    is_changed = any(job.options.get(name, True) != value for name, value in chosen.items())
    notes = (*job.notes, SAFETY_NOTE) if is_changed else job.notes
    return replace(job, options={**job.options, **chosen}, notes=notes, must_hide=rules.always_spoiler)
