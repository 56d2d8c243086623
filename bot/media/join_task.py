"""One film to be joined: what its parts are, and the arguments of ffmpeg for each way to join them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bot.media.ffmpeg import concatenating, listed, reading, writing
from bot.media.probe import Facts
from bot.media.rules.bitrate import OF_THE_LIMIT, Bitrates
from bot.media.rules.join_graph import PictureInput, Soundtrack, picture_graph, sound_graph, soundtrack_graph
from bot.media.rules.joining import Canvas, Part, Timeline, can_be_copied, canvas_of, place_of, timeline_of

_COPIED_SOUND_KBPS = 160
_CRF = 18  # hardly anybody sees a difference to the parts
_MUXED_ALIKE = frozenset({"mp4", "mov"})
NO_OUTPUT = ["-an", "-sn", "-dn", "-f", "null", "-"]


@dataclass(frozen=True)
class Source:
    """A file that was read."""

    path: Path
    facts: Facts

    @property
    def sound_stream(self) -> int | None:
        """The position of its sound."""
        return self.facts.sound_track

    def reading(self) -> list[str]:
        """Return the arguments that read it; one thread decodes it, for there are up to nine."""
        return ["-threads", "1", *reading(self.path, self.facts.format)]


@dataclass(frozen=True, kw_only=True)
class JoinTask:
    """The parts and the soundtrack of one film, and where it is written."""

    sources: Sequence[Source]
    soundtrack: Source | None
    fades_s: Sequence[float]
    target: Path
    side_max: int
    bytes_max: int
    threads: int

    @property
    def draft(self) -> Path:
        """Where the film is written until it is whole."""
        return self.target.with_suffix(".draft.mp4")

    @property
    def read(self) -> list[Path]:
        """The files that are opened."""
        return [one.path for one in (*self.sources, *self._tracks)]

    @property
    def has_sound(self) -> bool:
        """Whether the film has sound."""
        return self.soundtrack is not None or any(part.has_sound for part in self.parts)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts as the rules see them."""
        return tuple(_part(one.facts) for one in self.sources)

    @cached_property
    def canvas(self) -> Canvas:
        """The size and rate of the film, unless its limit asks for fewer pixels."""
        return canvas_of(self.parts, side_max=self.side_max)

    @cached_property
    def timeline(self) -> Timeline:
        """The lengths of the film and of its parts."""
        return timeline_of(self.parts, self.fades_s, self.canvas.frame_rate)

    @property
    def is_copied(self) -> bool:
        """Whether the pictures can stay as they are, also by their bytes."""
        return (
            can_be_copied(self.parts, self.canvas, self.timeline)
            and all(one.facts.format in _MUXED_ALIKE for one in self.sources)
            and len({one.facts.video_track for one in self.sources}) == 1
            and sum(part.size_bytes for part in self.parts) <= self.bytes_max * OF_THE_LIMIT
        )

    @property
    def _tracks(self) -> list[Source]:
        return [] if self.soundtrack is None else [self.soundtrack]

    def list_of_names(self) -> str:
        """Return the content of the list that `copying` reads."""
        rate = self.timeline.frame_rate
        return "".join(
            listed(one.path, float(frames / rate))
            for one, frames in zip(self.sources, self.timeline.parts, strict=True)
        )

    def copying(self, names: Path) -> list[str]:
        """Return the arguments that put the pictures one behind the other, and encode the sound."""
        inputs, sound = self._sound(first=1, kbps=_COPIED_SOUND_KBPS)
        return [
            *concatenating(names),
            *inputs,
            *self._filters(sound.pop(0) if sound else ""),
            *("-map", f"0:{self.sources[0].facts.video_track}", "-c:v", "copy"),
            *sound,
            *self._into_draft(),
        ]

    def encoding(self, chosen: Bitrates) -> list[str]:
        """Return the arguments that encode all in one pass, in the best quality that the bitrate allows."""
        rate = chosen.video_kbps
        limits = ("-crf", str(_CRF), "-maxrate", f"{rate}k", "-bufsize", f"{rate}k")
        return self._encoding(chosen, limits)

    def first_pass(self, chosen: Bitrates, log: Path) -> list[str]:
        """Return the arguments that measure the pictures for `second_pass`."""
        inputs = [word for one in self.sources for word in one.reading()]
        return [
            *inputs,
            *self._filters(self._pictures(chosen)),
            *self._encoder(_two_passes(chosen)),
            *("-pass", "1", "-passlogfile", str(log), *NO_OUTPUT),
        ]

    def second_pass(self, chosen: Bitrates, log: Path) -> list[str]:
        """Return the arguments that encode all at an average bitrate."""
        return self._encoding(chosen, (*_two_passes(chosen), "-pass", "2", "-passlogfile", str(log)))

    def _encoding(self, chosen: Bitrates, limits: Sequence[str]) -> list[str]:
        pictures = [word for one in self.sources for word in one.reading()]
        # The sound is read by itself: it runs ahead of the pictures, which would pile up in memory.
        inputs, sound = self._sound(first=len(self.sources), kbps=chosen.sound_kbps)
        return [
            *pictures,
            *inputs,
            *self._filters(self._pictures(chosen)),
            *self._filters(sound.pop(0) if sound else ""),
            *self._encoder(limits),
            *sound,
            *self._into_draft(),
        ]

    def _pictures(self, chosen: Bitrates) -> str:
        canvas = Canvas(width=chosen.width, height=chosen.height, frame_rate=self.canvas.frame_rate)
        inputs = [
            PictureInput(
                stream=f"{number}:{one.facts.video_track}", matrix=part.picture.matrix, place=place_of(part, canvas)
            )
            for number, (one, part) in enumerate(zip(self.sources, self.parts, strict=True))
        ]
        return picture_graph(inputs, canvas, self.timeline)

    def _encoder(self, limits: Sequence[str]) -> list[str]:
        return ["-map", "[picture]", "-c:v", "libx264", "-preset", "veryfast", "-threads", str(self.threads), *limits]

    def _sound(self, *, first: int, kbps: int) -> tuple[list[str], list[str]]:
        """Return the arguments that read the sound, and its filters with the arguments that encode it.

        `first` is the number of the first file that is read for it.
        """
        if not self.has_sound:
            return [], []
        encoder = ["-map", "[sound]", "-c:a", "aac", "-b:a", f"{kbps}k"]
        if self.soundtrack is not None:
            track = Soundtrack(
                stream=f"{first}:{self.soundtrack.sound_stream}", seconds=self.soundtrack.facts.seconds or 0.0
            )
            return self.soundtrack.reading(), [soundtrack_graph(track, self.timeline), *encoder]
        streams = [
            None if one.sound_stream is None else f"{number}:{one.sound_stream}"
            for number, one in enumerate(self.sources, start=first)
        ]
        inputs = [word for one in self.sources for word in one.reading()]
        return inputs, [sound_graph(streams, self.timeline), *encoder]

    def _filters(self, graph: str) -> list[str]:
        return ["-filter_complex_threads", str(self.threads), "-filter_complex", graph] if graph else []

    def _into_draft(self) -> list[str]:
        return ["-movflags", "+faststart", *writing(self.draft, "mp4")]


def _two_passes(chosen: Bitrates) -> tuple[str, ...]:
    rate = chosen.video_kbps
    return "-b:v", f"{rate}k", "-maxrate", f"{2 * rate}k", "-bufsize", f"{4 * rate}k"


def _part(facts: Facts) -> Part:
    if facts.picture is None or facts.width is None or facts.height is None:
        raise ValueError("not a video")
    return Part(
        width=facts.width,
        height=facts.height,
        size_bytes=facts.size_bytes,
        frames=facts.frames or 0,
        picture=facts.picture,
        has_sound=facts.sound_track is not None,
    )
