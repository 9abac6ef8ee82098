//! Values to text: one file per thing that is shown. Everything here is pure, so that a golden test says it all.
//!
//! Neighbours: `commands` call, `output` writes. Not here: streams, and what the values mean.

pub(crate) mod chips;
pub(crate) mod events;
pub(crate) mod findings;
pub(crate) mod groups;
pub(crate) mod jobs;
pub(crate) mod layouts;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod plan_markdown;
pub(crate) mod progress;
pub(crate) mod requests;
pub(crate) mod signs;
pub(crate) mod sources;
pub(crate) mod status;
pub(crate) mod time;
pub(crate) mod words;
