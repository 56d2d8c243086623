"""The FFmpeg decoders that may open a member's file, when probing and when encoding."""

# Old and rare decoders have the most bugs, and fal does not read such files either.
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
