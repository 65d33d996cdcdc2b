# SPDX-License-Identifier: LGPL-2.1-or-later
"""
The suites in the tier landlock: `tests/run --pass=tier` sets BUNTIME_TEST_TIER, and what the tests
run has --tier=landlock in front of its flags. The tests are those of the other tier, as they are.

What this tier does not hold is a row of buntime-tiers(7), and each test that needs it is named here
below its row. Such a test has to fail, by a refusal or denial that its row's pattern knows: one that
passes, or fails in another way, fails the pass, and so does a row that the page has not, or has as
held.
"""

import os
import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

TIER = os.environ.get("BUNTIME_TEST_TIER")

# What is not granted is not there, or cannot be opened ("not granted: not there").
UNSEEN = "ENOENT" if TIER is None else "EACCES"
UNSEEN_ERROR = "FileNotFoundError" if TIER is None else "PermissionError"
UNSEEN_TEXT = "No such file or directory" if TIER is None else "Permission denied"

# Commands that take no --tier.
WITHOUT = ("init-policy", "policy", "doctor", "serve", "ui")
# What a run in this tier says of itself each time; by itself it is the subject of test_tier.py.
ANNOUNCED = re.compile(rb"^buntime: (?:--tier=landlock: Landlock|not held without namespaces:|before Linux 6\.12 \().*\n",
                       re.MULTILINE)


def flags(args):
    """What stands in front of a command's words."""
    words = list(map(str, args))
    command = next((word for word in words if not word.startswith("-")), "run")
    return [] if TIER is None or command in WITHOUT or "--no-sandbox" in words else [f"--tier={TIER}"]


def without_announcement(errors):
    """Of bytes that were written to stderr, if any."""
    return errors if TIER is None or errors is None else ANNOUNCED.sub(b"", errors)


class Room:
    """Where a program makes files: in a /tmp of its own, or where there is none in one that is granted."""

    def __init__(self, path):
        self.path = "/tmp" if path is None else str(path)
        perms = ["read_file", "read_dir", "write_file", "write_dir", "truncate"]
        self.rules = [] if path is None else [{"action": "allow", "path": self.path, "perms": perms}]
        self.flags = [] if path is None else [f"--allow-read={path}", f"--allow-write={path}"]

    def code(self, text):
        return text.replace("/tmp", self.path)

    def clear(self):
        if self.rules:
            subprocess.run(["find", self.path, "-mindepth", "1", "-delete"], check=True)


# ---- what is run ----

# Left out: what is about policies as such or about another layer, what tests/sandbox/test_flat.py and
# test_tier.py have, and files whose very subject is refused here (files to be made, views).
SANDBOX = """
    args attacks attacks_escape audit_changes entry events exec flags_files flags_other fs_names fs_perms
    fs_suggestions fs_warn lifecycle limits output status stdio supervisor sys variables version_1
"""
MORE = "exec_sums ffi fs_masks fs_warn_flipped fs_warn_opens"
IPC = "channel harness harness_bun integration interactive serve serve_channel"
# As on Linux 6.1, where more is buntime's own work: what attacks it.
OLDER = "attacks attacks_escape exec fs_warn_flipped fs_warn_opens"
OLDER_PARTS = [[f"sandbox/test_{name}.py" for name in OLDER.split()]]
# Two worlds at once.
PARTS = [[f"sandbox/test_{name}.py" for name in SANDBOX.split()],
         [f"ipc/test_{name}.py" for name in IPC.split()] + [f"sandbox/test_{name}.py" for name in MORE.split()]
         + ["net/test_passed_on.py", "sandbox/test_examples.py::test_the_mcp_server"]]


# ---- what does not hold ----

def refused(reason):
    """The run stops before the program, and says of what."""
    return r"^-> status 125 after \S+ s\n--- stdout\n\n--- stderr\n(?:.+\n)*?buntime: .+: " + reason


def raised(what, of=None):
    """How a Python program ends; by its last line."""
    return rf"^{what}{'' if of is None else f': {of}'}$"


