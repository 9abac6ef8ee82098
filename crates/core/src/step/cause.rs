//! Why a step is needed, as data: the command line turns it into text.
//!
//! Part of `step`. Not here: the call.

use serde::Serialize;

/// Why a step is needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "cause", rename_all = "camelCase")]
pub enum Cause {
    /// It does not exist.
    Missing,
    /// No revision with this content exists.
    NewContent,
    /// One field differs.
    Field(FieldChange),
    /// The object is no longer declared.
    NotDeclared,
    /// A newer generation has taken over.
    Superseded {
        /// What took over.
        by: String,
    },
    /// More old revisions than `revisionHistoryLimit`.
    BeyondHistory {
        /// How many are kept.
        limit: u32,
    },
    /// The tasks of an instance fit on the others of its group.
    Surplus {
        /// Instances that the layout needs.
        needed: usize,
        /// Instances that hold tasks.
        held: usize,
    },
    /// An attempt of a job is due.
    Attempt {
        /// Which: `3.0` is the first of index 3.
        attempt: String,
    },
    /// An attempt or a run of a job has come to its end.
    Ended {
        /// How, in words.
        how: String,
    },
    /// A task of a job is to be stopped.
    Stopped {
        /// Why, in words.
        why: String,
    },
    /// A run of a job is due by its schedule.
    Due {
        /// When it was.
        at: jiff::Timestamp,
    },
    /// A record of a job is kept no longer.
    Expired,
    /// The annotation `neuron.ecs/adopt` allows taking it over.
    Adoption,
    /// It failed to be created and cannot be repaired.
    Failed {
        /// AWS's reason.
        reason: String,
    },
}

/// One differing field of a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Path in AWS's member names, dotted (`deploymentConfiguration.maximumPercent`).
    pub path: String,
    /// What AWS has, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<serde_json::Value>,
    /// What is wanted, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<serde_json::Value>,
}
