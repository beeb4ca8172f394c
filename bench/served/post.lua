-- post.lua - wrk posts one file (argument 1) again and again and prints one line: requests, seconds, p50, p99 (us), errors.
-- SPDX-License-Identifier: Apache-2.0
function init(args)
  local f = assert(io.open(args[1], "rb"))
  wrk.method = "POST"
  wrk.body = f:read("*a")
  f:close()
  wrk.headers["Content-Type"] = "audio/wav"
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %.6f %d %d %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
