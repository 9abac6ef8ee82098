//! The command line as a library: arguments → work → output → exit code. `main` is the one place where it all meets.
//!
//! ```text
//! arguments ─► commands ─┬─ specs (files → findings, what should be true)
//!                        ├─ target (an account, real or simulated, and its clock)
//!                        ├─ follow (runs a reconciler and tells what it does)
//!                        └─ show (values → text) ─► output (stdout: data, stderr: talk) ─► exit
//! ```
//!
//! Nothing here decides what happens on AWS: that is `axon-core`'s, and when it happens is `axon-runtime`'s.

pub mod arguments;
pub mod exit;

mod board;
mod commands;
mod config;
mod environment;
mod failure;
mod fetch;
mod follow;
mod logging;
mod lookout;
mod output;
mod report;
mod show;
mod signals;
mod specs;
mod target;

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, LogFormat};
use exit::Exit;
use failure::Failure;
use output::Output;
use output::paint::{BAD, STRONG, paint};

/// Runs the process: reads its arguments, does what they say, and gives back its exit code.
pub fn main() -> ExitCode {
    // Bad arguments, --help and --version end here, with 2 or 0.
    let Arguments { global, command } = Arguments::parse();
    let mut out = Output::of_process(global.color.choice());
    let answer = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let logging = logging::start(&global, level(&global, &command), runtime.handle());
            let answer = runtime.block_on(commands::perform(command, &mut out, &global));
            logging.finish();
            // A question that is still being read from a terminal must not keep the process.
            runtime.shutdown_background();
            answer
        }
        Err(error) => Err(Failure::work(format!("the process could not start its threads: {error}"))),
    };
    answer.unwrap_or_else(|failure| told(&failure, &mut out)).into()
}

/// The level of logging if nobody chooses one. People are told by lines or a table; an operator whose log is read by
/// machines tells everything there.
fn level(global: &arguments::Global, command: &Command) -> &'static str {
    match (command, global.log_format) {
        (Command::Run(_), LogFormat::Json) => "info",
        _ => "error",
    }
}

fn told(failure: &Failure, out: &mut Output) -> Exit {
    let mut text = format!("{} {}\n", paint(BAD, "error:"), failure.cause);
    if !failure.hint.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {}", paint(STRONG, "hint:"), failure.hint);
    }
    // If stderr is gone too, the exit code is all that is left to say it with.
    let _ = out.talk(&text);
    failure.exit
}
