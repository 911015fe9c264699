"""`python -m benchmarks`: everything that is measured, one after the other."""

from __future__ import annotations

from benchmarks import a_to_b, catch_up, delivery, inbox, markup, realtime, two_instances

print("== Markdown", flush=True)
markup.main()
print("== A message to a room", flush=True)
realtime.main(["--clients", "100", "--seconds", "2", "--rounds", "1"])
print("== Two instances", flush=True)
two_instances.main([])
print("== From A to an open page of B, over a road of 20 ms", flush=True)
a_to_b.main([])
print("== An activity that comes in", flush=True)
inbox.main([])
print("== A mirror that was away", flush=True)
catch_up.main(["--entries", "3000"])
print("== Letters to 50 hosts", flush=True)
delivery.main([])
