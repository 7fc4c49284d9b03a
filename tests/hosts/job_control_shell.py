"""A shell that does just enough job control to test a program under it.

Its standard input is made its controlling terminal. It runs its arguments in the foreground; when that group stops, it
says `[stopped]`, and on the line `fg` or `bg` continues it, in the foreground or not; on `away` it continues it in the
background, and brings it to the foreground on the next line. At the end it says `[exit N]`.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios


def main() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(sys.argv[1], sys.argv[1:])
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        holder = os.tcgetpgrp(0)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            break
        say(f"[stopped {'holding' if holder == job else 'without'} the terminal, echo {'on' if echoes() else 'off'}]")
        word = sys.stdin.readline().strip()
        if word == "fg":
            os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
        if word == "away":
            sys.stdin.readline()
            os.tcsetpgrp(0, job)
    held = "holding" if holder == job else "without"
    say(f"[exit {os.waitstatus_to_exitcode(status)} {held} the terminal, echo {'on' if echoes() else 'off'}]")


def echoes() -> bool:
    return bool(termios.tcgetattr(0)[3] & termios.ECHO)


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


main()
