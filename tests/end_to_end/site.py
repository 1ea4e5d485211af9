"""The other side: a web server that keeps every byte that it is sent. The browsers reach it over TLS, by real host names."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote

import trustme
from aiohttp import web

from tests.end_to_end.received import Part, Run, parts_of

PAGES = Path(__file__).parent / "pages"
BUNDLES = Path(__file__).parent / "widgets" / "dist"
"""The widgets' pages that `npm ci && npm run build` makes."""

HOST = "bsky.app"
"""The site that is on: one of the extension's table, by its real name."""

OFF_HOST = "off.example"
"""A site that nobody switched on."""

LOOPBACK = "127.0.0.1"
"""The address to which every host leads in the browsers."""

STALL_SECONDS = 15.0
"""A document that does not come is given up after so long."""

MAX_BODY = 256 * 1024 * 1024

HOSTILE = """<!doctype html>
<meta charset="utf-8">
<title>hostile</title>
<style>.target {{ position: fixed; left: 0; top: 0; width: 120px; height: 120px; }}</style>
<script src="/upload.js"></script>
<body>
{place}
<script src="/hostile.js"></script>
<script src="/hostile/{script}.js"></script>
</body>
"""

PLACES = {
    "pick": '<form><input id="f" name="file" class="target" type="file"></form>',
    "drop": '<div class="target">Drop</div>',
    "paste": '<textarea class="target"></textarea>',
}


