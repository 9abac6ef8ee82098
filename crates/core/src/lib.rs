//! What should be true, what is true, and the steps between: the pure heart of Axon.
//!
//! The pipeline, one module a stage (a stage is a verb, a value is a noun):
//!
//! ```text
//! parse → validate → resolve ─┐
//!                             ├─► plan → check → (axon-aws executes) ─┐
//! observe ──► state (fold) ───┘     └──► judge → status               │
//!                  ▲──────────────────────────────────────────────────┘
//! ```
//!
//! Nothing here performs I/O, reads a clock, draws a random number or iterates in hash order: the same inputs give the
//! same bytes. [`cloud::Cloud`] is the one port through which the world is reached, and it is implemented elsewhere; what
//! containers write is read through [`logs::Logs`], which no operator needs.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod allocate;
pub mod check;
pub mod cloud;
pub mod desired;
pub mod diagnostic;
pub mod diff;
pub mod fingerprint;
pub mod ignored;
pub mod job;
pub mod judge;
pub mod layout;
pub mod logs;
pub mod neuron;
pub mod observe;
pub mod observed;
pub mod ownership;
pub mod parse;
pub mod plan;
pub mod preview;
pub mod quota;
pub mod resolve;
pub mod revision;
pub mod roles;
pub mod shape;
pub mod spec;
pub mod state;
pub mod status;
pub mod step;
pub mod target;
pub mod text;
pub mod validate;
pub mod world;
