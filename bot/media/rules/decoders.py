"""The decoders that may see a member's file, wherever it is read. Pure."""

# Old and rare decoders are where the bugs are, and fal would not read such files either.
DECODERS = frozenset(
    {
        *(
            "h264",
            "hevc",
            "av1",
            "libdav1d",
            "vp8",
            "vp9",
            "libvpx",
            "libvpx-vp9",
            "mpeg4",
            "mjpeg",
            "prores",
            "theora",
        ),
        *("aac", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis", "flac", "alac", "pcm_u8", "pcm_s16le"),
        *("pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_s16be", "pcm_s24be", "pcm_mulaw", "pcm_alaw"),
        *("h263", "amrnb", "amr_nb"),
    }
)
DECODERS_TEXT = ",".join(sorted(DECODERS))
