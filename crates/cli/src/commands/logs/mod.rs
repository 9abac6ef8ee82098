//! `axon logs`: prints what tasks have written, and follows it.
//!
//! ```text
//! wish (arguments) ─► find (which tasks: records, ECS) ─► streams (where each writes, by its task definition)
//!                                 ▲                            └─► reader (one stream, page by page) ─► merge ─► show::logs
//!                                 └── follow (again and again)
//! ```
//!
//! Everything is read from AWS, and nothing is written. Not here: how a line looks, which is `show::logs`', and what the calls mean,
//! which is `axon_aws`'.

mod find;
mod follow;
#[cfg(test)]
mod lab;
mod merge;
mod reader;
mod streams;
#[cfg(test)]
mod tests;
mod wish;

use axon_core::job::Verdict;
use axon_core::job::record::RunResult;

use crate::arguments::Logs;
use crate::commands::job::records::Place;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::{Audience, Output};
use crate::show::logs::{Look, Printer};
use crate::signals::Stop;
use find::{Ending, Found, find};
use follow::follow;
use merge::merged;
use streams::Streams;
use wish::Wish;

/// So much text is written at once.
const CHUNK: usize = 32 * 1024;

pub(super) async fn logs(arguments: &Logs, out: &mut Output) -> Answer {
    let wish = Wish::of(arguments)?;
    let place = Place::of(&arguments.aws).await?;
    let mut stop = Stop::listen()?;
    let work = read(&place, &wish, Look::of(arguments.output, arguments.timestamps.into()), out);
    tokio::select! {
        answer = work => answer,
        () = stop.asked() => Ok(Exit::Done),
    }
}

/// Prints what there is, and goes on if that is wanted.
async fn read(place: &Place, wish: &Wish, look: Look, out: &mut Output) -> Answer {
    let found = find(place, wish).await?;
    let mut streams = Streams::new(wish.container.clone(), wish.start(place.target.now()));
    let told = streams.take_in(&*place.target.cloud, &found).await?;
    let crowd = if wish.follow() || streams.readers.len() > 1 { look.prefixed() } else { look };
    let mut printer = Printing { printer: Printer::new(&found.object, crowd), out };
    for line in told {
        printer.out.talk(&format!("{line}\n"))?;
    }
    if wish.follow() {
        return follow((place, wish), found, streams, &mut printer).await;
    }
    let audience = merged(&mut streams.readers, &*place.target.cloud, &mut printer).await?;
    if audience == Audience::There {
        let silent = silence(&found, &streams);
        printer.out.talk(&silent)?;
    }
    Ok(Exit::Done)
}

/// Says so if there was nothing to print.
fn silence(found: &Found, streams: &Streams) -> String {
    let (all, silent) = (streams.readers.len(), streams.readers.iter().filter(|reader| reader.said_nothing()).count());
    let missing = streams.readers.iter().find_map(|reader| reader.missing_group());
    match (all, missing) {
        (0, _) => format!("No task of {} has started yet.\n", found.object),
        (_, Some(group)) => format!("{}\n", no_group(group)),
        (all, None) if silent == all => format!("Nothing was written by {}, in {all} log streams.\n", found.object),
        _ => String::new(),
    }
}

/// What to do about a group that is not there.
fn no_group(group: &str) -> String {
    format!(
        "The log group {group} does not exist, and without it the containers that log to it cannot start. The driver creates a group \
         that `logging` does not name, if the execution role may do logs:CreateLogGroup; a group that it names has to be there (`aws logs \
         create-log-group --log-group-name {group}`)."
    )
}

/// How the work whose output was followed has ended, as an exit code.
fn concluded(ending: &Ending) -> Exit {
    match ending {
        Ending::Run(end) if end.result != RunResult::Complete => Exit::Failed,
        Ending::Attempt(end) if end.verdict != Verdict::Succeeded => Exit::Failed,
        Ending::Run(_) | Ending::Attempt(_) | Ending::Task => Exit::Done,
    }
}

/// Where lines go: made ready here, written when there are many, or when there are no more.
struct Printing<'o> {
    printer: Printer,
    out: &'o mut Output,
}

impl merge::Sink for Printing<'_> {
    fn line(&mut self, label: &crate::show::logs::Label, line: &axon_core::logs::LogLine) -> Result<Audience, Failure> {
        self.printer.add(label, line);
        if self.printer.len() < CHUNK { Ok(Audience::There) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<Audience, Failure> {
        let text = self.printer.take();
        if text.is_empty() { Ok(Audience::There) } else { Ok(self.out.told(&text)?) }
    }
}