class Site:
    """Serves tests/end_to_end/pages and takes uploads; `runs` holds what came, by the run of the page's address.

    Args:
        hosts: the names that it answers to, besides `OFF_HOST`.
    """

    def __init__(self, hosts: Sequence[str] = (HOST,)) -> None:
        self.hosts = hosts
        self.runs: dict[str, Run] = {}
        self.recognise: Callable[[bytes], str] | None = None
        """The function that names the class of an image that is sent to /recognise."""

        self.software: str | None = None
        """The software that the server says it runs, as servers of the fediverse do."""

        self.port = 0
        self._other_port = 0
        self._arrived = asyncio.Condition()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def url(self, page: str, run: str, *, protected: bool = True, host: str = HOST) -> str:
        """The address of a page, on a host that is switched on or on one that is not."""
        self.runs.setdefault(run, Run())
        return f"https://{host if protected else OFF_HOST}:{self.port}/{page}?run={run}"

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post("/upload", self._upload)
        application.router.add_put("/upload", self._upload)
        application.router.add_get("/.well-known/nodeinfo", self._node_info)
        application.router.add_get("/nodeinfo/2.0", self._node_info)
        application.router.add_post("/direct", self._direct)
        application.router.add_post("/tus", self._tus_create)
        application.router.add_route("PATCH", "/tus", self._tus_receive)
        application.router.add_post("/recognise", self._recognise)
        application.router.add_get("/widgets/{widget:[a-z_]+}", self._widget)
        if BUNDLES.is_dir():
            application.router.add_static("/bundles/", BUNDLES)
        application.router.add_get("/hostile/{action:pick|drop|paste}/{case:[a-z.-]+}", self._hostile)
        application.router.add_static("/hostile/", PAGES / "hostile")
        application.router.add_post("/say/{word:[a-z]+}", self._say)
        application.router.add_get("/elsewhere/{where:port|host}", self._elsewhere)
        application.router.add_get("/stalled", self._stalled)
        application.router.add_get("/dripping", self._dripping)
        application.router.add_get("/nothing", self._nothing)
        application.router.add_get("/{page:[a-z0-9_-]+(?:\\.(?:js|css|html))?}", self._page)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        context = _tls([*self.hosts, OFF_HOST])
        await web.TCPSite(self._runner, LOOPBACK, 0, ssl_context=context).start()
        self.port = self._runner.addresses[0][1]
        # Every host has another origin, too.
        await web.TCPSite(self._runner, LOOPBACK, 0, ssl_context=context).start()
        self._other_port = self._runner.addresses[1][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()

    async def wait(self, run: str, parts: int, seconds: float) -> Run:
        """The run once that many files of it are there.

        Raises:
            TimeoutError: they did not come in time.
        """
        return await self.wait_for(run, lambda: len(self.runs[run].parts) >= parts, seconds)

    async def wait_for(self, run: str, condition: Callable[[], bool], seconds: float) -> Run:
        """The run once something holds of it.

        Raises:
            TimeoutError: it did not in time.
        """
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(condition)
        return self.runs[run]

    async def _page(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["page"]
        path = PAGES / (name if "." in name else f"{name}.html")
        if not path.is_file():
            raise web.HTTPNotFound
        trusted = {"Content-Security-Policy": "require-trusted-types-for 'script'"} if "trusted" in request.query else {}
        return web.FileResponse(path, headers={"Cache-Control": "no-store", **trusted})

    async def _widget(self, request: web.Request) -> web.Response:
        """A plain page with one widget on it."""
        name = request.match_info["widget"]
        style = f'<link rel="stylesheet" href="/bundles/{name}.page.css">' if (BUNDLES / f"{name}.page.css").is_file() else ""
        script = f'<script src="/bundles/{name}.page.js"></script>'
        text = f'<!doctype html><meta charset="utf-8"><title>{name}</title>{style}<body>{script}</body>'
        return web.Response(text=text, content_type="text/html")

    async def _hostile(self, request: web.Request) -> web.Response:
        """A page with one of the hostile scripts, and where a photo is picked, dropped or pasted."""
        script, _, way = request.match_info["case"].partition(".")
        text = HOSTILE.format(place=PLACES[request.match_info["action"]], script=script)
        trusted = {"Content-Security-Policy": "require-trusted-types-for 'script'"} if way == "trusted" else {}
        return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store", **trusted})

    async def _say(self, request: web.Request) -> web.Response:
        async with self._arrived:
            self.runs[request.query["run"]].words.add(request.match_info["word"])
            self._arrived.notify_all()
        return web.Response()

    async def _elsewhere(self, request: web.Request) -> web.Response:
        """A frame of another origin: at the same host, whose rule it has, or at the other one."""
        host = request.url.host
        if request.match_info["where"] == "host":
            host = self.hosts[0] if host == OFF_HOST else OFF_HOST
        port = self.port if request.match_info["where"] == "host" else self._other_port
        page = request.query.get("page", "frame.html")
        raise web.HTTPFound(f"https://{host}:{port}/{page}?{request.query_string}")

    async def _stalled(self, request: web.Request) -> web.StreamResponse:
        """A document that is announced, and does not come."""
        answer = web.StreamResponse(headers={"Content-Type": "text/html", "X-Content-Type-Options": "nosniff"})
        await answer.prepare(request)
        await self._stall()
        return answer

    async def _stall(self) -> None:
        """Wait, but not for ever: a browser has six connections to a server."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), STALL_SECONDS)

    async def _dripping(self, request: web.Request) -> web.StreamResponse:
        """A document that begins, and has no element."""
        answer = web.StreamResponse(headers={"Content-Type": "text/html", "X-Content-Type-Options": "nosniff"})
        await answer.prepare(request)
        await answer.write(b"<!doctype html><!-- " + b"nothing " * 200 + b"-->")
        await self._stall()
        return answer

    async def _nothing(self, _: web.Request) -> web.Response:
        """An answer for which a frame stays where it is."""
        return web.Response(status=204)

    async def _recognise(self, request: web.Request) -> web.Response:
        if self.recognise is None:
            raise web.HTTPNotFound
        body = await request.read()
        run = self.runs.setdefault(request.query.get("run", "unknown"), Run())
        async with self._arrived:
            run.bodies.append(body)
            run.parts.append(Part("", request.headers.get("Content-Type", ""), body, None))
            self._arrived.notify_all()
        return web.Response(text=await asyncio.to_thread(self.recognise, body))

    async def _node_info(self, request: web.Request) -> web.Response:
        """Answer with the software that runs here (nodeinfo.diaspora.software)."""
        if self.software is None:
            raise web.HTTPNotFound
        if request.path.startswith("/.well-known"):
            address = f"https://{request.host}/nodeinfo/2.0"
            return web.json_response({"links": [{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": address}]})
        return web.json_response({"version": "2.0", "software": {"name": self.software, "version": "1"}})

    async def _direct(self, request: web.Request) -> web.Response:
        """Answer with the address for a file, as Active Storage asks before it sends one."""
        told = (await request.json())["blob"]
        address = f"/upload?{request.query_string}&name={quote(told['filename'])}"
        return web.json_response({"signed_id": "1", "direct_upload": {"url": address, "headers": {}}})

    async def _tus_create(self, request: web.Request) -> web.Response:
        """The beginning of a resumable upload (tus.io, protocol 1.0.0)."""
        metadata = dict(pair.split(" ") for pair in request.headers.get("Upload-Metadata", "").split(",") if pair)
        name = quote(base64.b64decode(metadata.get("filename", "")).decode())
        location = f"/tus?{request.query_string}&name={name}"
        return web.Response(status=201, headers={"Location": location, "Tus-Resumable": "1.0.0"})

    async def _tus_receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        await self._upload(request)
        return web.Response(status=204, headers={"Upload-Offset": str(len(body)), "Tus-Resumable": "1.0.0"})

    async def _upload(self, request: web.Request) -> web.Response:
        body = await request.read()
        run = self.runs.setdefault(request.query.get("run", "unknown"), Run())
        parts = parts_of(request.headers.get("Content-Type", ""), request.query.get("name", ""), body)
        async with self._arrived:
            run.bodies.append(body)
            run.parts.extend(part for part in parts if part.data)
            self._arrived.notify_all()
        if request.query.get("as") == "json":
            return web.json_response({"url": "/thanks", "files": len(parts), "success": True})
        return web.Response(text=f"<!doctype html><title>Thanks</title>{len(parts)} files", content_type="text/html")


def _tls(hosts: Sequence[str]) -> ssl.SSLContext:
    """A certificate for these hosts, which no browser trusts: the tests tell theirs to take it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(*hosts).configure_cert(context)
    return context
