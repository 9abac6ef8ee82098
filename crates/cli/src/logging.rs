//! Turns on `tracing`: one subscriber, on stderr, as text or as JSON lines. Neighbours: the composition root calls it
//! once. Not here: what is logged.

use std::io;

use anstream::ColorChoice;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Global, LogFormat};

/// Switches logging on for the rest of the process.
pub(crate) fn start(global: &Global, fallback: &str) {
    let level = global.log_level.as_deref().unwrap_or(fallback);
    // The AWS SDK and its HTTP stack speak up only when they are asked for by name.
    let filter = EnvFilter::builder().parse_lossy(format!("error,axon={level},{}", ours(level)));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second subscriber in one process is a test's; the first one stays.
    let _ = match global.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            let colors = global.color.choice() != ColorChoice::Never && global.color.wants_color_on_stderr();
            builder.with_ansi(colors).with_target(false).try_init()
        }
    };
}

/// The level for each of our crates, or the directives as they were given.
fn ours(level: &str) -> String {
    if level.contains(['=', ',']) {
        return level.to_owned();
    }
    ["axon_cli", "axon_core", "axon_aws", "axon_runtime", "axon_web"].map(|name| format!("{name}={level}")).join(",")
}
