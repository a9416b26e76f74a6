"""The two failures that matter. Their messages are sentences that people read."""


class PermanentError(Exception):
    """Trying again will not help: show the message."""


class TransientError(Exception):
    """Trying again may help: retry with backoff, then show the message.

    `retry_after` is how many seconds must pass before that can help.
    """

    retry_after = 0
