//! Goes on with what is written later, by tasks that are there and by those that come.
//!
//! `find` is asked now and then which tasks there are, the readers more often whether they have lines. It ends with what was
//! wanted: a run, an attempt, a task; of a service, not by itself. What passes by itself, such as an answer that did not come, ends nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use axon_runtime::clock::Clock;
use jiff::{SignedDuration, Timestamp};

use super::find::{Ending, Found, find};
use super::merge::{Sink, merged};
use super::streams::Streams;
use super::wish::Wish;
use super::{Printing, concluded, no_group};
use crate::commands::job::records::Place;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Audience;

/// Between two looks at the streams.
const LOOK: Duration = Duration::from_secs(2);
/// Between two questions which tasks there are, which are several calls each.
const ASK: SignedDuration = SignedDuration::from_secs(15);
/// So often in a row AWS may fail to answer: five minutes of looks.
const PATIENCE: u32 = 150;

pub(super) async fn follow(
    (place, wish): (&Place, &Wish),
    found: Found,
    mut streams: Streams,
    printing: &mut Printing<'_>,
) -> Answer {
    let (cloud, clock) = (&*place.target.cloud, &*place.target.clock);
    let wish = wish.clone().of_run(found.run.as_ref());
    let mut course = Course { found, asked: clock.now(), failures: 0, told: BTreeSet::new() };
    streams.read_later_ones_whole();
    loop {
        match merged(&mut streams.readers, cloud, printing).await {
            Ok(Audience::Gone) => return Ok(Exit::Done),
            Ok(Audience::There) => course.failures = 0,
            Err(failure) => course.bear(failure, printing)?,
        }
        course.tell(streams.readers.iter().find_map(|reader| reader.missing_group()).map(no_group), printing)?;
        let now = clock.now();
        if let Some(ending) = &course.found.ending
            && streams.readers.iter().all(|reader| reader.is_done(now))
        {
            printing.out.talk(&last_words(&course.found.object, ending))?;
            return Ok(concluded(ending));
        }
        clock.sleep(LOOK).await;
        streams.readers.retain(|reader| !reader.is_done(now));
        streams.readers.iter_mut().for_each(super::reader::Reader::look_again);
        if course.is_to_ask(clock.now()) {
            match find(place, &wish).await {
                Ok(found) => {
                    for line in streams.take_in(cloud, &found).await? {
                        course.tell(Some(line), printing)?;
                    }
                    course.found = found;
                }
                Err(failure) => course.bear(failure, printing)?,
            }
        }
    }
}

/// How following goes.
struct Course {
    found: Found,
    asked: Timestamp,
    /// In a row.
    failures: u32,
    told: BTreeSet<String>,
}

impl Course {
    /// What was wanted may still change.
    fn is_to_ask(&mut self, now: Timestamp) -> bool {
        let due = self.found.ending.is_none() && now.duration_since(self.asked) >= ASK;
        if due {
            self.asked = now;
        }
        due
    }

    /// Tells something once.
    fn tell(&mut self, line: Option<String>, printing: &mut Printing<'_>) -> Result<(), Failure> {
        if let Some(line) = line
            && self.told.insert(line.clone())
        {
            printing.out.talk(&format!("{line}\n"))?;
        }
        Ok(())
    }

    /// Goes on after a failure, unless it has lasted for long or looks as if it will.
    fn bear(&mut self, failure: Failure, printing: &mut Printing<'_>) -> Result<(), Failure> {
        printing.flush()?;
        self.failures += 1;
        if !failure.passes || self.failures > PATIENCE {
            return Err(failure);
        }
        self.tell(Some(format!("{}. Trying again", failure.cause)), printing)
    }
}

fn last_words(object: &str, ending: &Ending) -> String {
    match ending {
        Ending::Run(end) => format!("The run of {object} is over ({:?}): it {}\n", end.result, end.message),
        Ending::Attempt(end) => {
            format!("The attempt of {object} is over: it {}\n", axon_core::job::progress::in_words(end))
        }
        Ending::Task => format!("The tasks of {object} that were asked for have stopped.\n"),
    }
}
