"""Videos are rendered for requests that wait for them, and for no others."""

import asyncio
from pathlib import Path

from sandbox.fal.render import Film
from sandbox.fal.render_pool import THREADS, RenderPool
from sandbox.stage import eventually

ENDLESS = Film(width=640, height=360, fps=16, frames=10_000_000, variant=0)


async def test_a_rendering_ends_with_its_last_request(tmp_path: Path) -> None:
    """Cancelled requests leave threads free and no file behind; while one still waits, the rendering goes on."""
    pool = RenderPool(tmp_path)
    words = [f"number {n}" for n in range(THREADS)]
    first = [asyncio.create_task(pool.render(ENDLESS, [], said)) for said in words]
    second = [asyncio.create_task(pool.render(ENDLESS, [], said)) for said in words]

    async def begun() -> bool | None:
        return True if len(await asyncio.to_thread(lambda: list(tmp_path.iterdir()))) == THREADS else None

    try:
        await eventually(begun, what="unfinished videos")
        waiting = asyncio.create_task(pool.run(int))
        for task in first:
            task.cancel()
        await asyncio.gather(*first, return_exceptions=True)
        assert not waiting.done()
        for task in second:
            task.cancel()
        async with asyncio.timeout(30):
            assert await waiting == 0
    finally:
        await pool.close()
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
