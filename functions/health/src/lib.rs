//! Answers liveness, readiness and per-target state.