def denied(path):
    """For an open, or by the second path where there are two."""
    return raised(DENIED, rf"(?:'\S+' -> )?'{path}'")


def both(first, second):
    """In whichever order: what buntime and the program say is not one stream."""
    return rf"\A(?=(?s:.*){first})(?=(?s:.*){second})"


def changed(name_result, size_result):
    """What test_audit_changes' program tells: changes by names, cutting, and then of modes, owners, times."""
    return rf'^OUT:\{{(?:{name_result}, ){{16}}"t": "{size_result}"(?:, "[coa]\d": "EPERM"){{7}}\}}$'


DENIED = r"PermissionError: \[Errno 13\] Permission denied"
NOT_PERMITTED = r"PermissionError: \[Errno 1\] Operation not permitted"
OFF = "the layer namespaces, which is off here"
LAYER = f"it needs {OFF}$"
DENIAL = f"a denial below what is granted needs {OFF}$"
STAYS = f"it has to stay as it is and lies where writing is granted, which needs {OFF}$"
NO_TMPDIR = raised("KeyError", "'TMPDIR'")
BUNS = f"without {OFF}, Bun has to be able to read the directory of its program"

# (row of the page, what a failed test comes to, tests: all of a name, or by its parameters)
EXCEPTIONS = [
    ("not granted: not there", r"^-> status 0 after \S+ s\n--- stdout\nTrue True\n\n--- stderr\n", """
        sandbox/test_attacks_escape.py::test_a_programs_own_words_show_nothing
    """),
    ("not granted: not there", r"^assert 'True\\n' == 'False\\n'$", """
        sandbox/test_attacks_escape.py::test_an_interpreter_in_a_project_does_not_show_what_is_beside_it
    """),
    ("not granted: not there", r"^AssertionError: \{'exists': True\}$", """
        sandbox/test_attacks_escape.py::test_a_granted_program_does_not_choose_what_is_shown
    """),
    ("not granted: not there", r"^- (\S+/s/inner)\n(?:\?.*\n)?\+ \1,/usr/bin/dash\)$", """
        sandbox/test_exec.py::test_scripts_of_scripts
    """),
    ("not granted: not there", refused("it is denied, and the program cannot be run without it$"), """
        sandbox/test_flags_files.py::test_deny_read_everything
    """),
    ("not granted: not there", both("^AssertionError: assert 'EACCES' == 'ok'$",
                                    r'^OUT:\{.*"own": "ok", "alive": "EACCES"\}$'), """
        sandbox/test_attacks.py::test_pid_1
    """),
    ("not granted: not there", r'^OUT:\{"talk": "served", "relative": "served"\}$', """
        sandbox/test_flags_other.py::test_unix_of_a_directory_shows_nothing_of_it[flags0-False]
        sandbox/test_flags_other.py::test_unix_of_a_directory_shows_nothing_of_it[flags1-False]
    """),
    ("denials below grants", refused(DENIAL), """
        sandbox/test_attacks.py::test_hard_links_bring_nothing_closer
        sandbox/test_audit_changes.py::test_what_is_kept_and_what_a_flag_denies
        sandbox/test_exec.py::test_deny_stands_over_allow[*-deny0]
        sandbox/test_exec.py::test_deny_stands_over_allow[*-deny1]
        sandbox/test_exec.py::test_deny_stands_over_allow[*-deny2]
        sandbox/test_exec.py::test_deny_stands_over_allow[allow2-deny3]
        sandbox/test_exec.py::test_denied_by_flag[--allow-run-*]
        sandbox/test_exec.py::test_denied_by_flag[--allow-run=/usr/bin-*]
        sandbox/test_exec.py::test_programs_of_a_denied_environment[read1-*-./venv]
        sandbox/test_exec.py::test_programs_of_a_denied_environment[read2-*-./venv]
        sandbox/test_exec.py::test_programs_of_a_denied_environment[read0---allow-run=/usr/bin,.-./venv]
        sandbox/test_fs_masks.py::test_no_move_uncovers_what_is_denied
        sandbox/test_fs_masks.py::test_a_directory_stays_denied_whatever_the_host_does_in_it
        sandbox/test_fs_masks.py::test_a_denial_that_goes_with_what_the_host_replaces_ends_the_run
        sandbox/test_fs_masks.py::test_a_directory_above_that_the_host_moves_takes_its_denials_along
        sandbox/test_fs_masks.py::test_a_second_name_is_not_denied_and_that_is_said
        sandbox/test_fs_masks.py::test_what_cannot_be_watched_is_said
        sandbox/test_flags_files.py::test_deny_read_over_allow
        sandbox/test_flags_files.py::test_deny_read_of_a_file
        sandbox/test_flags_files.py::test_a_more_specific_allow_does_not_open_a_deny
        sandbox/test_flags_files.py::test_deny_write_over_allow
        sandbox/test_flags_files.py::test_a_deny_survives_renaming_its_parents
        sandbox/test_flags_other.py::test_run_everything_and_deny_over_allow
        sandbox/test_flags_other.py::test_unix_of_a_directory_shows_nothing_of_it[flags5-False]
        sandbox/test_fs_names.py::test_names_in_denials
        sandbox/test_fs_names.py::test_names_in_a_policy_file[True]
        sandbox/test_fs_names.py::test_ways_to_write_one_directory
        sandbox/test_fs_names.py::test_links_and_patterns[link-*
        sandbox/test_fs_names.py::test_links_and_patterns[data/*
        sandbox/test_fs_names.py::test_links_and_patterns[*.key-seen8]
        sandbox/test_fs_names.py::test_links_and_patterns[*/a-seen9]
        sandbox/test_fs_suggestions.py::test_it_permits_that_and_no_more[flags6-*
        sandbox/test_fs_suggestions.py::test_it_permits_that_and_no_more[flags7-*
        sandbox/test_fs_suggestions.py::test_it_permits_that_and_no_more[flags12-*
        sandbox/test_fs_suggestions.py::test_it_permits_that_and_no_more[flags13-*
        sandbox/test_fs_suggestions.py::test_no_flag_is_suggested_where_none_helps
        sandbox/test_variables.py::test_read_and_write
        sandbox/test_version_1.py::test_everything_at_once
        sandbox/test_version_1.py::test_everything_at_once_below_tmp
        sandbox/test_version_1.py::test_audit_only_where_it_is_enabled
        sandbox/test_version_1.py::test_defaults
    """),
    ("denials below grants", refused("the kernel's own files are mounted there, within what is granted; keeping"), """
        sandbox/test_flags_files.py::test_kernel_mounts_below_a_grant_are_masked
        sandbox/test_flags_files.py::test_shared_memory_by_another_name_is_masked
    """),
    ("a policy's own files stay", refused(STAYS), """
        sandbox/test_flags_other.py::test_policy_below_a_write_grant_is_read_only
        sandbox/test_variables.py::test_what_a_policy_extends_cannot_be_changed
    """),
    ("a file that is not there yet", r"^buntime: --allow-write=(nowhere|new\.txt): No such file or directory\n"
                                     " *create it first, or grant the directory it will be made in$", """
        ipc/test_interactive.py::test_permissions
        sandbox/test_fs_names.py::test_what_is_not_there[flags1-0-nothing is there yet]
    """),
    ("a file that is not there yet", r"^(save|create) data/sub/new: EACCES\n\n--- stderr\n"
                                     r"buntime: denied write .*\n.*\n *allow: --allow-write=\S*/data/sub\n"
                                     " *note:  this permits more than what was denied$", """
        sandbox/test_fs_suggestions.py::test_it_permits_that_and_no_more[flags3-*
        sandbox/test_fs_suggestions.py::test_it_permits_that_and_no_more[flags4-*
    """),
    ("modes, owners, times", changed(r'"[mnpsldur]\d": "ok"', "ok"), """
        sandbox/test_audit_changes.py::test_allowed
    """),
    ("modes, owners, times", changed(r'"[mnpsldur]\d": "EACCES"', "EACCES"), """
        sandbox/test_audit_changes.py::test_refused
    """),
    ("modes, owners, times", changed(r'(?:"[mu]\d": "ok"|"[npsldr]\d": "EACCES")', "ok"), """
        sandbox/test_audit_changes.py::test_some_kinds
    """),
    ("modes, owners, times", raised(NOT_PERMITTED, "'(new|data/a.txt)'"), """
        sandbox/test_exec.py::test_everything_granted_is_everything
        sandbox/test_flags_files.py::test_write_directory
    """),
    ("modes, owners, times", r'^OUT:\{(?:"\S+": "EACCES", ){6}"utime": "EPERM"\}$', """
        sandbox/test_flags_files.py::test_reading_grants_no_writing
    """),
    ("modes, owners, times", r'^OUT:\{(?:"\w+": "(?:EPERM|ENOSYS)", ){7}"mode": "0o644"\}$', """
        sandbox/test_audit_changes.py::test_no_file_is_made_to_run_as_its_owner
    """),
    ("modes, owners, times", both("^chmod data/prog: EPERM$",
                                  r"^Extra items in the right set:\n'chmod'\n(?:Use|Full)"), """
        sandbox/test_fs_perms.py::test_of_one_file[write_file-*chmod*
    """),
    ("modes, owners, times", r"^assert \(0 == 0 and 'chmod' in ''\)$", """
        sandbox/test_fs_perms.py::test_what_cannot_be_given_is_said
    """),
    ("modes, owners, times", r'^OUT:\{"chattr": "ENOTTY", "subvolume": "ENOTTY", "tmp": "EPERM", "waiting": 0\}$', """
        sandbox/test_fs_perms.py::test_what_has_no_path_is_changed_neither
    """),
    ("/tmp, /dev/shm of its own", denied(r"/(?:tmp|dev/shm)(?:/\w+(?:\.c|\.so)?)?"), """
        sandbox/test_attacks.py::test_writable_and_executable_mappings_of_files
        sandbox/test_attacks_escape.py::test_a_link_makes_no_host_socket_ones_own
        sandbox/test_audit_changes.py::test_in_tmp
        sandbox/test_exec.py::test_from_python
        sandbox/test_exec.py::test_a_program_made_during_the_run_has_no_flag
        sandbox/test_exec.py::test_known_tools_bring_their_helpers[gcc]
        sandbox/test_exec.py::test_a_denial_takes_a_helper_out_of_its_bundle
        sandbox/test_ffi.py::test_from_python
        sandbox/test_ffi.py::test_what_was_made_during_the_run_has_no_flag
        sandbox/test_flags_other.py::test_run_of_a_file_made_by_the_worker
    """),
    ("/tmp, /dev/shm of its own", r"rror: \[Errno 13\] Permission denied: '/tmp/mine'$", """
        sandbox/test_lifecycle.py::test_concurrent_runs
    """),
    ("/tmp, /dev/shm of its own", NO_TMPDIR, """
        sandbox/test_flags_files.py::test_writing_alone_below_tmp
        sandbox/test_fs_perms.py::test_tmp_has_no_more_than_what_is_granted_below_it
        sandbox/test_fs_perms.py::test_the_place_in_tmp_is_no_grant
    """),
    ("/tmp, /dev/shm of its own", both(r"^buntime: denied write /tmp/big by python3\[\d+\]$",
                                       r"^assert set\(\) == "), """
        sandbox/test_limits.py::test_a_full_file_system_is_told[*--memory=]
        sandbox/test_limits.py::test_a_full_file_system_is_told[*--tmp-size=512M]
    """),
    ("/tmp, /dev/shm of its own", r"^AssertionError: status 1 None, output b'' b'Traceback .*"
                                  rf"\\n{DENIED}: \\'/tmp/x\.so\\'\\n',", """
        ipc/test_channel.py::test_read_only
    """),
    ("/tmp, /dev/shm of its own", r"^\+ (PermissionError: \[Errno 13\] Permission denied: '/tmp/x'|"
                                  r"Error: EACCES: permission denied, open '/tmp/x')\)?$", """
        ipc/test_harness.py::test_permissions
        ipc/test_harness_bun.py::test_permissions
    """),
    ("/tmp, /dev/shm of its own", r"^--- stdout\n(?:(?:exec|empty-path|o-path|proc-fd|proc-root|dirfd) \S+: ran\n)+"
                                  r"symlink \S+: EACCES\n", """
        sandbox/test_exec.py::test_a_granted_program_runs_by_its_names_and_no_copy_does
    """),
    ("/tmp, /dev/shm of its own", r"^AssertionError: \{'/dev/shm': \d{6,}, '/tmp': \d{6,}\}$", """
        sandbox/test_attacks_escape.py::test_private_places_hold_no_endless_number_of_files
    """),
    ("/tmp, /dev/shm of its own", r'^OUT:\{"status": 128, "made": false, "run": "EACCES"\}\n\n--- stderr\n'
                                  r"buntime: denied write /tmp/repo by git", """
        sandbox/test_exec.py::test_known_tools_bring_their_helpers[git]
    """),
    ("/tmp, /dev/shm of its own", both(r"^buntime: denied write /tmp/clone by git\[\d+\]$",
                                       r"^assert \[\] == \['--allow-run=/usr/bin/dash'\]$"), """
        sandbox/test_exec.py::test_the_shell_is_in_no_bundle
    """),
    ("/tmp, /dev/shm of its own", r"^--- stdout\ndenied write /tmp/new\n *rule:  defaults\.fs = deny", """
        sandbox/test_fs_perms.py::test_check_knows_what_tmp_has
    """),
    ("/tmp, /dev/shm of its own", r"^assert \['ok', 'EACCES', 'EACCES'\] == \['ok', 'EACCES', 'EROFS'\]$", """
        sandbox/test_fs_suggestions.py::test_below_tmp
    """),
    ("/tmp, /dev/shm of its own", r"^AssertionError: assert \(\(0, 'EACCES'\) == \(64, 'ENOSPC'\)$", """
        sandbox/test_limits.py::test_memory_of_a_process
    """),
    ("/tmp, /dev/shm of its own", refused(LAYER), """
        sandbox/test_limits.py::test_tmp_and_shm_size
        sandbox/test_limits.py::test_tmp_larger_than_the_default
        sandbox/test_limits.py::test_a_full_file_system_is_told[*-size=]
        sandbox/test_limits.py::test_too_many_files_are_told
    """),
    ("/proc of its own", denied("/proc"), """
        sandbox/test_lifecycle.py::test_orphans_are_reaped
    """),
    ("/proc of its own", denied("/proc/(?:loadavg|meminfo)"), """
        sandbox/test_events.py::test_audit_tells_of_facts_that_are_asked_for[granted0-*
        sandbox/test_events.py::test_audit_tells_of_facts_that_are_asked_for[granted1-*
        sandbox/test_events.py::test_audit_tells_of_facts_that_are_asked_for[granted2-*
    """),
    ("/proc of its own", r"^-> status 2 after \S+ s\n--- stdout\n\n--- stderr\ngrep: /proc/self/status: Permission denied$", """
        sandbox/test_stdio.py::test_an_ignored_signal_stays_ignored
    """),
    ("/proc of its own", r"""^AssertionError: assert 'Warning: can.*roc/cpuinfo\\n' == ''$""", """
        ipc/test_channel.py::test_pypy
    """),
    ("files of /etc of its own", denied("/etc/(?:passwd|hostname)"), """
        sandbox/test_events.py::test_audit_reports_what_was_allowed
        sandbox/test_events.py::test_audit_tells_of_facts_that_are_asked_for[granted3-*
        sandbox/test_sys.py::test_denied
        sandbox/test_sys.py::test_hostname[--allow-sys*
        sandbox/test_sys.py::test_one_kind_is_not_another
        sandbox/test_sys.py::test_memory
        sandbox/test_sys.py::test_a_denied_file_tells_no_fact
    """),
    ("files of /etc of its own", r'^OUT:\{"unseen": "EACCES", "made": "EACCES", "write": "EACCES"\}$', """
        sandbox/test_flags_files.py::test_writing_grants_no_reading_of_etc
    """),
    ("files of /etc of its own", r"^-> status 1 after \S+ s\n--- stdout\ndenied read /etc/passwd\n *rule:  defaults\.fs = deny", """
        sandbox/test_variables.py::test_check_agrees
    """),
    ("only what is granted runs", r'^OUT:\{"/usr/bin/curl": "curl \d.*", "/usr/bin/env": "env .*", "/bin/ls": "ls .*", '
                                  r'"/tmp/ls": "", "/dev/shm/ls": ""\}$', """
        sandbox/test_attacks.py::test_the_loader_runs_nothing_that_was_not_granted
    """),
    ("only what is granted runs", r"^--- stdout\n(?:[\w-]+ \S+: E[A-Z]+\n)+loader \S+: ran\n"
                                  r"(?:loader \S+: ran\n|[\w-]+ \S+: E[A-Z]+\n)*\n--- stderr\n", """
        sandbox/test_exec.py::test_without_a_grant_no_way_runs_it
    """),
    ("what is run or loaded stays", refused(STAYS), """
        sandbox/test_exec.py::test_a_granted_program_is_not_overwritten
        sandbox/test_exec.py::test_programs_of_a_denied_environment[read2-*-.]
        sandbox/test_exec.py::test_the_own_interpreter_stays_executable[flags3]
        sandbox/test_ffi.py::test_without_a_grant_nothing_is_mapped[--allow-write=lib,.]
        sandbox/test_ffi.py::test_wheels_of_the_active_environment_work
    """),
    ("what is run or loaded stays", refused("it would be both written and run by a grant for what is above it, which"), """
        sandbox/test_exec.py::test_a_directory_is_not_written_and_run
    """),
    ("sums (sha256)", refused(LAYER), """
        sandbox/test_exec_sums.py::test_the_bytes_that_were_meant_run
        sandbox/test_exec_sums.py::test_what_comes_later_does_not_run
        sandbox/test_exec_sums.py::test_by_all_its_names_and_no_copy
        sandbox/test_exec_sums.py::test_it_knows_its_own_path
        sandbox/test_exec_sums.py::test_the_worker_cannot_change_it
        sandbox/test_exec_sums.py::test_scripts_and_interpreters
        sandbox/test_exec_sums.py::test_a_denied_sum
        sandbox/test_exec_sums.py::test_a_warned_sum
        sandbox/test_exec_sums.py::test_the_interpreter_itself
        sandbox/test_exec_sums.py::test_a_large_program
    """),
    ("rules for ffi", refused(LAYER), """
        sandbox/test_ffi.py::test_a_granted_file_is_mapped_and_no_other
        sandbox/test_ffi.py::test_a_granted_file_is_seen_without_a_grant_to_read
        sandbox/test_ffi.py::test_a_granted_directory_and_a_denial_below_it
        sandbox/test_ffi.py::test_a_granted_place_runs_no_program
        sandbox/test_ffi.py::test_what_is_written_is_not_mapped
        sandbox/test_ffi.py::test_everything_is_mapped_but_what_can_be_written
        sandbox/test_flags_other.py::test_unix_of_a_directory_shows_nothing_of_it[flags6-True]
        sandbox/test_flags_other.py::test_unix_of_a_directory_shows_nothing_of_it[flags7-False]
        sandbox/test_flags_other.py::test_allow_all
        sandbox/test_flags_other.py::test_deny_over_allow_all
        sandbox/test_fs_names.py::test_no_grant_by_a_link_that_the_program_made[ffi-data/sub]
        sandbox/test_sys.py::test_hostname[-A]
        sandbox/test_variables.py::test_never_visible_to_the_worker
    """),
    ("rules for ffi", r"^-> status 0 after \S+ s\n--- stdout\n\n--- stderr\n\nassert 0 == 1$", """
        sandbox/test_events.py::test_each_denial_is_one_event_and_its_flag_helps[ffi]
    """),
    ("rules for ffi", r"^--- stdout\ndlopen \S+: called\n(?:map\S* \S+: mapped\n){3}mprotect \S+: mapped\n"
                      r"preload \S+: ran\ndlopen-memfd \S+: EPERM\njit \S+: mapped\n\n--- stderr\n", """
        sandbox/test_ffi.py::test_without_a_grant_nothing_is_mapped[--allow-read=lib]
        sandbox/test_ffi.py::test_without_a_grant_nothing_is_mapped[--allow-run=./lib/x]
    """),
    ("rules for ffi", r'^OUT:\{"\S+/lib/answer\.so": 42, "\S+/lib/other\.so": 42\}$', """
        sandbox/test_ffi.py::test_a_refusal_is_explained
    """),
    ("rules for ffi", r"^-> status 0 after \S+ s\n--- stdout\n42\n\n--- stderr\n", """
        sandbox/test_ffi.py::test_wheels_of_another_environment_need_a_grant
    """),
    ("program on standard input", refused(f"a program that is not a file which its user can read needs {OFF}$"), """
        sandbox/test_args.py::test_program_from_standard_input
        sandbox/test_args.py::test_stdin_beside_a_grant_for_writing
    """),
    ("program of Bun's", rf"^AssertionError: status 125 \S+: {BUNS}$", """
        ipc/test_channel.py::test_bun
        ipc/test_channel.py::test_installed
        ipc/test_channel.py::test_large_messages_in_an_event_loop[bun]
        ipc/test_channel.py::test_who_waits_for_data_is_not_woken_by_room
    """),
    ("program of Bun's", rf'^OUT:\{{"large": "w\.ts-\S+: \S+: {BUNS}\\n', """
        ipc/test_channel.py::test_unanswerable[bun]
    """),
    ("program of Bun's", r'^OUT:\{"end": \[125, "", ""\]\}$', """
        ipc/test_channel.py::test_closed_at_once
    """),
    ("number of processes", refused(LAYER), """
        sandbox/test_limits.py::test_pids_are_exact
        sandbox/test_limits.py::test_pids_above_the_default
        sandbox/test_limits.py::test_one_process_is_enough_for_a_program
        sandbox/test_limits.py::test_a_caller_who_may_have_less
        sandbox/test_limits.py::test_pids_are_told
        sandbox/test_limits.py::test_pids_that_come_and_go_are_not_told
        sandbox/test_limits.py::test_clone_is_looked_at_before_it_is_counted
        sandbox/test_limits.py::test_what_is_refused_is_not_counted
        sandbox/test_limits.py::test_limits_of_a_file
        sandbox/test_fs_warn_opens.py::test_limits_are_the_programs_own
    """),
    ("number of processes", r"^AssertionError: \{'children': 1500, 'open': 'EACCES', 'refused': 0, 'seconds': [\d.e-]+\}$", """
        sandbox/test_lifecycle.py::test_ten_thousand_forks
    """),
    ("UDP", both(raised(DENIED),
                 "^buntime: without namespaces there is no UDP, which the program asked for, if only to sort addresses$"), """
        sandbox/test_events.py::test_each_denial_is_one_event_and_its_flag_helps[udp]
    """),
    ("listening, --publish", both(r"^ *(?:(?:good|server|listener)\.(?:bind|listen))\(.*\)$",
                                   raised(NOT_PERMITTED)), """
        sandbox/test_attacks.py::test_racing_the_address_of_a_connect
        sandbox/test_flags_other.py::test_unix_within_the_sandbox
        sandbox/test_fs_warn_opens.py::test_a_connect_that_waits_is_interrupted
        sandbox/test_supervisor.py::test_result_of_an_interrupted_connect_is_the_workers
    """),
    ("--pcap, --net, limits of net", "^buntime: --net: without namespaces there are no packets$", """
        net/test_passed_on.py::test_of_another_network[packets]
    """),
    ("Unix sockets by --allow-unix", r'^OUT:\{"passed": "EACCES", "own": "EACCES"\}$', """
        net/test_passed_on.py::test_abstract_names_of_the_host
    """),
    ("Unix sockets by --allow-unix", r"^\+ EPERM EPERM EPERM done b'hello'$", """
        sandbox/test_stdio.py::test_a_socket_of_the_hosts_tells_nothing_of_its_network
    """),
    ("host name", r"^AssertionError: assert '(\S+)' != '\1'$", """
        sandbox/test_variables.py::test_net_run_env_sys
    """),
    ("host name", refused(LAYER), """
        sandbox/test_sys.py::test_deny_over_allow
    """),
    ("system calls, antiEscape", r"^AssertionError: assert \('True True\\n' == 'True True\\n'\nTrue True and 0 >= 16\)$", """
        sandbox/test_attacks_escape.py::test_the_callers_other_programs_keep_their_share
    """),
    ("connections by audit", r"^AssertionError: assert \{1: \[\], 2: \[\]\} == \{1: \[\], 2: \[\(", """
        ipc/test_serve.py::test_audit_sees_every_connection
    """),
    ("rules for addresses, names", r"^-> status 0 after \S+ s\n--- stdout\nran\n\n--- stderr\n\nassert 0 == 125$", """
        sandbox/test_supervisor.py::test_too_many_net_rules
    """),
]


