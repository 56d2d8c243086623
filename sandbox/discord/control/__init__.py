"""The control surface: plain JSON under `/sandbox/`, to act as people, to look, and to shape the world.

Every order is a POST of one JSON object; a refusal is a 400 with `{"error": "<a sentence>"}`, also for a key that an
order does not have. Beyond what the issue that made it lists, it takes:

- `slash` with `"unchecked": true`, which sends what Discord's client would have refused; `autocomplete` with `focused`.
- Files with `path` (a local file) in place of `base64`.
- `click` with `values` for a select; `menu` with `target` (a person) for a user command; `say` with `reply_to`.
- `world`: channels with `overwrites` (`{"role"|"member": name}` or `{"bot": true}`, `allow` and `deny` lists of names
  such as `SEND_MESSAGES`), roles with `permissions` and `server`, members with `server` and `upload_limit_mib`.
  Without `server`, roles and members are in every server, and channels in the first.
- `gone` with `roles`, `channels`, `members` (names or ids) and `server` takes them out of it, and with `"bot": true`
  removes the bot from the server; an `unchecked` slash may
  name the id of what is gone, as a form does that was open meanwhile.
- `faults` without `times` strike until `DELETE /sandbox/faults`; `"after": true` lets the request count first, then
  fails or drops its answer; `path` may also be `/cdn/*`.
- `POST /sandbox/gateway` `{"action": "reconnect" | "cut" | "invalidate" | "invalidate_resumable"}`.
- `GET /sandbox/attached?channel=`: when each message with files got them, in Unix seconds.
- `GET /sandbox/limits`, `GET /sandbox/state`, `DELETE /sandbox/transcript`; `messages` with `limit` or `message`.
"""
