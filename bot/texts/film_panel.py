"""The private panel on which a member puts a film together: its shots, one shot, and the question before it is made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.films.checks import Problem
from bot.films.drafts import COLLECTING
from bot.films.model import SHOTS_MAX, Draft, Shot
from bot.films.quoting import seconds
from bot.money import dollars
from bot.texts.card import AMBER, BLUE, GREY, Button, Choice, Field
from bot.texts.film_ids import DraftAction, draft_button_id, draft_select_id
from bot.texts.film_words import FILE_CHARS_MAX, SHOT_CHARS_MAX, joining_words, look_words, price_moved, sum_words
from bot.texts.panel import CHOICE_CHARS_MAX, CHOICES_MAX, Block, Buttons, Divider, Entry, List, Panel, Text
from bot.texts.plain import cut, dotted, plain, visible
from bot.texts.quota import Reach
from bot.units import counted

PROMPT_CHARS_MAX = 700  # of a prompt on its own page
NOTICE_CHARS_MAX = 500
PROBLEMS_SHOWN_MAX = 2
TITLE = "## 🎬 Your film"
ADD = "\N{HEAVY PLUS SIGN}"
EMPTY = (
    "A film is made of **shots**: short videos that Wanda joins into one. Each begins with a picture or with words "
    "alone, or goes on where the shot before ends.\n"
    "**1.** Add two or more shots. **2.** Look at the price. **3.** Make the film.\n"
    "-# Only you see this. It's kept, so you can go on later with `/film`."
)
MAKE = "Make the film"
GONE = "This draft isn't there any more. Type `/film` to begin a new one; you weren't charged."
NOT_YOURS = "This draft belongs to somebody else. Type `/film` to begin your own."
SHOT_GONE = "That shot isn't there any more. Here is the film as it is now."
DELETED = "The draft is deleted. Type `/film` whenever you want to begin a new one."
BEGUN = "Your film is on its way. Its card in the channel shows how far each shot is."
WAITS = "Your film waits for approval. Its card in the channel shows how it goes on."
CHANGED = "Changed."
LEFT_OUT = "The rest of the form is kept."
REMOVED = "Removed."
BAD_CHOICE = "That can't be chosen here. Open the form again and choose one of the values in its lists."
BAD_SEED = "A seed is a whole number up to 2,147,483,647. Leave it empty for a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPage:
    """What the panel shows of a draft.

    `prices_microusd` are those of its shots, None where a price is not known; `microusd` is the sum, None unless all
    are. `problems` are the reasons why it cannot be made as it is. `left` says in a sentence what is left of the
    member's budget, and `may_ask` that it is too little, and that an admin could help; `may_chip_in` that others could;
    `others_may` that they could also where it is enough. `is_collecting` says that others chip in for it now.
    `notice` says what the last press did. `others` are the member's other drafts.
    """

    draft: Draft
    prices_microusd: Sequence[int | None] = ()
    microusd: int | None = None
    problems: Sequence[Problem] = ()
    left: str = ""
    may_ask: bool = False
    may_chip_in: bool = False
    others_may: bool = False
    is_collecting: bool = False
    notice: str = ""
    others: Sequence[Draft] = ()

    def said_of(self, number: int | None) -> list[str]:
        """Return what is wrong with the shot of this number, or with the film as a whole."""
        return [f"⚠️ {problem.sentence}" for problem in self.problems if problem.number == number]

    def price_of(self, number: int) -> int | None:
        """Return the price of the shot with this number, if it is known."""
        return self.prices_microusd[number - 1] if 0 < number <= len(self.prices_microusd) else None


def draft_panel(page: DraftPage) -> Panel:
    """Return the page with all shots, the price, and what to do next."""
    draft = page.draft
    notice = COLLECTING if page.is_collecting else page.notice
    blocks: list[Block] = [Text(f"{TITLE}\n-# {look_words(draft)}"), *_notice(notice)]
    blocks += [_entry(page, number, shot) for number, shot in enumerate(draft.shots, start=1)]
    blocks += [Divider(), Text(_sum(page))]
    new = _button("New film", "new", draft, emoji="🆕")
    blocks += [Buttons((new,))] if page.is_collecting else [_shot_buttons(page), _film_buttons(page)]
    blocks += [_others(page)] if page.others else []
    return Panel(blocks, BLUE)


def _shot_buttons(page: DraftPage) -> Buttons:
    draft = page.draft
    add = _button("Add a shot", "add", draft, emoji=ADD, disabled=len(draft.shots) >= SHOTS_MAX)
    look = _button("Look and sound", "look", draft, emoji="🎛️")
    mute = (_button("Remove the sound", "mute", draft, emoji="🔇"),) if draft.soundtrack else ()
    return Buttons((add if _is_ready(page) else replace(add, style="success"), look, *mute))


def _film_buttons(page: DraftPage) -> Buttons:
    draft, is_ready = page.draft, _is_ready(page)
    make = _button(MAKE, "make", draft, emoji="🎬", disabled=not is_ready)
    if is_ready:
        make = _priced(make, "make", page)
    if not draft.files and not draft.shots:
        return Buttons((make,))
    ask = (_button("Ask an admin", "ask", draft, emoji="🙋"),) if page.may_ask and is_ready else ()
    chip = (_chip_button(page),) if page.may_chip_in and is_ready else ()
    drop, new = _button("Delete", "drop", draft, emoji="🗑️"), _button("New film", "new", draft, emoji="🆕")
    return Buttons((make, *chip, *ask, drop, new))


def _chip_button(page: DraftPage) -> Button:
    """Return the button that lets others chip in for the film at the price that stands on the panel."""
    button_id = draft_button_id("chip", page.draft.id, microusd=page.microusd or 0)
    return replace(_button("Chip in…", "chip", page.draft, emoji="🤝"), custom_id=button_id)


def _priced(button: Button, action: DraftAction, page: DraftPage) -> Button:
    """Return the button with the film's price on it and in its id, so that a press is about this price."""
    microusd = page.microusd or 0
    button_id = draft_button_id(action, page.draft.id, microusd=microusd)
    return replace(button, label=f"{button.label} · {dollars(microusd)}", custom_id=button_id, style="success")


