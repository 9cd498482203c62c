"""Keys of texts too long to keep: hashes."""

import hashlib

MAX_KEY = 300  # characters of a key before it is hashed


def text_key(text: str) -> str:
    """The key of a text that could not be read within the limits."""
    return "text:" + hashlib.sha256("".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def shortened(key: str) -> str:
    """A key as it is kept: of a long one the beginning and a hash."""
    if len(key) <= MAX_KEY:
        return key
    return key[:40] + "...#" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
