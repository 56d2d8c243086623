"""What an admin and an operator see on the page: budgets, kills, trouble, the clock, the books."""

import os
import re
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.support.play_page import FINISHED_MS, STOPPED_S, Play, Visitors


def test_kill_and_resume(visitors: Visitors) -> None:
    """The bot is killed while fal renders; started again she posts the video, which is paid once."""
    maker = visitors.open(width=1500)
    panel = maker.drawer("Trouble")
    panel.get_by_role("slider").fill("8")
    card = maker.order("She is killed meanwhile")
    expect(card).to_contain_text(re.compile(r"\d+ %"))
    panel.get_by_role("button", name="kill -9").click()
    expect(maker.page.locator(".banner")).to_contain_text("Wanda is not running")
    maker.shot("20-killed")
    panel.get_by_role("button", name="Start", exact=True).click()
    expect(maker.page.locator(".banner")).to_have_count(0, timeout=FINISHED_MS)
    maker.finished(card)
    money = maker.drawer("Money")
    expect(money.locator(".verdict.good")).to_be_visible()
    expect(money.locator('[data-sum="held"]')).to_have_text("$0.00")
    expect(money.locator('[data-sum="spent"]')).to_have_text("$0.50")
    maker.shot("21-resumed")
    jobs = maker.drawer("Jobs")
    expect(jobs.locator(".state.now")).to_have_text("done")
    assert set(jobs.locator(".state.seen").all_inner_texts()) >= {"accepted", "queued", "running", "delivering", "done"}
    maker.shot("22-state-machine")


def test_an_admin_sets_a_budget_and_a_member_is_refused(visitors: Visitors) -> None:
    """What the admin allows holds at once: the member's next order is refused privately and costs nothing."""
    admin, maker = visitors.open("admin"), visitors.open(width=1500)
    spent = maker.drawer("Money").locator('[data-sum="spent"]').inner_text()
    admin.begin_command("wanda-admin member set")
    admin.fill_option("member", "@maker")
    admin.fill_option("window", "each day")
    admin.fill_option("amount", "0.60")
    admin.send_command()
    expect(admin.newest).to_contain_text("$0.60")
    admin.shot("23-admin-budget")
    maker.begin_command("wan27 image")
    maker.fill_option("prompt", "Nobody pays for this")
    maker.attach_sample("image", "lake.png")
    maker.send_command()
    expect(maker.page.locator("li.message.private").last).to_contain_text(re.compile(r"\$0\.\d\d"), timeout=15_000)
    maker.shot("24-member-refused")
    expect(maker.drawer("Money").locator('[data-sum="spent"]')).to_have_text(spent)


def test_a_list_at_the_bottom_opens_upwards(visitors: Visitors) -> None:
    """The setup panel's last list stays in view when it opens, and a choice in it can be pressed."""
    admin = visitors.open("admin")
    admin.begin_command("wanda-admin setup")
    admin.send_command()
    panel = admin.message("Wanda in Studio")
    panel.locator(".selectbox", has_text="What can a member do now?").click()
    panel.get_by_role("option", name="friend").click()
    expect(admin.message("What @friend can do now")).to_be_visible()
    admin.shot("30-what-a-member-can-do")


def test_a_list_in_a_form_does_not_submit_it(visitors: Visitors) -> None:
    """Choosing a role in the approval form leaves the form open, and the chosen role is what is set."""
    admin = visitors.open("admin")
    admin.begin_command("wanda-admin setup")
    admin.send_command()
    panel = admin.message("Wanda in Studio")
    panel.get_by_role("button", name="Change").nth(3).click()
    admin.press(admin.message("What waits"), "Change")
    form = admin.page.get_by_role("dialog")
    form.get_by_label("Above which price ($)").fill("5")
    form.locator(".selectbox").first.click()
    form.get_by_role("option", name="@Regulars").click()
    admin.shot("31-approver")
    form.get_by_role("button", name="Submit").click()
    expect(admin.message("What waits")).to_contain_text("until @Regulars or an admin says yes")
    admin.press(admin.message("What waits"), "Turn off")
    expect(admin.message("What waits")).to_contain_text("No video waits")


