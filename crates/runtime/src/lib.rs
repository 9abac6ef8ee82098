//! When to look and how often: the loop that keeps one target (an AWS account in a Region) equal to its source.
//!
//! ```text
//! source ─ Snapshot ─► specify ─┐                                ┌─► execution ─ outcome ─┐
//!                               ├─► controller (fold, plan, judge)┤                        │
//! Cloud::observe ─ Sweep ───────┘        │           ▲            └─► schedule (next look)  │
//!                                        ▼           └─────────────────────────────────────┘
//!                                     View, for the command line and the web pages
//!                                     metrics, history, health: for whoever watches
//! ```
//!
//! What to do is decided by `axon-core`, which is pure; how AWS is called is known to the implementation of
//! [`axon_core::cloud::Cloud`]. This crate owns what lies between: time, waiting, concurrency, and what is told to people.
//! It knows neither the AWS SDK nor how anything is displayed.

mod backoff;
pub mod clock;
mod controller;
mod events;
mod execution;
pub mod health;
pub mod history;
mod job_record;
pub mod metrics;
mod pacing;
mod preview;
mod reconciler;
mod schedule;
mod settings;
pub mod source;
mod specify;
mod subject;
mod supervise;
mod telemetry;
mod view;

#[cfg(test)]
mod fake;

pub use events::{Event, EventReason, EventType};
pub use preview::{Foreseen, PreviewRequest, preview};
pub use reconciler::{Outcome, Reconciler};
pub use settings::{Settings, Until};
pub use specify::{Specification, Specifier};
pub use subject::Subject;
pub use supervise::{Connect, Supervisor, Unreachable};
pub use telemetry::Telemetry;
pub use view::{DoneStep, Paced, Phase, Trouble, View};