def _is_ready(page: DraftPage) -> bool:
    return not page.problems and page.microusd is not None


def _button(
    label: str, action: DraftAction, draft: Draft, *, emoji: str, shot: str = "", disabled: bool = False
) -> Button:
    return Button(label, "secondary", draft_button_id(action, draft.id, shot), disabled=disabled, emoji=emoji)


def _notice(notice: str) -> list[Block]:
    return [Text(f"> {cut(' '.join(notice.split()), NOTICE_CHARS_MAX)}")] if notice else []


def _entry(page: DraftPage, number: int, shot: Shot) -> Entry | Text:
    lines = [f"**{number}** · {_prompt(shot, SHOT_CHARS_MAX)}", f"-# {_facts(page, number, shot)}"]
    lines += [f"-# {said}" for said in page.said_of(number)[:1]]
    if page.is_collecting:
        return Text("\n".join(lines))
    return Entry("\n".join(lines), Button("Change", "secondary", draft_button_id("open", page.draft.id, shot.id)))


def _facts(page: DraftPage, number: int, shot: Shot) -> str:
    price = page.price_of(number)
    cost = "made already" if shot.made else "" if price is None else dollars(price)
    return dotted((f"{shot.seconds} s", joining_words(shot, number), cost))


def _prompt(shot: Shot, chars_max: int) -> str:
    return plain(shot.prompt, chars_max) if visible(shot.prompt) else "*no words yet*"


def _sum(page: DraftPage) -> str:
    draft = page.draft
    if not draft.shots:
        return EMPTY
    lines = [f"**{sum_words(len(draft.shots), seconds(draft, draft.shots), page.microusd)}**"]
    lines += page.said_of(None)[:PROBLEMS_SHOWN_MAX]
    lines += [f"-# {page.left}"] if page.left and not page.is_collecting else []
    return "\n".join(lines)


def left_words(bound: Reach | None, microusd: int | None, *, may_ask: bool = False, may_chip_in: bool = False) -> str:
    """Return what is left of the tightest budget, and where the film costs more, what to do about it."""
    if bound is None:
        return ""
    left = f"{dollars(bound.microusd)} is left of {bound.because}."
    if (microusd or 0) <= bound.microusd:
        return left
    ways = ["Choose fewer, shorter or smaller shots"]
    ways += ["let others chip in"] if may_chip_in else []
    ways += ["ask an admin"] if may_ask else []
    *others, last = ways
    return f"⚠️ {left} {', '.join(others)}{', or ' if others else ''}{last}."


