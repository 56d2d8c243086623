"""What a member does on the page: from the first click to a finished video, and what comes after it."""

import re

from playwright.sync_api import expect

from tests.support.play_page import FINISHED_MS, Play, Visitors


def test_a_newcomers_way_to_a_finished_video(play: Play, visitors: Visitors) -> None:
    """The page answers within 5 s of its start; a command from the picker becomes a card, and then a playing video."""
    print(f"\nmake play: the page answers after {play.started_s:.1f} s, the bot is there after {play.ready_s:.1f} s")
    assert play.started_s < 5
    maker = visitors.open()
    maker.shot("01-first-sight")
    maker.page.locator("#draft").click()
    maker.page.keyboard.type("/wan")
    expect(maker.page.locator("#picklist li").first).to_be_visible()
    maker.shot("02-picker")
    maker.page.keyboard.press("Escape")
    card = maker.order("The sun sinks behind the mountains")
    expect(card).to_contain_text("/wan27 image")
    expect(card).to_contain_text(re.compile(r"\d+ %"))
    maker.shot("03-progress")
    video = maker.finished(card)
    video.evaluate("(video) => { video.muted = true; return video.play(); }")
    maker.page.wait_for_function("(video) => video.currentTime > 0.2", arg=video.element_handle())
    expect(card).to_contain_text("$0.50")
    maker.shot("04-video-plays")


def test_a_playing_video_goes_on_when_its_message_is_edited(visitors: Visitors) -> None:
    """A reaction changes the message, whose files get new addresses; the video is not loaded again."""
    maker = visitors.open()
    video = maker.page.locator("li.message video").last
    expect(video).to_be_visible()
    video.evaluate("(video) => { window.seen = video; video.muted = true; return video.play(); }")
    source = video.get_attribute("src")
    card = maker.page.locator("li.message").filter(has=maker.page.locator("video")).last
    card.hover()
    card.get_by_role("button", name="Add reaction").first.click()
    maker.page.get_by_placeholder("Find the perfect emoji").fill("fire")
    maker.page.keyboard.press("Enter")
    expect(card.locator(".reaction.mine")).to_have_text(re.compile("🔥"))
    assert video.get_attribute("src") == source
    assert video.evaluate("(video) => video === window.seen && !video.paused")


def test_escape_closes_the_choices_before_it_drops_the_command(visitors: Visitors) -> None:
    """The first Escape closes a list of choices and keeps what was typed; the second one drops the command."""
    maker = visitors.open()
    maker.begin_command("wan27 image")
    maker.fill_option("prompt", "Not typed twice")
    maker.add_option("resolution")
    expect(maker.page.locator("#picklist li").first).to_be_visible()
    maker.page.keyboard.press("Escape")
    expect(maker.page.locator("#picklist li")).to_have_count(0)
    expect(maker.page.locator('[data-option="prompt"]')).to_have_value("Not typed twice")
    maker.page.keyboard.press("Escape")
    expect(maker.page.locator(".cmdname")).to_have_count(0)


def test_a_rerun_by_reaction(visitors: Visitors) -> None:
    """Pressing 🔁 below a video makes it again, for whoever presses it."""
    maker = visitors.open()
    card = maker.message("The sun sinks behind the mountains")
    before = maker.page.locator("li.message video").count()
    card.locator(".reaction", has_text="🔁").click()
    expect(maker.page.locator("li.message video")).to_have_count(before + 1, timeout=FINISHED_MS)
    maker.shot("05-rerun-by-reaction")


def test_a_broken_file_is_refused_privately(visitors: Visitors) -> None:
    """A file that is no video costs nothing; only its member sees why, and can dismiss the answer."""
    maker, friend = visitors.open(), visitors.open("friend")
    maker.begin_command("wan22 video")
    maker.attach_sample("video", "broken.mp4")
    maker.fill_option("prompt", "as a watercolour")
    maker.send_command()
    answers = "li.message.private:has-text('/wan22 video')"
    answer = maker.page.locator(answers).last
    expect(answer).to_contain_text("Only you can see this", timeout=15_000)
    maker.shot("06-refused-file")
    expect(friend.page.locator("li.message.private")).to_have_count(0)
    answer.get_by_role("button", name="Dismiss message").click()
    expect(maker.page.locator(answers)).to_have_count(0)


