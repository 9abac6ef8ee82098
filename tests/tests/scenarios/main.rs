//! Scenarios: the whole product but the command line against the simulated AWS, in simulated time.
//!
//! One file a subject; each name says what is true for the user.

#![cfg(test)]

mod budget;
mod chips;
mod compile;
mod convergence;
mod devices;
mod drift;
mod example;
mod faults;
mod foreign_refresh;
mod gangs;
mod gathering;
mod images;
mod job_examples;
mod jobs;
mod limits;
mod lost_instances;
mod managed_devices;
mod pacing;
mod preemption;
mod quirks;
mod removal;
mod replacement;
mod restart;
mod roles;
mod rollback;
mod rollout_restarts;
mod shortage;
mod subnets;
mod telemetry;
mod trust;
mod trust_audit;
mod turns;
