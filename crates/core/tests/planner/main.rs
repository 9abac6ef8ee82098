//! The planner from the outside: specifications and readings in, steps and waits out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops where its premise fails")]

mod adoption;
mod convergence;
mod drift;
mod drift_reported;
mod fixture;
mod gathering;
mod group_changes;
mod group_fixture;
mod groups;
mod histories;
mod history;
mod images;
mod job_compile;
mod job_gangs;
mod job_preemption;
mod job_queue;
mod job_troubles;
mod job_yard;
mod jobs;
mod judgement;
mod kept_histories;
mod memory;
mod miniature;
mod optional_fields;
mod pacing;
mod packed;
mod packed_moves;
mod pools;
mod records;
mod removal;
mod review;
mod rollback;
mod rollout_order;
mod rollouts;
mod shortages;
mod subnets;
mod whole_rollouts;
