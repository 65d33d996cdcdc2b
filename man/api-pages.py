#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs at build time: api-pages.py OUTPUT VERSION OVERVIEW HEADER... writes the pages of section 3.

The comments of the public headers become a page each, named by the header's main type; a page for
each of its functions and other types leads there. What is public and has no comment is an error.
OVERVIEW is libbuntime(3), its source with the pages where a line is @PAGES@.
"""

import re
import sys
from pathlib import Path

DATE = "2026-11-26"
COMMENT = re.compile(r"/\*\*\n(.*?)\n \*/\n(.*?)(?=/\*\*\n|\Z)", re.S)
# What follows a comment: up to the end of the first declaration.
DECLARATION = re.compile(r"\A(?:typedef (?:enum|struct) \{.*?^\} \w+;|#define \w+ [^\n]*|[^;{]*?;)", re.S | re.M)
PUBLIC = re.compile(r"^(?:BUNTIME_WORKER_API )?(?:const )?\w+ \**(buntime_\w+)\(", re.M)
NOTES = {"transfer full": "given away", "out": "set", "nullable": "may be NULL", "optional": "may be NULL",
         "array zero-terminated=1": "NULL-terminated", "transfer none": "lent", "inout": "read and set"}
RETURNS = {"transfer full": "the caller\u2019s"}
PAGE = {"buntime-error.h": "BuntimeError", "buntime-event.h": "BuntimeEvent",
        "buntime-policy.h": "BuntimePolicy", "buntime-pool.h": "BuntimePool",
        "buntime-sandbox.h": "BuntimeSandbox", "buntime-worker.h": "BuntimeWorker"}
# libbuntime-worker's header has the name of another one.
WORKER_PAGE = "BuntimeChannel"


def escape(text):
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace('"', r"\(dq") \
        .replace("~", r"\(ti").replace("\u2019", r"\(cq").replace("\u2026", "...")
    if not text.isascii():
        sys.exit(f"not in ASCII: {text}")
    return re.sub(r"^(?=\.)", r"\\&", text)


# @parameter, %CONSTANT, #Type, function(), `code`
MARK = re.compile(r"@(\w+)|%(\w+)|#(\w+(?:::\w+)?)|\b(buntime_\w+\(\))|`([^`]*)`")


def marked(text):
    """The words of a comment, in one line."""
    parts, end = [], 0
    text = " ".join(text.split())
    for match in MARK.finditer(text):
        parts.append(escape(text[end:match.start()]))
        parameter, *others = match.groups()
        word = escape(parameter or next(filter(None, others)))
        parts.append(rf"\fI{word}\fR" if parameter else rf"\fB{word}\fR")
        end = match.end()
    return re.sub(r"^(?=\.)", r"\\&", "".join(parts + [escape(text[end:])]))


def sentences(text):
    """One a line, as the sources of the other pages have them."""
    return re.sub(r"(?<=[.:?]) (?=[A-Z\\])", "\n", marked(text)).split("\n")


def take_notes(text, words):
    notes = []
    while match := re.match(r"\(([^)]*)\):? ?", text):
        notes.append(words.get(match[1], NOTES.get(match[1])))
        if notes[-1] is None:
            sys.exit(f"an annotation that has no words: {match[1]}")
        text = text[match.end():]
    return notes, text


class Entry:
    """A comment and what is declared below it."""

    def __init__(self, comment, below):
        lines = [re.sub(r"^ \*(?: |$)", "", line) for line in comment.split("\n")]
        self.name = lines[0].removesuffix(":")
        self.is_signal = "::" in self.name
        match = None if self.is_signal else DECLARATION.match(below)
        self.declaration = match[0].replace("BUNTIME_WORKER_API ", "") if match else ""
        self.parameters, self.text, self.returns, self.since = [], [], "", ""
        # Paragraphs; the parameters stand before the first of them.
        for part in re.split(r"\n\n+", "\n".join(lines[1:]).strip("\n")):
            if part.startswith("@"):
                self.parameters += re.findall(r"^@(\w+): (.*?)(?=\n@|\Z)", part, re.S | re.M)
            elif part.startswith("Returns:"):
                self.returns = part[len("Returns:"):].strip()
            elif part.startswith("Since:"):
                self.since = part[len("Since:"):].strip()
            else:
                self.text.append(part)

    def is_function(self):
        return not self.is_signal and re.search(rf"\b{self.name}\(", self.declaration) is not None and \
            not self.declaration.startswith("#")

    def prototype(self):
        yield from (".nf", *(rf"\fB{escape(line)}\fR" if line.strip() else ""
                             for line in re.sub(r"\n +", "\n    ", self.declaration).split("\n")), ".fi")

    def lines(self):
        yield f".SS {escape(self.name + ('()' if self.is_function() else ''))}"
        if self.is_function():
            yield from self.prototype()
            if self.text:
                yield ".PP"
        for number, part in enumerate(self.text):
            if number:
                yield ".PP"
            yield from sentences(part)
        for name, text in self.parameters:
            notes, text = take_notes(text, {})
            yield ".TP"
            yield rf"\fI{escape(name)}\fR" if name.islower() else rf"\fB{escape(name)}\fR"
            yield from sentences(text + (f" ({', '.join(notes)})" if notes else ""))
        if self.returns:
            notes, text = take_notes(self.returns, RETURNS)
            yield ".PP"
            yield from sentences("Returns " + text + (f" ({', '.join(notes)})" if notes else "") + ".")


def page_of(path, version, names):
    text = path.read_text(encoding="utf-8")
    is_worker = "BUNTIME_WORKER_API" in text
    title = WORKER_PAGE if is_worker else PAGE[path.name]
    entries = [Entry(*found) for found in COMMENT.findall(text)]
    told = {entry.name for entry in entries}
    for public in PUBLIC.findall(re.sub(r"#ifdef BUNTIME_COMPILATION.*?#endif", "", text, flags=re.S)):
        if public not in told and not public.endswith("_get_type"):
            sys.exit(f"{path}: {public} has no comment")
    main = next(entry for entry in entries if entry.name == title)
    since = {entry.since for entry in entries}
    others = [entry.name for entry in entries if entry is not main and not entry.is_signal]
    functions = [entry for entry in entries if entry.is_function()]
    types = [entry for entry in entries if not entry.is_function() and not entry.is_signal]
    signals = [entry for entry in entries if entry.is_signal]
    library = "libbuntime-worker" if is_worker else "libbuntime"
    about = re.split(r"(?<=[.]) |\. |: ", " ".join(main.text[0].split()))[0].rstrip(".")
    out = [r".\" SPDX-License-Identifier: LGPL-2.1-or-later",
           f'.TH {title.upper()} 3 {DATE} "buntime {version}" "{escape(library)}"', ".SH NAME",
           ", ".join(map(escape, [title, *others])) + r" \- " + escape(about[0].lower() + about[1:]),
           ".SH SYNOPSIS", ".nf",
           rf"\fB#include <{escape('buntime-worker.h' if is_worker else 'buntime.h')}>\fR", ".PP",
           r"\fBcc \fIPROGRAM.c\fB $(pkg\-config \-\-cflags \-\-libs " +
           escape(f"{'buntime-worker' if is_worker else 'buntime'}-1.0") + r")\fR", ".fi",
           ".SH DESCRIPTION"]
    for number, part in enumerate(main.text):
        out += ([".PP"] if number else []) + sentences(part)
    for heading, group in (("TYPES", [one for one in types if one is not main]), ("SIGNALS", signals),
                           ("FUNCTIONS", functions)):
        if group:
            out.append(f".SH {heading}")
            for entry in group:
                out += entry.lines()
    versions = ", ".join(sorted(filter(None, since)))
    out += [".SH VERSIONS", f"All of it is there since version {versions} of the interface."
            if len(since - {""}) == 1 else f"The interface's versions: {versions}."]
    out += [".SH SEE ALSO", r".BR libbuntime (3),", r".BR buntime\-integration (7),", r".BR buntime\-ipc (7)"]
    names[title] = (about, [one for one in others if re.fullmatch(r"\w+", one)], library)
    return title, "\n".join(out) + "\n"


def main():
    output, version, overview = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    output.mkdir(exist_ok=True)
    for old in output.iterdir():
        old.unlink()
    names = {}
    for header in map(Path, sys.argv[4:]):
        title, page = page_of(header, version, names)
        (output / f"{title}.3").write_text(page, encoding="ascii")
        for other in names[title][1]:
            (output / f"{other}.3").write_text(f".so man3/{title}.3\n", encoding="ascii")
    source = overview.read_text(encoding="utf-8").replace("@VERSION@", version)
    if source.count("\n@PAGES@\n") != 1:
        sys.exit(f"{overview}: it does not have @PAGES@ once")
    pages = [line for title, (about, _, _) in sorted(names.items())
             for line in (".TP", f".BR {title} (3)", escape(about[0].lower() + about[1:]))]
    (output / "libbuntime.3").write_text(source.replace("\n@PAGES@\n", "\n" + "\n".join(pages) + "\n"),
                                         encoding="ascii")


main()
