//! NeuronJobs: what is known of each run, from records that outlast the process and from tasks that do not.
//!
//! ECS forgets a task an hour after it has stopped and a `clientToken` no later than that. So before RunTask a record of the
//! intent is written, and one of the result after the task has stopped, each under a name of its own that is never written
//! twice (ADR 023): whoever finds a name taken has lost the race, and whoever starts anew finds out what there was.
//!
//! ```text
//! records + tasks ─► book ─► progress ─► agenda ─► plan/job (what to write, start, stop) ─► steps
//!                                          └────► allocate (devices for what is due)
//! ```
//!
//! `record` has the names and contents of records, `outcome` says how a stopped task has ended, `gang` what is true of attempts of
//! several nodes, `book` sorts it all by run, `progress` says where each index of a run stands, `agenda` what each job is to do now,
//! `shown` shows attempts in a status. Nothing here decides about AWS calls, and there is no clock.

pub mod agenda;
pub mod book;
pub mod gang;
pub mod outcome;
pub mod progress;
pub mod record;
pub mod shown;

pub use book::{Attempt, Book, JobBook, RunBook};
pub use gang::{Gang, GivenUp, Member, Members, Nodes};
pub use outcome::{AttemptEnd, Verdict};
pub use progress::{IndexState, Progress};
pub use record::{AttemptId, Begin, Intent, RecordName, RunEnd, RunId, RunResult, Since, Stop, TaskId};
