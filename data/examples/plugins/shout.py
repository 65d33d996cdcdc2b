# SPDX-License-Identifier: LGPL-2.1-or-later
"""A plugin that does what it says."""

import buntime

channel = buntime.channel()


@channel.handler("transform")
def transform(text):
    return text.upper() + "!"


channel.serve()
