//! `axon run`: the operator, from its first reading until it is told to stop.
//!
//! ```text
//! arguments + file ─► wanted ─► operation (sources, a supervised loop for each target) ─► outcomes ─► exit
//!                        ▲            │
//!                     reload          └─► pages, progress
//! ```
//!
//! Neighbours: `crate::config` is the file, `lookout` what everything is watched by, `axon_web` serves the pages. Not here:
//! what is done on AWS.

mod account;
mod operation;
mod pages;
mod reload;
mod sources;
mod wanted;

use std::sync::Arc;

use axon_runtime::clock::{Clock as _, SystemClock};
use axon_runtime::{Outcome, Until, View};
use jiff::Timestamp;
use tracing::info;

use super::apply::{stalled, timed_out};
use crate::arguments::{Global, LogFormat, Run};
use crate::config::OperatorConfig;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::follow::{Telling, tell};
use crate::lookout::Lookout;
use crate::output::Output;
use crate::show;
use crate::show::time::{age, lasting};
use crate::signals::Stop;
use crate::specs::Specs;
use crate::target::Time;

use operation::Operation;
use pages::Pages;
use reload::Reload;
use sources::hooks;
use wanted::Wanted;

pub(super) async fn run(arguments: Run, out: &mut Output, global: &Global) -> Answer {
    let print = arguments.print_config;
    let mut wanted = Wanted::of(arguments)?;
    if print {
        out.data(&wanted.config.print())?;
        return Ok(Exit::Done);
    }
    if wanted.until == Until::Settled {
        // Whoever waits for the end wants to see mistakes at once; the operator reports them and goes on.
        Specs::sound(&wanted.files, &wanted.config.policy.roles.allow, out)?;
    }
    let lookout = Lookout::open(wanted.config.data_directory.as_deref(), wanted.retention());
    let mut signals = Signals { stop: Stop::listen()?, reload: Reload::of(wanted.file.clone())? };
    let mut pages = Pages::default();
    let start = wanted.clock().now();
    let (outcomes, views) = loop {
        wanted.log_at_its_level(global);
        let operation = wanted.begin(&lookout).await?;
        let hooks = hooks(&wanted.config.sources, &operation.wakers())?;
        pages.show(&wanted, (lookout.board(), hooks), out).await?;
        let (views, telling) = (operation.views().to_vec(), telling(&operation, out, global));
        let clock = wanted.clock();
        let told = async {
            match views.first() {
                Some(view) => tell(view.clone(), &clock, telling, out).await,
                None => Ok(()),
            }
        };
        let (turn, told) = tokio::join!(turn(operation, &mut signals, (&wanted, &lookout)), told);
        told?;
        match turn {
            Turn::Ended(outcomes) => break (outcomes, views),
            Turn::Reload(config) => wanted.config = *config,
            Turn::AtOnce => return Err(at_once()),
        }
    };
    pages.close().await;
    lookout.close().await;
    let views: Vec<Arc<View>> = views.iter().map(|view| Arc::clone(&view.borrow())).collect();
    if let ([view], LogFormat::Text) = (views.as_slice(), global.log_format) {
        let now = wanted.clock().now();
        out.data(&show::status::overview(view.statuses.values(), now, out.data_screen.columns()))?;
        out.talk(&took(&wanted.clock(), start))?;
    }
    conclude(outcomes, &views, wanted.until)
}

fn at_once() -> Failure {
    Failure::work("stopped at once by a second signal: nobody waited for the calls under way")
        .hint("the next start reads what AWS has made of them")
}

/// What can be asked of the process from outside.
struct Signals {
    stop: Stop,
    reload: Reload,
}

/// How an operation came to its end.
enum Turn {
    /// Its loops ended, by themselves or because somebody asked.
    Ended(Vec<Outcome>),
    /// It makes room for another one.
    Reload(Box<OperatorConfig>),
    /// Somebody asked twice.
    AtOnce,
}

/// Waits for the end of an operation, whatever brings it.
async fn turn(mut operation: Operation, signals: &mut Signals, (wanted, lookout): (&Wanted, &Lookout)) -> Turn {
    let Signals { stop, reload } = signals;
    let next = tokio::select! {
        biased;
        () = stop.asked() => None,
        config = reload.next(|config| wanted.accept(config), || lookout.metrics.config_refused()) => Some(Box::new(config)),
        outcomes = operation.ended() => return Turn::Ended(outcomes),
    };
    info!(reload = next.is_some(), "ending: no further call is started, and those under way are waited for");
    operation.shut_down();
    let outcomes = tokio::select! {
        biased;
        () = stop.asked() => None,
        outcomes = operation.ended() => Some(outcomes),
    };
    match (outcomes, next) {
        (None, _) => {
            operation.abort();
            Turn::AtOnce
        }
        (Some(_), Some(config)) => {
            lookout.metrics.config_loaded(SystemClock.now());
            Turn::Reload(config)
        }
        (Some(outcomes), None) => Turn::Ended(outcomes),
    }
}

/// Machines read the log; people get lines or a table about one target, and the log about several.
fn telling(operation: &Operation, out: &Output, global: &Global) -> Telling {
    match (global.log_format, operation.views().len()) {
        (LogFormat::Text, 1) => Telling::on(out),
        (LogFormat::Json | LogFormat::Text, _) => Telling::Log,
    }
}

fn took(clock: &Time, start: Timestamp) -> String {
    let now = clock.now();
    match clock.speed() {
        None => format!("ran for {}\n", age(now, start)),
        Some(speed) => {
            let simulated = now.duration_since(start);
            let real = jiff::SignedDuration::try_from_secs_f64(simulated.as_secs_f64() / speed).unwrap_or_default();
            format!("simulated {} in {}\n", lasting(simulated), lasting(real))
        }
    }
}

/// The exit of the process; the first loop that failed decides.
fn conclude(outcomes: Vec<Outcome>, views: &[Arc<View>], until: Until) -> Answer {
    for outcome in outcomes {
        match outcome {
            // Asked to stop while somebody waited for readiness: that was not reached.
            Outcome::Stopped if until == Until::Settled => return Err(interrupted(views)),
            Outcome::Reached | Outcome::Stopped => {}
            Outcome::Stalled(view) => return Err(stalled(&view)),
            Outcome::TimedOut(view) => return Err(timed_out(&view)),
            Outcome::Failed(why) => return Err(Failure::work(why)),
        }
    }
    Ok(Exit::Done)
}

fn interrupted(views: &[Arc<View>]) -> Failure {
    let all = || views.iter().flat_map(|view| view.statuses.values());
    let ready = all().filter(|status| status.is_ready()).count();
    Failure::work(format!("interrupted with {ready} of {} objects Ready", all().count()))
}