class Exceptions:
    """Which row a test is below, and whether what it came to is that row's."""

    def __init__(self, source):
        page = (source / "man/buntime-tiers.7.in").read_text(encoding="utf-8")
        cells = dict(self.rows(page))
        for row, _, _ in EXCEPTIONS:
            assert row in cells, f"buntime-tiers(7) has no row {row!r}"
            assert cells[row] != "held", f"buntime-tiers(7): {row!r} is held"
        self.lines = [(line, row, pattern) for row, pattern, lines in EXCEPTIONS
                      for line in filter(None, map(str.strip, lines.splitlines()))]

    @staticmethod
    def rows(page):
        """The first and the last column."""
        table = page.split("\n.TS\n", 1)[1].split("\n.TE\n", 1)[0]
        table = re.sub(r"T\{\n(.*?)\nT\}", lambda cell: cell[1].replace("\n", " "), table, flags=re.S)
        for line in table.replace(r"\(aq", "'").replace(r"\-", "-").splitlines():
            if line.count("|") == 2:
                promise, _, here = line.split("|")
                yield promise, here

    @staticmethod
    def means(line, name):
        return name == line or ("[" not in line and name.startswith(line + "[")) or \
            fnmatchcase(name, line.replace("[", "[[]"))

    def of(self, name):
        found = [one for one in self.lines if self.means(one[0], name)]
        assert len(found) <= 1, f"{name} is named more than once: {found}"
        return found[0] if found else None

    def unknown(self, names):
        """What is named of the files that names are of, and is not there."""
        files = {name.split("::")[0] for name in names}
        return [line for line, _, _ in self.lines if line.split("::")[0] in files
                and not any(self.means(line, name) for name in names)]

    @staticmethod
    def evidence(text, runs):
        """What the assertion shows that failed, not the test's source; and the last run, where it shows none."""
        shown = "\n".join(line.strip() for line in re.findall("^E(?= |$)(.*)$", text, re.MULTILINE))
        return shown if "-> status " in shown else "\n".join([shown, *map(str, runs[-1:])])

    def judge(self, name, report, runs):
        """Turns the report of a test that is named around."""
        found = self.of(name)
        if found is None or report.skipped:
            return
        _, row, pattern = found
        if report.passed:
            report.outcome = "failed"
            report.longrepr = f"it holds here, too: it is not to be named below {row!r} in tests/world/tier.py"
        elif re.search(pattern, self.evidence(report.longreprtext, runs), re.MULTILINE):
            report.outcome, report.longrepr = "passed", None
        else:
            report.sections.append(("tier", f"expected, for {row!r}: {pattern}"))
