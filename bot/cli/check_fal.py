"""What `python -m bot check` finds at fal: the key, the account, prices, schemas and the balance."""

import asyncio
import random
import time

from bot.catalogue.list_price import DOLLARS, ListPrice
from bot.catalogue.mode import Mode
from bot.catalogue.picker import Picker
from bot.catalogue.price import PriceTable
from bot.catalogue.registry import MODES
from bot.catalogue.schema import faults_of, schema_sentence
from bot.cli.finding import Finding
from bot.errors import FalAccountError, FalError, SettingsRefused
from bot.fal.client import FalClient
from bot.fal.platform import FalPlatform
from bot.fal.wire.types import UnitPrice
from bot.money import MICROUSD_PER_USD, dollars, exact_dollars
from bot.net.transport import make_http
from bot.runner.fal_account import said_of
from bot.runner.fal_watch import kept_on
from bot.settings import Settings
from bot.texts.operators import missing_keys


async def check_fal(settings: Settings) -> list[Finding]:
    """Ask fal for all that Wanda watches while she runs; nothing is ordered, and nothing is stored."""
    if settings.fal.key is None:
        return [Finding("fal", fine=False, text=missing_keys(["FAL_KEY"]))]
    try:
        kept_on(settings.watch)
        prices = Picker.of(settings.money, settings.defaults).prices
    except SettingsRefused as refused:
        return [Finding("fal", fine=False, text=str(refused))]
    async with make_http(settings.fal) as http:
        fal = FalClient(http, settings.fal, sleep=asyncio.sleep, random=random.random, clock=time.time)
        try:
            listed = await fal.unit_prices([mode.endpoint for mode in MODES])
        except FalAccountError as error:
            text = f"fal does not accept FAL_KEY ({error.status}); make a new one, or look at the account's balance"
            return [Finding("fal", fine=False, text=text)]
        except FalError:
            text = "fal's price list could not be reached, so the key and the prices are not checked; try again later"
            return [Finding("fal", fine=False, text=text)]
        balance = [] if settings.fal.admin_key is None else [await _balance(FalPlatform(http, settings.fal), settings)]
        return [await _account(fal), *balance, *_prices(prices, listed), *await _schemas(fal)]


async def _account(fal: FalClient) -> Finding:
    try:
        await fal.check_account()
    except FalAccountError as error:
        return Finding("fal", fine=False, text=said_of(error)[1])
    except FalError as error:
        return Finding("fal", fine=True, text=f"the key is accepted; whether fal takes orders is not known ({error})")
    return Finding("fal", fine=True, text="the key is accepted")


async def _balance(platform: FalPlatform, settings: Settings) -> Finding:
    try:
        balance_microusd = round(await platform.balance() * MICROUSD_PER_USD)
    except FalAccountError as error:
        text = f"fal does not tell it to FAL_ADMIN_KEY ({error.status}); make a key with the scope ADMIN"
        return Finding("fal's balance", fine=False, text=text)
    except FalError as error:
        return Finding("fal's balance", fine=False, text=f"it could not be read ({error}); try again later")
    warn_microusd = settings.watch.balance_warn_microusd
    if balance_microusd < warn_microusd:
        text = f"{dollars(balance_microusd)}, below the {dollars(warn_microusd)} of your warning; top it up"
        return Finding("fal's balance", fine=False, text=text)
    return Finding("fal's balance", fine=True, text=dollars(balance_microusd))


def _prices(prices: PriceTable, listed: dict[str, UnitPrice]) -> list[Finding]:
    """Compare fal's base price of each endpoint with ours, to notice that a price changed."""
    return [_price(mode, prices, listed.get(mode.endpoint)) for mode in MODES]


def _price(mode: type[Mode], prices: PriceTable, theirs: UnitPrice | None) -> Finding:
    ours = {name: rate for (owner, name), rate in prices.rows.items() if owner == mode.id}
    shown = ", ".join(f"{exact_dollars(rate)} at {name}" for name, rate in ours.items()) or "none, so it's off"
    if theirs is None:
        return Finding(mode.id, fine=True, text=f"fal lists no price; Wanda counts {shown}")
    text = f"fal lists {ListPrice(theirs.amount, theirs.unit, theirs.currency)}; Wanda counts {shown}"
    if not ours or (theirs.currency == DOLLARS and theirs.amount * MICROUSD_PER_USD in ours.values()):
        return Finding(mode.id, fine=True, text=text)
    hint = f"look at the model's page on fal.ai; WANDA_BASE_PRICES_USD={mode.id}=… moves Wanda's prices"
    return Finding(mode.id, fine=False, text=f"{text}; {hint}")


async def _schemas(fal: FalClient) -> list[Finding]:
    """Hold every mode's schema against what Wanda sends; one line where all is fine."""
    found = await asyncio.gather(*(_schema(fal, mode) for mode in MODES))
    wrong = [Finding("schemas", fine=False, text=text) for text in found if text]
    return wrong or [Finding("schemas", fine=True, text=f"fal takes what Wanda sends for all {len(MODES)} modes")]


async def _schema(fal: FalClient, mode: type[Mode]) -> str:
    try:
        faults = faults_of(mode, await fal.input_schema(mode.endpoint))
    except FalError as error:
        return f"fal's schema of {mode.title} could not be read, so it is not checked: {error}"
    return schema_sentence(mode, faults) if faults else ""
