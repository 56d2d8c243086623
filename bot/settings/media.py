"""Members' files: downloads, and the workers that read and draw."""

from typing import ClassVar

from bot.settings.group import SettingsGroup, setting


class DownloadSettings(SettingsGroup):
    """Downloads of attachments from Discord and of results from fal."""

    title: ClassVar[str] = "Downloads"

    timeout_s: float = setting("WANDA_DOWNLOAD_TIMEOUT_S", 120.0, "Timeout for one downloaded file, in seconds.", gt=0)
    retries: int = setting("WANDA_DOWNLOAD_RETRIES", 3, "Retries of a download that was interrupted.", ge=0, le=20)
    wait_s: float = setting(
        "WANDA_DOWNLOAD_WAIT_S",
        0.5,
        "Wait before a download is retried, in seconds; it doubles each time.",
        gt=0,
        le=60,
    )
    result_mib_max: int = setting("WANDA_RESULT_MIB_MAX", 512, "Largest result that is downloaded, in MiB.", ge=1)


class MediaSettings(SettingsGroup):
    """Copying, reading and encoding files."""

    title: ClassVar[str] = "Media"

    intakes_at_once: int = setting(
        "WANDA_INTAKES_AT_ONCE", 8, "How many commands copy their attachments at once.", ge=1, le=256
    )
    waiting_member_max: int = setting(
        "WANDA_FILES_WAITING_MEMBER_MAX",
        8,
        "Commands of one member whose files wait to be copied, or to be made to fit; a further one is refused.",
        ge=1,
        le=10_000,
    )
    waiting_server_max: int = setting(
        "WANDA_FILES_WAITING_SERVER_MAX",
        200,
        "Commands of one server whose files wait to be copied, or to be made to fit; a further one is refused.",
        ge=1,
        le=100_000,
    )
    intake_mb_max: int = setting(
        "WANDA_INTAKE_MB_MAX",
        200,
        "Largest attachment that is copied to be made to fit, in MB.",
        ge=1,
        le=2000,
    )
    probes_at_once: int = setting("WANDA_PROBES_AT_ONCE", 2, "Worker processes that read attached files.", ge=1, le=64)
    probe_timeout_s: float = setting("WANDA_PROBE_TIMEOUT_S", 10.0, "Timeout for reading one file, in seconds.", gt=0)
    probe_memory_mib: int = setting(
        "WANDA_PROBE_MEMORY_MIB",
        1536,
        "Address space of a worker that reads files, in MiB; a WebP of 8,000 × 8,000 needs 1,200.",
        ge=256,
    )
    probe_idle_s: float = setting(
        "WANDA_PROBE_IDLE_S",
        300.0,
        "A worker that reads files and has had none for so many seconds is ended, which frees 35 MB; the next file "
        "starts one within half a second.",
        gt=0,
    )
    probe_pixels_max: int = setting(
        "WANDA_PROBE_PIXELS_MAX",
        64_000_000,
        "A picture with more pixels is measured but not decoded.",
        ge=1,
        le=268_435_456,
    )
    encodes_at_once: int = setting(
        "WANDA_ENCODES_AT_ONCE",
        1,
        "Clips, sounds and results encoded at once; 0 turns encoding off.",
        ge=0,
        le=16,
    )
    encode_threads: int = setting("WANDA_ENCODE_THREADS", 2, "Threads of one encode.", ge=1, le=64)
    encode_memory_mib: int = setting(
        "WANDA_ENCODE_MEMORY_MIB",
        2048,
        "Address space of an encoder, in MiB; 4K with two threads needs 1,300.",
        ge=512,
    )
    fit_timeout_s: float = setting(
        "WANDA_FIT_TIMEOUT_S",
        150.0,
        "Timeout for making one attached file fit, in seconds; a clip that would take longer is refused before.",
        gt=0,
        le=600,
    )
    fit_wait_s: float = setting(
        "WANDA_FIT_WAIT_S",
        300.0,
        "How long an attached file waits for its turn to be made to fit, in seconds.",
        gt=0,
        le=600,
    )
    encode_mpixels_per_s: float = setting(
        "WANDA_ENCODE_MPIXELS_PER_S",
        100.0,
        "Millions of pixels that this machine encodes in a second at least; a clip's time is estimated by it.",
        gt=0,
        le=100_000,
    )
    shrink_timeout_s: float = setting(
        "WANDA_SHRINK_TIMEOUT_S",
        240.0,
        "Timeout for encoding one result to fit, in seconds, all passes together.",
        gt=0,
        le=3600,
    )
    join_timeout_s: float = setting(
        "WANDA_JOIN_TIMEOUT_S",
        600.0,
        "Timeout for joining the shots of one film, in seconds, all passes together.",
        gt=0,
        le=3600,
    )
    join_memory_mib: int = setting(
        "WANDA_JOIN_MEMORY_MIB",
        3072,
        "Address space for joining a film, in MiB; eight 1080p shots with cross-fades need 2,000, and 700 of memory.",
        ge=512,
    )
    join_seconds_max: float = setting(
        "WANDA_JOIN_SECONDS_MAX", 180.0, "Longest film that is joined, in seconds.", gt=0, le=3600
    )
    join_side_max: int = setting(
        "WANDA_JOIN_SIDE_MAX",
        1920,
        "Longer side of a joined film, in pixels; larger shots are scaled down.",
        ge=240,
        le=4096,
    )
    join_mib_max: int = setting(
        "WANDA_JOIN_MIB_MAX",
        200,
        "Largest file that a film is joined to, in MiB, also where the server takes more.",
        ge=1,
        le=2000,
    )


class ChartSettings(SettingsGroup):
    """The worker processes that draw charts."""

    title: ClassVar[str] = "Charts"

    at_once: int = setting("WANDA_CHARTS_AT_ONCE", 1, "Worker processes that draw charts.", ge=1, le=8)
    timeout_s: float = setting(
        "WANDA_CHART_TIMEOUT_S",
        10.0,
        "Timeout for drawing one chart, in seconds; after it the answer is text alone.",
        gt=0,
        le=60,
    )
    memory_mib: int = setting(
        "WANDA_CHART_MEMORY_MIB",
        512,
        "Address space of a worker that draws charts, in MiB; it needs about 300.",
        ge=384,
        le=16384,
    )
