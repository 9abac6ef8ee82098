//! `axon run`: the operator. Neighbours: `run_config` puts the settings together, `follow` works and tells, `axon_web`
//! serves the status pages.

use std::sync::Arc;

use axon_runtime::clock::Clock;
use axon_runtime::source::DirectorySource;
use axon_runtime::{Outcome, Until, View};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::apply::{stalled, timed_out};
use super::run_config::RunConfig;
use crate::arguments::{Global, Listen, LogFormat, Run};
use crate::board::LiveBoard;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::follow::{Ended, Following, Telling};
use crate::lookout::{Lookout, counting};
use crate::output::Output;
use crate::show;
use crate::show::time::{age, lasting};
use crate::signals::Stop;
use crate::specs::Specs;
use crate::target::{Target, Time};

pub(super) async fn run(arguments: Run, out: &mut Output, global: &Global) -> Answer {
    let data_dir = arguments.data_dir.clone();
    let RunConfig { source, aws, listen, settings } = RunConfig::of(arguments)?;
    let until = settings.until;
    if until == Until::Settled {
        // Whoever waits for the end wants to see mistakes at once; the operator reports them and goes on.
        Specs::sound(&source, out)?;
    }
    let target = Target::connect(&aws).await?;
    let lookout = Lookout::open(data_dir.as_deref());
    let telemetry = lookout.telemetry(target.cloud.region());
    let target = target.observed_by(counting(&telemetry));
    let start = target.clock.now();
    let following = Following::new(&target, settings).watched(telemetry.clone());
    lookout.show(&telemetry, following.view(), target.shared_clock());
    let pages = Pages::open(listen, until, lookout.board(), out).await?;
    let mut stop = Stop::listen()?;
    let telling = telling(out, global);
    let asked = async move { stop.asked().await };
    let ended = following.run(DirectorySource::new(source), asked, (telling, out)).await?;
    if let Some(pages) = pages {
        pages.close().await;
    }
    lookout.close().await;
    if telling != Telling::Log {
        let now = target.clock.now();
        out.data(&show::status::overview(ended.view.statuses.values(), now, out.data_screen.columns()))?;
        out.talk(&took(&target.clock, start))?;
    }
    conclude(&ended, until)
}

/// Machines read the log; people get lines or a table.
fn telling(out: &Output, global: &Global) -> Telling {
    match global.log_format {
        LogFormat::Json => Telling::Log,
        LogFormat::Text => Telling::on(out),
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

fn conclude(ended: &Ended, until: Until) -> Answer {
    match &ended.outcome {
        // Asked to stop while somebody waited for readiness: that was not reached.
        Outcome::Stopped if until == Until::Settled => Err(interrupted(&ended.view)),
        Outcome::Reached | Outcome::Stopped => Ok(Exit::Done),
        Outcome::Stalled(view) => Err(stalled(view)),
        Outcome::TimedOut(view) => Err(timed_out(view)),
        Outcome::Failed(why) => Err(Failure::work(why.clone())),
    }
}

fn interrupted(view: &View) -> Failure {
    let ready = view.statuses.values().filter(|status| status.is_ready()).count();
    Failure::work(format!("interrupted with {ready} of {} objects Ready", view.statuses.len()))
}

/// The status pages while they are served.
struct Pages {
    end: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Pages {
    /// Serves the pages, unless nobody wants them. A port that is taken keeps an operator from starting, but not
    /// somebody who only waits for readiness.
    async fn open(listen: Listen, until: Until, board: LiveBoard, out: &mut Output) -> Result<Option<Self>, Failure> {
        let Listen::On(address) = listen else { return Ok(None) };
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) if until == Until::Settled => {
                out.talk(&format!("The status pages are off: {address} cannot be listened on ({error}).\n"))?;
                return Ok(None);
            }
            Err(error) => {
                return Err(Failure::work(format!("the status pages cannot be served on {address}: {error}"))
                    .hint("choose another address with --listen, or none"));
            }
        };
        let address = listener.local_addr()?;
        out.talk(&format!("Status pages on http://{address}; `axon status` reads them.\n"))?;
        let (end, ended) = oneshot::channel();
        let server = tokio::spawn(axon_web::serve(listener, Arc::new(board), async move {
            // A dropped sender means the same.
            let _ = ended.await;
        }));
        Ok(Some(Self { end, server }))
    }

    async fn close(self) {
        let _ = self.end.send(());
        if let Err(error) = self.server.await {
            tracing::warn!(%error, "the status pages ended badly");
        }
    }
}
