//! Turns on `tracing`: log lines on stderr, as text or as JSON, and traces over OTLP where somebody collects them.
//!
//! The composition root calls [`start`] once; [`set_level`] changes the level while the process runs. What lines look
//! like in JSON is in `json`, where traces go in `otlp`. Not here: what is logged, which must never hold a secret.

mod json;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(not(feature = "otlp"))]
#[path = "no_otlp.rs"]
mod otlp;

#[cfg(test)]
pub(crate) mod paper;

use std::io;
use std::sync::OnceLock;

use anstream::ColorChoice;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::arguments::{Global, LogFormat};

pub(crate) use json::JsonLines;

/// The level for whoever wants to know more at once: what SIGUSR1 switches to.
const MORE: &str = "debug";
/// Our crates.
const OURS: [&str; 5] = ["axon_cli", "axon_core", "axon_aws", "axon_runtime", "axon_web"];

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// The filter of the one subscriber of this process, and the level that it was started with.
static LEVEL: OnceLock<(reload::Handle<EnvFilter, Registry>, String)> = OnceLock::new();

/// Logging while it is on. What is still to be sent is sent by [`Logging::finish`].
#[derive(Debug)]
pub(crate) struct Logging {
    traces: Option<otlp::Traces>,
}

/// Switches logging on for the rest of the process.
pub(crate) fn start(global: &Global, fallback: &str, runtime: &Handle) -> Logging {
    let level = global.log_level.as_deref().unwrap_or(fallback);
    let (filter, handle) = reload::Layer::new(EnvFilter::builder().parse_lossy(directives(level)));
    let mut layers: Vec<Boxed> = vec![lines(global).with_filter(filter).boxed()];
    let mut trouble = None;
    let mut traces = None;
    if let Some(endpoint) = global.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) {
        match otlp::layer(endpoint, runtime) {
            Ok((layer, sender)) => {
                layers.push(layer.with_filter(EnvFilter::new(directives("info"))).boxed());
                traces = Some(sender);
            }
            Err(why) => trouble = Some(why),
        }
    }
    // A second subscriber in one process is a test's; the first one stays.
    if tracing_subscriber::registry().with(layers).try_init().is_ok() {
        let _ = LEVEL.set((handle, level.to_owned()));
    }
    if let Some(error) = trouble {
        warn!(error, "no traces are sent");
    }
    Logging { traces }
}

impl Logging {
    /// Sends the traces that are left. The runtime must still be there.
    pub(crate) fn finish(self) {
        if let Some(traces) = self.traces {
            traces.finish();
        }
    }
}

fn lines(global: &Global) -> Boxed {
    match global.log_format {
        LogFormat::Json => JsonLines::new(io::stderr).boxed(),
        LogFormat::Text => {
            let colors = global.color.choice() != ColorChoice::Never && global.color.wants_color_on_stderr();
            tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(colors).with_target(false).boxed()
        }
    }
}

/// Changes how much is logged from now on: `error`, `warn`, `info`, `debug`, `trace`, or directives such as
/// `axon_aws=debug`. The level before stays if this one cannot be read.
pub(crate) fn set_level(level: &str) -> Result<(), String> {
    let Some((handle, _)) = LEVEL.get() else { return Err("logging is not on".to_owned()) };
    change(handle, level)?;
    info!(level, "the log level has changed");
    Ok(())
}

fn change(handle: &reload::Handle<EnvFilter, Registry>, level: &str) -> Result<(), String> {
    let filter = EnvFilter::builder().parse(directives(level)).map_err(|error| format!("{level:?}: {error}"))?;
    handle.reload(filter).map_err(|error| error.to_string())
}

/// Follows SIGUSR1 (more) and SIGUSR2 (as it was started) for as long as it is polled.
pub(crate) async fn follow_signals() -> io::Result<()> {
    let mut more = signal(SignalKind::user_defined1())?;
    let mut usual = signal(SignalKind::user_defined2())?;
    loop {
        let level = tokio::select! {
            asked = more.recv() => asked.map(|()| MORE),
            asked = usual.recv() => asked.and(LEVEL.get()).map(|(_, level)| level.as_str()),
        };
        let Some(level) = level else { return Ok(()) };
        if let Err(error) = set_level(level) {
            warn!(error, "the log level stays as it is");
        }
    }
}

/// The level for our crates, or directives as they were given. The AWS SDK and its HTTP stack speak up only when they
/// are asked for by name: at some levels they log requests with their headers and bodies.
fn directives(level: &str) -> String {
    if level.contains(['=', ',']) {
        return format!("error,{level}");
    }
    let ours: Vec<String> = OURS.iter().map(|name| format!("{name}={level}")).collect();
    format!("error,axon={level},{}", ours.join(","))
}

#[cfg(test)]
mod tests {
    use tracing::debug;

    use super::paper::{Paper, listen};
    use super::*;

    #[test]
    fn the_level_changes_while_the_process_runs_and_a_wrong_one_changes_nothing() {
        let paper = Paper::default();
        let writer = paper.clone();
        let (filter, handle) = reload::Layer::new(EnvFilter::builder().parse_lossy(directives("info")));
        let lines = JsonLines::new(move || writer.clone()).with_filter(filter);
        let listening = listen(tracing_subscriber::registry().with(lines));
        debug!("one");
        change(&handle, "debug").unwrap();
        debug!("two");
        assert!(change(&handle, "loud").unwrap_err().contains("loud"));
        debug!("three");
        change(&handle, "info").unwrap();
        debug!("four");
        drop(listening);
        let text = paper.text();
        let said: Vec<bool> = ["one", "two", "three", "four"].iter().map(|word| text.contains(word)).collect();
        assert_eq!(said, [false, true, true, false], "{text}");
    }

    #[test]
    fn a_level_is_for_our_crates_only() {
        let all = directives("debug");
        assert!(all.starts_with("error,axon=debug,axon_cli=debug,"), "{all}");
        assert_eq!(directives("axon_aws=debug"), "error,axon_aws=debug");
        for level in ["off", "info", "axon_aws=trace,warn"] {
            assert!(EnvFilter::builder().parse(directives(level)).is_ok(), "{level}");
        }
        assert!(EnvFilter::builder().parse(directives("loud")).is_err());
    }
}
