"""How a job's messages are made."""

from typing import Literal, TypeAlias

# Of Discord's components (https://discord.com/developers/docs/components/reference), or as an embed with an attachment.
CardStyle: TypeAlias = Literal["components", "classic"]
