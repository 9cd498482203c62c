"""What this machine brings to a request to the Hugging Face Hub, looked at first: errors of huggingface_hub quote all of it."""

from openmath.api_keys import checked_key


def hub_token() -> str:
    """The token that will be sent; empty where there is none, or HF_HUB_OFFLINE is set.

    Raises InputError where it cannot be a token, or proxy or certificates of the environment are of no use.
    """
    from huggingface_hub import constants, get_token

    from openmath.client.http import open_client

    if constants.HF_HUB_OFFLINE:
        return ""
    open_client(constants.ENDPOINT)
    return checked_key(get_token() or "", where="HF_TOKEN, or the file of `hf auth login`", what="The Hub's token")
