"""The FFmpeg decoders that may open a member's file, when probing and when encoding."""

# Old and rare decoders have the most bugs, and fal does not read such files either. AC-3 and MPEG-2 are what television
# and discs use, and ADPCM what voice recorders write.
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
        *("pcm_s8", "pcm_s32be", "pcm_f32be", "pcm_f64be", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt"),
        *("ac3", "eac3", "mp2", "mp2float", "mpeg2video"),
        *("h263", "amrnb", "amr_nb", "amrwb", "amr_wb"),
    }
)
DECODERS_TEXT = ",".join(sorted(DECODERS))
