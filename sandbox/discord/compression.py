"""The gateway's transport compression: one stream per connection, flushed after every message."""

import importlib
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

Compressor = Callable[[bytes], bytes]


def new_compressor(asked: str) -> Compressor | None:
    """Return the compressor for `compress=`; None means plain text, also for zstd without the module `zstandard`."""
    match asked:
        case "zlib-stream":
            return _zlib_stream()
        case "zstd-stream":
            module = _zstandard()
            return None if module is None else _zstd_stream(module)
        case _:
            return None


def _zlib_stream() -> Compressor:
    stream = zlib.compressobj(1)
    return lambda payload: stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)


def _zstandard() -> ModuleType | None:
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        return None


def _zstd_stream(module: Any) -> Compressor:
    stream = module.ZstdCompressor(level=1).compressobj()
    return lambda payload: stream.compress(payload) + stream.flush(module.COMPRESSOBJ_FLUSH_BLOCK)
