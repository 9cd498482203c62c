"""What a failed request means, in a user's words: what the server said in whatever shape, and what to do about it."""

import re
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

REQUEST_PATHS = ("/chat/completions", "/completions", "/models")  # what is added to base_url
WORDS = (
    "error",
    "message",
    "detail",
    "msg",
    "errors",
    "title",
    "error_description",
)  # where servers explain themselves
MOST_PARTS, MOST_LEVELS = 5, 6  # of a server's explanation
LONGEST_PAGE = 8192  # characters: of tags that do not close, each is searched to the end
# A 403 is mostly about the key; in these words it is about what stands in one request (OpenRouter, xAI).
ABOUT_CONTENT = re.compile(r"(?i)\binput was flagged|moderation|usage guidelines|content (?:filter|polic)|safety")
MARKUP = re.compile(r"(?is)<(script|style)\b.*?</\1>|<!--.*?-->|<[^<>]*>")


def words_of(body: object, level: int = 0) -> str:
    """A server's explanation in one line: of OpenAI's {"error": {"message"}}, FastAPI's {"detail": [{"loc", "msg"}]}, any other."""
    if body is None or level > MOST_LEVELS:
        return ""
    if isinstance(body, str):
        return " ".join(body.split())
    if isinstance(body, list):
        return "; ".join(filter(None, (words_of(part, level + 1) for part in body[:MOST_PARTS])))
    if isinstance(body, dict):
        found = [words_of(body[name], level + 1) for name in WORDS if name in body]
        within = body.get("metadata")  # OpenRouter's: the words of the service behind it
        if isinstance(within, dict) and "raw" in within:
            found.append(words_of(within["raw"], level + 1))
        said = ": ".join(dict.fromkeys(filter(None, found))) or (" ".join(str(body).split()) if body else "")
        place = body.get("loc")
        return f"{'.'.join(map(str, place))}: {said}" if isinstance(place, list) and place else said
    return str(body)


def without_markup(page: str) -> str:
    """The text at the beginning of an HTML page, as gateways send; other text as it is."""
    is_page = re.search(r"(?i)<(!doctype|html|head|body|title)\b", page[:2000])
    return MARKUP.sub(" ", page[:LONGEST_PAGE]) if is_page else page


def about_one_request(status: int | None, words: str) -> bool:
    """Whether a refusal may concern only what was sent: it is filtered, or too long. None: a success that declines."""
    return status in (None, 400, 413, 422) or (status in (403, 451) and ABOUT_CONTENT.search(words) is not None)


def status_text(status: int, words: str, location: str | None = None) -> str:
    """ "HTTP 404 (Not Found): no such model". location: where a redirect leads."""
    known = status in HTTPStatus.__members__.values()
    if 300 <= status < 400 and location:
        words = f"a redirect to {shown_address(location)}"
    elif not words:
        words = f"{HTTPStatus(status).phrase}, without a word" if known else "without a word"
    return f"HTTP {status}: {words}"


def status_hint(status: int | None, base_url: str, location: str | None = None, *, passes: bool = False) -> str:
    """What to do about a status that is no success. base_url: as configured. passes: it was tried again, in vain."""
    if status is None or status in (400, 413, 422):
        return (
            "the endpoint's words say what it does not accept; is it the prompt's length, a setting, the model's name?"
        )
    if 300 <= status < 400:
        unsafe = "redirects are not followed: they could take questions and key elsewhere."
        if not location:
            return f"{unsafe} Ask who runs the endpoint for its new address."
        target = shown_address(urljoin(f"{base_url.rstrip('/')}/", location)).rstrip("/")
        for path in REQUEST_PATHS:
            target = target.removesuffix(path)
        return f"{unsafe} If it is right: base_url: {target}"
    if status == 401:
        return "is it the key of this endpoint (the variable that api_key_env names)?"
    if status == 403:
        return "may this key use this model? Or a gateway between does not let this machine through."
    if status in (404, 405):
        if not urlsplit(base_url).path.rstrip("/"):
            return f"most addresses end in /v1: base_url: {base_url.rstrip('/')}/v1"
        return (
            "is the model's name the endpoint's own (served_model, a judge's model), and base_url complete up to /v1?"
        )
    if status == 402:
        return "the account of this key has to be paid for."
    if status == 407:
        return "the proxy asks for a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the environment."
    if status == 429 and passes:
        return "its limit was met at each try: lower the number of concurrent requests (concurrency), or have the limit raised."
    if status == 429:
        return (
            "the account's limit is reached, and does not come back by waiting a little: look at its plan and billing."
        )
    if status >= 500:
        return "the endpoint, or a gateway before it, is at fault: is its server up? Lower the number of concurrent requests."
    return "check the model name, the API key variable and the request limits of this endpoint."


def transport_hint(error: Exception) -> str:
    """What to do where no reply came at all."""
    words = f"{type(error).__name__} {error}".lower()
    if "certificate" in words:
        return "the server's certificate is not trusted here: SSL_CERT_FILE names a file of the authorities that are."
    if "name or service" in words or "getaddrinfo" in words or "name resolution" in words or "nodename" in words:
        return "no such host is known here: is the address right, and is there a network (HTTPS_PROXY)?"
    if "timeout" in words:
        return "is the server overloaded? Lower the number of concurrent requests, or raise request_seconds."
    if "no json object" in words or "without an answer" in words:
        return "no reply of OpenAI's API: is base_url its own (most end in /v1)? A page is a sign-in's or a gateway's."
    if "finish_reason" in words:
        return "only a word for the model's end or for the token limit ends an answer; the server's log may say why it is another."
    if "peer closed" in words or "disconnected" in words:
        return "the connection broke off: the server, or a gateway before it, ended; its log may say why."
    if "connect" in words:
        return "is the address right, the server up, and is there a network here (proxy variables)?"
    return "look at the server's log, or lower the number of concurrent requests."


def shown_address(url: str) -> str:
    """An address without user, password, query and fragment, any of which may hold a key."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}" if host else parts.path
    except ValueError:
        return "an address that is none"
