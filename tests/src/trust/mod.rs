//! Does it converge from anywhere, whatever happens on the way? A world that follows from one seed.
//!
//! ```text
//! fleet ─ edit ─┐
//! fault ────────┼─► history ──► play ──► stage (line, audit + rules) ──► portrait ──► verdict
//!               └─► sweep ──────────────┘                                └─► shrink
//! ```
//!
//! `fleet` is a specification that can be changed, `edit` one change, `fault` what becomes of one call, `history` a list
//! of everything that happens, drawn from a seed (`themes`). `stage` is the `account` with its processes and its network (`line`),
//! `audit` and `rules` hold it against what must be true, `portrait` is what it amounts to in the end. `happen` makes one
//! event happen (`tamper`: those that are strangers' doing), `play` plays one history, whose calls `trace` takes, and `shrink`
//! cuts one that fails; `sweep` does the same to every call of one of the `scenarios`, `days` lives with a large fleet, and
//! `hands` tries the auditor itself. Work that ends has files of its own beside these: `job` and `job_edit`, `orders` for what
//! people ask for by records, `ledger` and `job_rules` for the auditor, with `gang_rules`, `queue_rules` and `compile_rules`.
//! `src/bin/trust.rs` runs many of them.
//!
//! The auditor, the fleet and the portrait know nothing of the planner: they read the simulated account.

use std::future::Future;

mod account;
pub mod asked;
pub mod audit;
mod compile_rules;
pub mod days;
pub mod edit;
pub mod fault;
pub mod fleet;
mod fleets;
mod gang_rules;
pub mod hands;
mod happen;
pub mod history;
pub mod job;
pub mod job_edit;
mod job_rules;
mod ledger;
pub mod line;
pub mod orders;
pub mod play;
pub mod portrait;
mod queue_rules;
mod rules;
pub mod scenarios;
pub mod shrink;
pub mod stage;
pub mod sweep;
mod tamper;
mod themes;
mod trace;

/// Runs something to its end in one thread and in simulated time, with the SDK's own draws from the seed.
fn alone<T>(seed: u64, work: impl Future<Output = T>) -> T {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(work)
}