def _others(page: DraftPage) -> List:
    choices = tuple(Choice(cut(draft_title(one), CHOICE_CHARS_MAX), one.id) for one in page.others[:CHOICES_MAX])
    return List(custom_id=draft_select_id(page.draft.id), placeholder="Your other drafts", choices=choices)


def draft_title(draft: Draft) -> str:
    """Return a draft in a few plain words, for a list: "3 shots · 15 s · The sun sets behind…"."""
    first = visible(draft.shots[0].prompt[:400]) if draft.shots else ""
    return dotted((sum_words(len(draft.shots), seconds(draft, draft.shots), None), first))


def moved(before: int, now: int) -> str:
    """Return what became of a shot's place."""
    return "It stays where it is." if before == now else f"It's shot {now} now."


def shot_panel(page: DraftPage, shot: Shot) -> Panel:
    """Return the page of one shot of the draft, with all that can be changed of it."""
    draft = page.draft
    number = next((at for at, one in enumerate(draft.shots, start=1) if one.id == shot.id), 0)
    named = (("Begins with", shot.picture), ("Ends on", shot.end_picture))
    lines = [
        f"## Shot {number} of {len(draft.shots)}",
        f"> {_prompt(shot, PROMPT_CHARS_MAX)}",
        f"-# {_facts(page, number, shot)}",
        *(f"-# {what} “{plain(item.file_name, FILE_CHARS_MAX)}”" for what, item in named if item is not None),
        *page.said_of(number),
    ]
    edit = replace(_button("Edit", "edit", draft, shot=shot.id, emoji="✏️"), style="success")
    bare = (_button("Without pictures", "bare", draft, shot=shot.id, emoji="🚫"),) if shot.files else ()
    up = _button("Up", "up", draft, shot=shot.id, emoji="⬆️", disabled=number <= 1)
    down = _button("Down", "down", draft, shot=shot.id, emoji="⬇️", disabled=number >= len(draft.shots))
    remove = _button("Remove", "remove", draft, shot=shot.id, emoji="🗑️")
    blocks = [Text("\n".join(lines)), *_notice(page.notice), Buttons((edit, *bare, up, down, remove))]
    return Panel([*blocks, Buttons((_button("All shots", "home", draft, emoji="◀️"),))], BLUE)


def question_panel(
    page: DraftPage,
    changes: Sequence[Field],
    *,
    above_microusd: int,
    needs_approval: bool,
    before_microusd: int | None = None,
) -> Panel:
    """Return the question before a film that is costly, or whose price is another one than stood on the button."""
    draft, microusd = page.draft, page.microusd or 0
    price = dollars(microusd)
    why = f"Wanda asks before anything above {dollars(above_microusd)}. " if microusd > above_microusd else ""
    lines = [
        f"## Make this film for {price}?",
        *([price_moved(before_microusd, microusd)] if before_microusd is not None else []),
        f"{sum_words(len(draft.shots), seconds(draft, draft.shots), None)} · {look_words(draft)}",
        *(f"{field.name}: {' '.join(field.value.split())}" for field in changes),
        f"-# {why}When you go on, {price} is set aside.",
        "-# Each shot is charged when it's made, and what isn't made comes back.",
    ]
    make = "Make it, if approved" if needs_approval else "Make it"
    sure = _priced(_button(make, "sure", draft, emoji="🎬"), "sure", page)
    back = _button("Back", "home", draft, emoji="◀️")
    chip = (_chip_button(page),) if page.others_may and microusd else ()
    return Panel([Text("\n".join(lines)), *_notice(page.notice), Buttons((sure, *chip, back))], AMBER)


def deletion_panel(draft: Draft) -> Panel:
    """Return the question whether to delete a draft."""
    shots = f"its {counted(len(draft.shots), 'shot')}" if draft.shots else "what's in it"
    text = f"## Delete this film?\n{shots.capitalize()} will be gone, pictures included. Nothing was charged for it."
    gone = replace(_button("Delete it", "gone", draft, emoji="🗑️"), style="danger")
    return Panel([Text(text), Buttons((gone, _button("Keep it", "home", draft, emoji="◀️")))], AMBER)


def said_panel(sentence: str, draft_id: str) -> Panel:
    """Return the panel when there is no draft to show any more."""
    new = Button("New film", "secondary", draft_button_id("new", draft_id), emoji="🆕")
    return Panel([Text(sentence), Buttons((new,))], GREY)
