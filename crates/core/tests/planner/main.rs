//! The planner from the outside: specifications and readings in, steps and waits out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops where its premise fails")]

mod adoption;
mod convergence;
mod drift;
mod fixture;
mod judgement;
mod memory;
mod pacing;
mod pools;
mod removal;
mod review;
mod rollback;
