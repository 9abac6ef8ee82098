//! Asks AWS and tells AWS: the implementation of [`axon_core::cloud::Cloud`] and
//! [`axon_core::logs::Logs`], and the only crate that names the AWS SDK.
//!
//! ```text
//! Connection ─ connect ─► Aws ─┬─ lookup() ───────► call ─► answers ─► Facts
//!                              ├─ observe(Scope) ─► call ─► answers ─► Sweep
//!                              ├─ page(WantedPage) ► call ─► LogPage
//!                              └─ execute(Step) ─► convert ─► call ─► answers ─► Effect
//!                                                              └─► error ─ error_table ─► CloudError
//! ```
//!
//! No policy: when to call, what to conclude and whether to call again belong to `runtime` and `core`. One step is one
//! call on the wire.

mod answers;
mod aws_time;
mod call;
mod client;
mod connect;
mod convert;
mod error;
mod error_table;
mod execute;
mod iam;
mod logs;
mod lookup;
mod observe;
mod operations;
mod pace;
mod whole;

pub use client::Aws;
pub use connect::{AssumeRole, ConnectError, Connection, Deadlines, FixedCredentials};
pub use error_table::errors_page;
pub use iam::{Policy, iam_policy};
pub use operations::OPERATIONS;