def test_a_permission_that_is_taken_counts_at_once(visitors: Visitors) -> None:
    """Where the admin takes SEND_MESSAGES from @everyone, the composer says so, and gives it back again."""
    admin, friend = visitors.open("admin", width=1500), visitors.open("friend")
    panel = admin.drawer("Server")
    row = panel.locator(".overwrites tr", has_text=re.compile("^Send messages✕"))
    row.get_by_role("radio", name="deny").click()
    expect(friend.page.locator(".nowrite")).to_be_visible()
    admin.shot("25-permissions")
    row.get_by_role("radio", name="as the role says").click()
    expect(friend.page.locator("#draft")).to_be_visible()


def test_the_clock_renews_an_allowance(visitors: Visitors) -> None:
    """A day later, the allowance that is used up today is whole again, by the same clock for all."""
    friend = visitors.open("friend", width=1500)
    friend.finished(friend.order("Some of the allowance"))
    friend.begin_command("quota show")
    friend.send_command()
    expect(friend.message("/quota show")).to_contain_text("$4.50 of $5.00")
    friend.drawer("Trouble").get_by_role("button", name="+1 day").click()
    expect(friend.page.locator(".drawer")).to_contain_text("ahead")
    friend.begin_command("quota show")
    friend.send_command()
    expect(friend.message("/quota show")).to_contain_text("$5.00 of $5.00")
    friend.shot("26-next-day")


@pytest.mark.parametrize(("title", "state"), [("fal refuses the content", "failed"), ("A reply is lost", "uncertain")])
def test_trouble_is_named_and_the_books_stay_right(visitors: Visitors, title: str, state: str) -> None:
    """A planned fault happens to the next order, the job's state says what came of it, and the books are right."""
    friend = visitors.open("friend", width=1500)
    panel = friend.drawer("Trouble")
    panel.get_by_role("switch", name=title).check()
    expect(panel.get_by_text("armed")).to_be_visible()
    card = friend.order(f"Trouble: {title}")
    expect(card).not_to_contain_text(re.compile(r"\d+ %"), timeout=FINISHED_MS)
    jobs = friend.drawer("Jobs")
    expect(jobs.locator(".state.now")).to_have_text(state, timeout=FINISHED_MS)
    friend.shot(f"27-{title.replace(' ', '-')}")
    expect(friend.drawer("Money").locator(".verdict.good")).to_be_visible()


def test_what_the_services_received_and_answered(visitors: Visitors) -> None:
    """The wire shows each request with its bodies, and the log every line of the bot."""
    maker = visitors.open(width=1500)
    wire = maker.drawer("Wire")
    wire.get_by_role("button", name="To fal", exact=True).click()
    wire.locator("li.wire.fal", has_text="POST").last.get_by_role("button").click()
    expect(wire.locator(".bodies pre").first).to_contain_text("{")
    maker.shot("28-wire")
    log = maker.drawer("Log")
    expect(log.locator("li", has_text="Wanda is ready").last).to_be_visible()
    maker.shot("29-log")


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_it_ends_all_that_it_started(how: signal.Signals, status: int) -> None:
    """Ctrl-C ends the bot, the reader of its books and the stand-ins; on Linux even a kill takes the bot along."""
    with Play() as running:
        group = _children(running.process.pid)
        assert group
        assert running.stop(how) == status
        deadline = time.monotonic() + STOPPED_S
        while (left := [pid for pid in group if _runs(pid)]) and time.monotonic() < deadline:
            os.sched_yield()
        assert left == []


def _children(pid: int) -> list[int]:
    listed = os.listdir("/proc") if os.path.isdir("/proc") else []  # noqa: PTH112, PTH208 - a listing of names
    return [int(one) for one in listed if one.isdigit() and _parent(int(one)) == pid]


def _parent(pid: int) -> int:
    """Return the parent's id; 0 for a process that is gone or only waits to be noticed as ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - one line
            state, parent = stat.read().rpartition(")")[2].split()[:2]
    except OSError:
        return 0
    return 0 if state == "Z" else int(parent)


def _runs(pid: int) -> bool:
    return _parent(pid) != 0
