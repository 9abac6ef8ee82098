//! What happens while a reconciler works: one line per step and per change of a status, or a table drawn over itself.
//!
//! Neighbours: `watch` feeds it every view. It remembers what it has said. Not here: streams, and when to end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axon_core::spec::ObjectKey;
use axon_core::status::{ConditionType, Reason, Status, Truth};
use axon_runtime::{DoneStep, Phase, View};
use jiff::Timestamp;

use super::plan::call;
use super::signs::sign;
use super::status::overview;
use super::time::age;
use super::words::{one_line, reason};
use crate::output::Size;
use crate::output::paint::{BAD, CAUTION, FAINT, GOOD, STRONG, paint};

/// What was said last about an object.
type Said = (Truth, Reason, String);

/// Tells each change once.
#[derive(Debug)]
pub(crate) struct Progress {
    start: Timestamp,
    steps: u64,
    said: BTreeMap<ObjectKey, Said>,
    errors: Vec<String>,
    drawn: usize,
}

impl Progress {
    /// Begins to tell; times are counted from `start`.
    pub(crate) const fn new(start: Timestamp) -> Self {
        Self { start, steps: 0, said: BTreeMap::new(), errors: Vec::new(), drawn: 0 }
    }

    /// One line per step that ended and per status that changed since the last call.
    pub(crate) fn lines(&mut self, view: &View, now: Timestamp) -> String {
        let mut text = String::new();
        // What failed is told by the status of its object, which also says what happens next.
        for done in view.steps_done.iter().filter(|done| done.number > self.steps && done.result.is_ok()) {
            let _ = writeln!(text, "{} {}", self.time(done.at), step(done));
        }
        self.steps = view.steps_done.last().map_or(self.steps, |done| done.number.max(self.steps));
        for error in self.new_errors(view) {
            let _ = writeln!(text, "{} {} {error}", self.time(now), paint(CAUTION, "!"));
        }
        for status in view.statuses.values() {
            let Some(new) = said(status) else { continue };
            let before = self.said.get(&status.object);
            // That nothing has been read at the very beginning is no news either.
            if before == Some(&new) || (before.is_none() && new.1 == Reason::NotObserved) {
                continue;
            }
            let _ = writeln!(text, "{} {} {}", self.time(now), mark(&new, status), line(status, &new));
            self.said.insert(status.object.clone(), new);
        }
        self.said.retain(|key, _| view.statuses.contains_key(key));
        text
    }

    /// Troubles that concern no object alone, each once.
    fn new_errors(&mut self, view: &View) -> Vec<String> {
        let trouble = view.trouble.iter().map(|trouble| format!("nothing can be done here: {}", trouble.message));
        let source = view.source_error.iter().map(|error| format!("the source could not be read: {error}"));
        let sources = view.sources.iter().filter(|source| source.condition.status == Truth::False);
        let sources = sources.map(|source| format!("source {}: {}", source.name, one_line(&source.condition.message)));
        let sweep =
            view.sweep_errors.iter().map(|error| format!("AWS could not be read: {}", one_line(&error.to_string())));
        let rules = view.violations.iter().map(|rule| format!("bug in the planner, nothing is executed: {rule}"));
        let all: Vec<String> = trouble.chain(source).chain(sources).chain(sweep).chain(rules).collect();
        let new = all.iter().filter(|error| !self.errors.contains(error)).cloned().collect();
        self.errors = all;
        new
    }

    fn time(&self, at: Timestamp) -> String {
        paint(FAINT, format!("{:>7}", age(at, self.start)))
    }

    /// The table of all statuses, drawn over the one before.
    pub(crate) fn frame(&mut self, view: &View, now: Timestamp, size: Size) -> String {
        let mut body = self.heading(view, now);
        body.push_str(&overview(view.statuses.values(), now, Some(size.columns)));
        for running in &view.in_flight {
            let _ = writeln!(body, "{} {}  {}", paint(FAINT, "calling"), call(&running.action), running.resource);
        }
        for error in &self.errors {
            let _ = writeln!(body, "{} {error}", paint(CAUTION, "!"));
        }
        let most = usize::from(size.lines).saturating_sub(1);
        let lines: Vec<String> = body.lines().take(most).map(|line| cut(line, usize::from(size.columns))).collect();
        let mut text = self.erase();
        self.drawn = lines.len();
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Removes the table that was drawn last.
    pub(crate) fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            // Up so many lines, to the first column, and clear to the end of the screen.
            lines => format!("\u{1b}[{lines}F\u{1b}[J"),
        }
    }

    fn heading(&mut self, view: &View, now: Timestamp) -> String {
        // Keeps the list of troubles for the foot of the table.
        self.new_errors(view);
        let ready = view.statuses.values().filter(|status| status.is_ready()).count();
        let what = match view.phase {
            Phase::Starting => "reading files and AWS",
            Phase::Working => "working",
            Phase::Steady => "steady",
        };
        let counts = format!("{ready} of {} ready · {} AWS calls", view.statuses.len(), view.calls);
        let paced: usize = view.paced.iter().map(|paced| paced.steps).sum();
        let paced = if paced == 0 { String::new() } else { format!(" · {paced} wait for AWS's limits on calls") };
        format!("{} {what} · {counts}{paced}\n", paint(STRONG, age(now, self.start)))
    }
}

