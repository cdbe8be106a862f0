"""Slow clients in a separate process: python -m tests.stack.slow PORT CLIENTS SECONDS HOST.

Each sends nothing, its headers, a form, or an upload, one byte at a time, and connects again after each disconnect.
Prints the number of connections, and how many of them the server closed.
"""

import asyncio
import contextlib
import json
import sys

FORM = "POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
UPLOAD = "POST /api/imports/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
KINDS = ("", "GET / HTTP/1.1\r\n", f"{FORM}Content-Length: 900\r\n\r\n", f"{UPLOAD}Content-Length: 900000\r\n\r\n")
PAUSE = 5  # seconds between two bytes
counts = {"made": 0, "cut": 0}


async def come_again(host: str, port: int, kind: str) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            counts["made"] += 1
            trickle = asyncio.create_task(send(writer, kind))
            with contextlib.suppress(OSError):
                while await reader.read(4096):
                    pass
            counts["cut"] += 1
            trickle.cancel()
            writer.close()
        await asyncio.sleep(1)


async def send(writer: asyncio.StreamWriter, kind: str) -> None:
    with contextlib.suppress(OSError):
        writer.write(kind.encode())
        while kind:
            await writer.drain()
            await asyncio.sleep(PAUSE)
            writer.write(b"x" if "\r\n\r\n" in kind else b"X: 1\r\n")
        await asyncio.sleep(3600)


async def main(port: int, clients: int, seconds: float, host: str) -> None:
    everybody = [asyncio.create_task(come_again(host, port, KINDS[at % len(KINDS)])) for at in range(clients)]
    await asyncio.sleep(seconds)
    for client in everybody:
        client.cancel()
    print(json.dumps(counts))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