def test_the_form_behind_edit(visitors: Visitors) -> None:
    """Edit opens a form filled with the video's own settings; what is changed there is made."""
    maker = visitors.open()
    maker.press(maker.page.locator("li.message").filter(has_text="The sun sinks behind the mountains").first, "Edit")
    form = maker.page.get_by_role("dialog")
    expect(form.locator("textarea").first).to_have_value("The sun sinks behind the mountains")
    maker.shot("07-form")
    form.locator("textarea").first.fill("The moon rises over the lake")
    form.get_by_role("button", name="Submit").click()
    expect(form).to_have_count(0)
    maker.finished(maker.message("The moon rises over the lake"))
    maker.shot("08-edited")


def test_a_message_command_on_somebody_elses_picture(visitors: Visitors) -> None:
    """A right click on friend's photo offers Animate picture, whose form makes a video of it."""
    maker = visitors.open()
    maker.page.locator("li.message").filter(has_text="My photo from yesterday").locator(".content").click(
        button="right"
    )
    maker.shot("09-context-menu")
    maker.page.get_by_role("menuitem", name="Animate picture").click()
    form = maker.page.get_by_role("dialog")
    form.locator("textarea").first.fill("the water begins to shimmer")
    form.get_by_role("button", name="Submit").click()
    card = maker.message("the water begins to shimmer")
    expect(card).to_be_visible()
    maker.shot("10-animated")
    maker.finished(card)


def test_a_messages_menu_on_a_phone(visitors: Visitors) -> None:
    """The ⋯ of a message opens its menu, which is wholly on the screen and looks like a menu, not like a message."""
    maker = visitors.open(width=390, height=700)
    message = maker.page.locator("li.message").filter(has_text="My photo from yesterday").first
    message.locator(".tools").get_by_role("button").last.click()
    menu = maker.page.get_by_role("menu")
    expect(menu.get_by_role("menuitem", name="Animate picture")).to_be_visible()
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= 700
    first = menu.get_by_role("menuitem").first.bounding_box()
    assert first is not None
    assert first["x"] - box["x"] < 12
    maker.shot("14-menu-on-a-phone")


def test_a_thread_and_a_direct_message(visitors: Visitors) -> None:
    """A thread begins with the message it was started at; Wanda answers in it, and ✉️ brings the video by DM."""
    maker = visitors.open()
    maker.page.locator("li.message").filter(has_text="My photo from yesterday").first.locator(".content").click(
        button="right"
    )
    maker.page.get_by_role("menuitem", name="Create Thread").click()
    maker.page.get_by_label("Thread name").fill("Moving photos")
    maker.page.keyboard.press("Enter")
    expect(maker.page.locator("h1")).to_contain_text("Moving photos")
    expect(maker.page.locator("li.message").first).to_contain_text("My photo from yesterday")
    card = maker.order("In a thread")
    maker.finished(card)
    card.hover()
    card.locator(".tools").get_by_role("button", name="Add reaction").click()
    maker.page.get_by_placeholder("Find the perfect emoji").fill("mail")
    maker.page.keyboard.press("Enter")
    messages = maker.page.get_by_role("navigation", name="Channels").get_by_role("button", name="Wanda")
    expect(messages.locator(".badge")).to_have_text("1", timeout=FINISHED_MS)
    maker.shot("12-thread")
    messages.click()
    expect(maker.page.locator("li.message").last.locator("video, a").first).to_be_visible()
    maker.shot("13-direct-message")


def test_two_people_at_once(visitors: Visitors) -> None:
    """Both see a public card live, each sees only their own private answers, and a mention is marked."""
    maker, friend = visitors.open(), visitors.open("friend")
    card = maker.order("Two people watch this")
    theirs = friend.message("Two people watch this")
    expect(theirs).to_be_visible()
    friend.say("@maker that looks good")
    expect(maker.message("that looks good")).to_have_class(re.compile("mentioned"))
    friend.begin_command("quota show")
    friend.send_command()
    expect(friend.page.locator("li.message.private", has_text="/quota show")).to_have_count(1)
    expect(maker.page.locator("li.message", has_text="/quota show")).to_have_count(0)
    maker.finished(card)
    friend.finished(theirs)
    friend.shot("11-second-person")


def test_an_order_by_keyboard_alone(visitors: Visitors) -> None:
    """Everything of an order can be done without a mouse: command, options, file and choice."""
    maker = visitors.open()
    page = maker.page
    page.locator("#draft").focus()
    page.keyboard.type("/wan27 image")
    page.keyboard.press("Enter")
    page.keyboard.type("prompt:Only keys were pressed")
    page.keyboard.press("Tab")
    page.keyboard.type("image:")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator('[data-option="image"]')).to_have_text("portrait.jpg")
    page.keyboard.type("resolution:720")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(maker.message("Only keys were pressed")).to_be_visible()
