"""A road of a known length: a TCP proxy that hands on every byte a little later, both ways."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field


@dataclass
class Delay:
    """Hands on what comes at `front` to `back`, `seconds` later, without slowing the flow."""

    front: int
    back: int
    seconds: float
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def open(self) -> Delay:
        """Begin, in a thread of its own."""
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._carry, "127.0.0.1", self.front, backlog=200)
        )
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return self

    def close(self) -> None:
        """Take no more connections; those that are open end with the process."""
        self._loop.call_soon_threadsafe(self._server.close)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.back)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._hand_on(reader, back), self._hand_on(there, writer))

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while got := await reader.read(65_536):
                self._loop.call_later(self.seconds, writer.write, got)
            self._loop.call_later(self.seconds, writer.close)
