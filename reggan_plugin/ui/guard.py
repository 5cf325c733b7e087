"""Lets in the page alone: who knows the token, calls this host, and comes from this page.

The server listens on the loopback alone. A page of somebody else's in the same browser could still
call it: it does not know the token, its Origin is another one, and a name that it had resolve to
127.0.0.1 stands in Host.

Source: OWASP, "Cross-Site Request Forgery Prevention" and "DNS rebinding"; W3C, "Fetch Metadata".
"""

import secrets

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE_METHODS = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses every request that is not the page's own, before any other code sees it."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        """Guard an application whose addresses all begin with `/token/`."""
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 403."""
        if scope["type"] != "http":
            return
        fault = self._fault(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        if fault:
            refusal = PlainTextResponse(fault, status_code=403)
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(self._without_token(scope), receive, send_with_headers)

    def _fault(self, scope: Scope) -> str:
        """Return the reason why a request is refused; empty if it is not."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        given = scope["path"].removeprefix("/").partition("/")[0]
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return "Wrong token. Open the address that reggan-plugin ui printed."
        if len(headers.get("host", [])) != 1 or headers["host"][0] not in self._hosts:
            return "Wrong host. Open the address that reggan-plugin ui printed."
        origins = headers.get("origin", [])
        is_safe = scope["method"] in _SAFE_METHODS
        own = {f"http://{host}" for host in self._hosts}
        if not set(origins) <= own or (not is_safe and len(origins) != 1):
            return "Wrong origin. Only the page itself may ask."
        opens = scope["method"] == "GET" and scope["path"] == f"/{self._token}/"
        opens &= headers.get("sec-fetch-dest") == ["document"]  # from the file that leads here
        if not opens and not set(headers.get("sec-fetch-site", [])) <= set(_OWN_SITES):
            return "Wrong site. Only the page itself may ask."
        return ""

    def _without_token(self, scope: Scope) -> Scope:
        path = scope["path"].removeprefix(f"/{self._token}")
        return {**scope, "path": path or "/", "raw_path": None}
