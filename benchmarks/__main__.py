"""`python -m benchmarks`: everything that is measured, one after the other."""

from __future__ import annotations

from benchmarks import markup, realtime, two_instances

print("== Markdown", flush=True)
markup.main()
print("== A message to a room", flush=True)
realtime.main(["--clients", "100", "--seconds", "2", "--rounds", "1"])
print("== Two instances", flush=True)
two_instances.main([])
