"""The forms of a film in `make look`: their fields one below the other, as Discord shows them in a window."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from bot.catalogue.registry import price_table
from bot.client import Services
from bot.settings import JobSettings
from bot.texts.card import GREY, Choice
from bot.texts.panel import Block, List, Panel, Text
from cogs.base.form import Form
from cogs.films.forms import LookForm, ShotForm, TakeForm
from sandbox import look_film
from sandbox.look_film import MakeJob

TEXT_INPUT, SELECT = 4, 3


def form_panel(form: dict[str, Any]) -> Panel:
    """Return a form, as Discord gets it, as a panel: each field with its label, its hint and what it is filled with."""
    blocks: list[Block] = [Text(f"## {form['title']}")]
    for label in form["components"]:
        field = label["component"]
        star = " *" if field.get("required", True) else ""
        lines = [f"**{label['label']}{star}**"]
        lines += [f"-# {label['description']}"] if label.get("description") else []
        if field["type"] == TEXT_INPUT:
            lines.append(f"> {field.get('value') or field.get('placeholder') or '…'}")
        elif field["type"] != SELECT:
            lines.append("> Upload a file")
        blocks.append(Text("\n".join(lines)))
        if field["type"] == SELECT:
            options = field["options"]
            chosen = next((one["label"] for one in options if one.get("default")), "…")
            blocks.append(
                List(
                    custom_id=field["custom_id"],
                    placeholder=chosen,
                    choices=tuple(Choice(one["label"], one["value"]) for one in options),
                )
            )
    return Panel(blocks, GREY)


def _services() -> Services:
    settings = SimpleNamespace(jobs=JobSettings())
    return cast("Services", SimpleNamespace(prices=price_table(), settings=settings))


def _drawn(make: Callable[[Services], Form]) -> Panel:
    return form_panel(make(_services()).to_dict())


async def _nothing(*_: Any) -> None:
    """Do nothing: nobody sends these forms."""


def forms(a_job: MakeJob) -> Mapping[str, Callable[[], Panel]]:
    """Return the forms by their names."""
    draft = look_film.a_draft()
    film = look_film.a_film(a_job())
    return {
        "film-form-shot": lambda: _drawn(lambda services: ShotForm(services, draft, None)),
        "film-form-edit": lambda: _drawn(lambda services: ShotForm(services, draft, draft.shots[3])),
        "film-form-look": lambda: _drawn(lambda services: LookForm(services, draft)),
        "film-form-again": lambda: _drawn(
            lambda services: TakeForm(
                services, film, film.take(1).shot, _nothing, title="Make shot 1 again", beside_microusd=750_000
            )
        ),
    }