fn said(status: &Status) -> Option<Said> {
    let ready = status.condition(ConditionType::Ready)?;
    Some((ready.status, ready.reason, lasting_part(&ready.message)))
}

/// A message without what is new in every attempt: the request id, the number of the attempt and the next one's time;
/// and without a time at its end, which moves on while new instances are watched.
fn lasting_part(message: &str) -> String {
    let end = [" (request ", "; attempt "].iter().filter_map(|mark| message.find(mark)).min();
    let kept = message.get(..end.unwrap_or(message.len())).unwrap_or(message);
    let timed = kept.rsplit_once(" until ").filter(|(_, end)| end.parse::<Timestamp>().is_ok());
    one_line(timed.map_or(kept, |(before, _)| before))
}

fn mark((truth, _, _): &Said, status: &Status) -> String {
    match truth {
        Truth::True => paint(GOOD, "✓"),
        _ if status.is_stalled() => paint(BAD, "✗"),
        Truth::False | Truth::Unknown => paint(CAUTION, "…"),
    }
}

fn line(status: &Status, (truth, why, message): &Said) -> String {
    match truth {
        Truth::True => format!("{} {}", status.object, paint(GOOD, "Ready")),
        Truth::False | Truth::Unknown => format!("{} {}: {message}", status.object, paint(STRONG, reason(*why))),
    }
}

fn step(done: &DoneStep) -> String {
    format!("{} {}  {}", sign(done.step.action.change()), call(&done.step.action), done.step.resource)
}

/// A line that would wrap would spoil the count of lines to go up.
fn cut(line: &str, columns: usize) -> String {
    let plain = anstream::adapter::strip_str(line).to_string();
    if plain.chars().count() <= columns {
        return line.to_owned();
    }
    let kept: String = plain.chars().take(columns.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use axon_core::plan::Wait;

    use super::super::plan::tests::sample;
    use super::super::status::tests::{START, later, starting};
    use super::*;

    fn view() -> View {
        let mut view = View::default();
        view.statuses.insert(starting().object, starting());
        let step = sample().rounds[0][0].clone();
        view.steps_done.push(DoneStep { number: 1, at: later(3), step, result: Ok(()) });
        view
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn every_change_is_one_line_and_told_once() {
        let mut progress = Progress::new(START);
        let expected = "     3s + CreateCluster  cluster ml
  1m35s … NeuronService/llama TasksStarting: 1 of 2 tasks run the newest revision
";
        assert_eq!(plain(&progress.lines(&view(), later(95))), expected);
        assert_eq!(progress.lines(&view(), later(96)), "");
    }

    #[test]
    fn a_table_is_drawn_over_the_one_before() {
        let size = Size { columns: 80, lines: 24 };
        let mut progress = Progress::new(START);
        let first = progress.frame(&view(), later(95), size);
        assert!(plain(&first).starts_with("1m35s reading files and AWS · 0 of 1 ready · 0 AWS calls\nKIND"), "{first}");
        let lines = first.lines().count();
        let second = progress.frame(&view(), later(96), size);
        assert!(second.starts_with(&format!("\u{1b}[{lines}F\u{1b}[J")), "{second:?}");
        assert!(first.lines().all(|line| plain(line).chars().count() <= 80), "{first}");
    }

    #[test]
    fn a_table_never_outgrows_the_screen() {
        let mut progress = Progress::new(START);
        let size = Size { columns: 40, lines: 3 };
        assert_eq!(progress.frame(&view(), later(1), size).lines().count(), 2);
    }

    #[test]
    fn another_attempt_that_fails_alike_is_no_news() {
        let mut progress = Progress::new(START);
        let told = ["1", "2"].map(|attempt| {
            let mut status = starting();
            status.conditions[0].message =
                format!("CreateService answered X: no (request {attempt}); attempt {attempt} failed, the next is soon");
            let view = View { statuses: [(status.object.clone(), status)].into(), ..View::default() };
            progress.lines(&view, START)
        });
        assert!(plain(&told[0]).ends_with("CreateService answered X: no\n"), "{told:?}");
        assert_eq!(told[1], "");
    }

    #[test]
    fn watching_a_new_instance_for_longer_is_no_news() {
        let mut progress = Progress::new(START);
        let told = [60, 90].map(|until| {
            let mut status = starting();
            let on = Wait::Soak { group: "axon-shared".to_owned(), until: later(until) };
            status.conditions[0].message = on.to_string();
            let view = View { statuses: [(status.object.clone(), status)].into(), ..View::default() };
            progress.lines(&view, START)
        });
        assert!(plain(&told[0]).ends_with("axon-shared are being replaced: new ones are watched\n"), "{told:?}");
        assert_eq!(told[1], "");
    }

    #[test]
    fn trouble_with_the_source_is_told_once() {
        let mut progress = Progress::new(START);
        let view = View { source_error: Some("gone".to_owned()), ..View::default() };
        assert_eq!(plain(&progress.lines(&view, START)), "     0s ! the source could not be read: gone\n");
        assert_eq!(progress.lines(&view, START), "");
    }
}
