"""The control routes: JSON under `/sandbox/`, to act as a person, to read the state, and to change the world.

Every action is a POST of one JSON object. A refusal, also of an unknown key, is a 400 with `{"error": "<a sentence>"}`.
Some options in detail:

- `slash` with `"unchecked": true` sends what Discord's client would have refused, and `click` a press on somebody
  else's private message; `autocomplete` takes `focused`.
- Files take `path` (a local file) instead of `base64`; `raw_name` keeps a name that Discord would change, `spoiler`
  marks the file, and `width`, `height` and `duration_s` say something else than the file.
- `say` with `"voice": true` sends its only file as a voice message.
- `click` takes `values` for a select, `menu` takes `target` (a person) for a user command, `say` takes `reply_to`.
- `world`: channels take `kind` (`text`, `voice`, `category`, `announcement`, `stage`, `forum`, `media`), `category`,
  `nsfw`, `slow_mode_s` and `overwrites` (`{"role"|"member": name}` or `{"bot": true}`, with `allow` and `deny` lists
  such as `["SEND_MESSAGES"]`), roles take `permissions` and `server`, members take `server`, `upload_limit_mib` and
  `timed_out_s` (0 ends the time-out).
  A server takes `tier`, `system_channel` (its name), `joined_ago_s` (the bot's time in it) and `members` (names);
  without `members` everybody is in it.
  Without `server`, roles and members are added to every server, and channels to the first.
- `world`: threads take the `channel` and `user` that they are started in and by, `message`, `private`, `members`
  (names, or `bot`), `archived`, `locked` and `content`, which is a forum post's first message.
- `change` gives `servers` (`tier`), `channels` (`overwrites`, `nsfw`, `slow_mode_s`), `threads` (`archived`, `locked`,
  `slow_mode_s`), `roles` (`permissions`) and `members` (`roles`, all they have from then on) of that `name` new values
  while the bot runs.
- `delete` removes a `message`, the person's own or, with MANAGE_MESSAGES, anybody's.
- `gone` removes `roles`, `channels`, `threads` and `members` (names or ids) from `server`; with `"bot": true` it
  removes the bot.
  An `unchecked` slash command may name a removed id, as a client does whose form was open meanwhile.
- `integrations` sets who may use a `command`, or all commands (Server Settings, Integrations), by `permissions`: a list
  of `{"role"|"member"|"channel": name, "allow": bool}`, with `@everyone` as a role and `@all` for all channels.
- `faults` without `times` apply until `DELETE /sandbox/faults`. `"after": true` carries the request out, then fails,
  drops or delays the answer. `path` may also be `/cdn/*`. `"html": true` answers with Cloudflare's page; such a 429 is
  its ban.
- `world` with `rejoin` lets the bot join servers again that `gone` removed it from.
- `POST /sandbox/gateway` with an `action`: `reconnect`, `cut`, `invalidate`, `invalidate_resumable`, `close` with a
  `code`; `repeat` sends the latest event of the name `event` again, `double` sends `events` of these names twice from
  now on, `hold` keeps them back and `release` sends them, the latest first; `identify_interval` sets the `seconds`
  between two IDENTIFYs, five as at Discord. `reconnect`, `cut`, `invalidate` and `close` take a `shard`.
- The action `limits` sets what is given of `identify_interval_s`, `max_concurrency`, `total`, `remaining` and
  `reset_after_s` (the session start limit), `shards` (what `/gateway/bot` recommends; null computes it),
  `servers_per_shard_max` (2,500; beyond it 4011), and `closes_older_session`: whether a shard that identifies twice
  ends its older session with 4009 (true), or both get every event, as Discord documents.
- `GET /sandbox/videos?channel=` says when each message with a video got its newest file, in Unix seconds.
- Also: `GET /sandbox/limits`, `GET /sandbox/state`, `DELETE /sandbox/transcript`; `messages` with `limit` or `message`.
"""
