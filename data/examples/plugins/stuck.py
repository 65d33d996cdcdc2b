# SPDX-License-Identifier: LGPL-2.1-or-later
"""A plugin that never answers, and does not want to be ended."""

import signal

import buntime

channel = buntime.channel()
signal.signal(signal.SIGTERM, signal.SIG_IGN)


@channel.handler("transform")
def transform(_text):
    while True:
        pass


channel.serve()
