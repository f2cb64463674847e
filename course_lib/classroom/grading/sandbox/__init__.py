"""Run a student's code where it can harm nothing: no network, nothing of the host writable, limits on everything.

Part of grading; no lesson derives it.

`limits` says how much, `seccomp` which system calls, `bubblewrap` what is visible, `watch`
runs one box and stops it, `rounds` restarts it after a cell that killed it, `inside` and `shell` are what runs in
the box.
"""
