# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program in a buntime sandbox has to do with the one that started it.

    import buntime

    channel = buntime.channel()
    channel.send(b"ready")
    for message in channel:          # or: async for
        channel.send(message.upper())

    @channel.handler                 # answers requests of the host
    def answer(data):
        return data.upper()

    buntime.permissions.query("net", "github.com:443").state   # "allow", "deny" or "warn"
"""

from . import permissions
from ._client import Channel, RemoteError, channel

__all__ = ["Channel", "RemoteError", "channel", "permissions"]
