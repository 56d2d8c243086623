"""The server that a visitor finds: channels, roles, people, and a few messages to begin with."""

from sandbox.discord.control.request import ControlRequest
from sandbox.discord.control.routes import ACTIONS
from sandbox.discord.core import Core
from sandbox.discord.wire import Json
from sandbox.play.samples import SampleFiles

NITRO_MIB = 500


async def set_scene(core: Core, samples: SampleFiles) -> None:
    """Add channels, roles and messages to the stand-in's server."""

    async def act(name: str, body: Json) -> Json:
        return await ACTIONS[name](ControlRequest(core, body))

    await act(
        "world",
        {
            "roles": [{"name": "Regulars"}],
            "channels": [
                {"name": "videos"},
                {"name": "slow-lane", "slow_mode_s": 30},
                {
                    "name": "staff",
                    "overwrites": [
                        {"role": "@everyone", "deny": ["VIEW_CHANNEL"]},
                        {"bot": True, "allow": ["VIEW_CHANNEL"]},
                    ],
                },
            ],
            "members": [{"name": "maker", "roles": ["Regulars"], "upload_limit_mib": NITRO_MIB}],
        },
    )
    picture = {"path": str(await samples.path("lake.png")), "filename": "lake.png", "content_type": "image/png"}
    await act("say", {"user": "admin", "content": "Welcome! Wanda makes videos here. Type `/` to see what she can do."})
    await act(
        "say", {"user": "friend", "content": "My photo from yesterday. Can somebody make it move?", "files": [picture]}
    )
