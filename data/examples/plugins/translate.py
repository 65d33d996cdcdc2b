# SPDX-License-Identifier: LGPL-2.1-or-later
"""A plugin that needs a file: translate.json grants it, and that is all."""

from pathlib import Path

import buntime

channel = buntime.channel()
words = dict(line.split() for line in
             Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines())


@channel.handler("transform")
def transform(text):
    return " ".join(words.get(word, word) for word in text.split())


channel.serve()
