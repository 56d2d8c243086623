"""What a person does on the page, carried out by the control functions of the stand-in for Discord."""

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from sandbox.discord.control.request import ControlRefused, ControlRequest
from sandbox.discord.control.routes import ACTIONS
from sandbox.discord.core import Core
from sandbox.discord.model import Channel, User
from sandbox.discord.wire import ApiError, Json
from sandbox.play.samples import SAMPLES, SampleFiles
from sandbox.play.view import modal

MB = 1024 * 1024
UPLOAD_MAX_BYTES = 512 * MB
UPLOADS_MAX = 200
UPLOADS_MAX_BYTES = 4 * 1024 * MB  # all uploads together
PERSONAL = frozenset({"slash", "autocomplete", "menu", "click", "submit", "say", "react", "unreact", "delete"})
WORLDLY = frozenset({"world", "change", "gone", "integrations"})
KEYS_OF_TESTS = frozenset({"unchecked"})
NOBODY = frozenset({"user"})  # whoever changes the world is nobody in it


class Deeds:
    """Carries out what the page asks for, with files that were uploaded before or are samples."""

    def __init__(self, core: Core, folder: Path, samples: SampleFiles, world_changed: Callable[[], None]) -> None:
        self._core = core
        self._folder = folder
        self._samples = samples
        self._world_changed = world_changed
        self._uploads: dict[str, Json] = {}
        self._under_way: dict[str, int] = {}  # the bytes so far of each
        self._uploaded_bytes = 0

    async def upload(self, request: web.Request) -> Json:
        """Store a file's bytes, and return the id by which a deed names it.

        Raises:
            ControlRefused: it is too large, or there are too many.
        """
        if len(self._uploads) + len(self._under_way) >= UPLOADS_MAX:
            raise ControlRefused("Too many files; start the page anew.")
        upload_id = secrets.token_hex(8)
        path = self._folder / upload_id
        try:
            await self._receive(request, upload_id, path)
        except BaseException:  # the page may close in the middle
            path.unlink(missing_ok=True)
            raise
        finally:
            size = self._under_way.pop(upload_id, 0)
        self._uploaded_bytes += size
        kind = request.headers.get("Content-Type") or "application/octet-stream"
        name = request.query.get("name") or "file"
        self._uploads[upload_id] = {"path": str(path), "filename": name, "content_type": kind}
        return {"id": upload_id}

    async def _receive(self, request: web.Request, upload_id: str, path: Path) -> None:
        """Write the request's bytes to the file."""
        self._under_way[upload_id] = 0
        with path.open("wb") as file:
            async for chunk in request.content.iter_chunked(256 * 1024):
                self._under_way[upload_id] += len(chunk)
                if self._under_way[upload_id] > UPLOAD_MAX_BYTES:
                    raise ControlRefused("Your files are too powerful. Max file size: 500 MB")
                if self._uploaded_bytes + sum(self._under_way.values()) > UPLOADS_MAX_BYTES:
                    raise ControlRefused("All your files together are too large; start the page anew.")
                file.write(chunk)

    async def do(self, name: str, body: Json) -> Json:
        """Carry out one deed and return what Discord's client would know afterwards.

        Raises:
            ControlRefused: Discord's client would not do this; the text says why.
        """
        act = ACTIONS.get(name) if name in PERSONAL | WORLDLY else None
        if act is None:
            raise ControlRefused(f"The page has no deed {name}.")
        unknown = KEYS_OF_TESTS | NOBODY if name in WORLDLY else KEYS_OF_TESTS
        wanted = {key: value for key, value in body.items() if key not in unknown}
        if "files" in wanted:
            wanted["files"] = await self._files(wanted["files"], ControlRequest(self._core, wanted))
        try:
            done = await act(ControlRequest(self._core, wanted))
        except ApiError as error:
            raise ControlRefused(error.message) from None
        if name in WORLDLY:
            self._world_changed()
        if done.get("modal"):
            done["modal"] = modal(self._core, done["modal"]["id"])
        return done

    async def _files(self, given: Any, request: ControlRequest) -> Any:
        """Return the files as the control functions take them: by path."""
        user = request.user()
        channel = request.channel(user) if "channel" in request.body else None
        match given:
            case list():
                return [await self._file(one, user, channel) for one in cast("list[Any]", given)]
            case dict():
                named = cast("Json", given)
                return {
                    key: await self._files(value, request)
                    if isinstance(value, list)
                    else await self._file(value, user, channel)
                    for key, value in named.items()
                }
            case _:
                raise ControlRefused("Files are a list or an object.")

    async def _file(self, given: Any, user: User, channel: Channel | None) -> Json:
        """Return one file, which is not larger than this person may upload."""
        wanted = cast("Json", given) if isinstance(given, dict) else Json()
        if "sample" in wanted:
            file = await self._sample(str(wanted["sample"]))
        elif (file := self._uploads.get(str(wanted.get("upload")), {})) == {}:
            raise ControlRefused("This file is not here any more; attach it again.")
        limit = self._core.world.upload_limit_bytes(channel, user) if channel else UPLOAD_MAX_BYTES
        if await asyncio.to_thread(lambda: Path(file["path"]).stat().st_size) > limit:
            raise ControlRefused(f"Your files are too powerful. Max file size: {limit // MB} MB")
        return file | ({"spoiler": True} if wanted.get("spoiler") else {})

    async def _sample(self, name: str) -> Json:
        found = next((one for one in SAMPLES if one.name == name), None)
        if found is None:
            raise ControlRefused(f"There is no sample {name}.")
        return {"path": str(await self._samples.path(name)), "filename": name, "content_type": found.content_type}
