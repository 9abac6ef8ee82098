//! One log stream, page by page, forward.
//!
//! `merge` asks for the next page and takes the lines. A reader knows where it is: by the token of CloudWatch Logs, and by the last
//! line for when a token has expired, which it does after a day. Not here: other streams.

use std::collections::VecDeque;

use axon_core::cloud::{CloudError, ErrorClass};
use axon_core::logs::{LogLine, LogPage, LogStream, Logs, PageFrom, WantedPage};
use jiff::{SignedDuration, Timestamp};

use crate::show::logs::Label;

/// A line is there so long after it was written at the latest: the driver sends what it has every five seconds, and CloudWatch
/// promises nothing.
const LINGERS: SignedDuration = SignedDuration::from_secs(30);
/// Fewer lines are not asked for: those that are left out say where the others begin, and AWS gives one at least.
const LEAST: u32 = 20;
/// Of a missing group the service says so in words alone.
const GROUP: &str = "log group";

/// Where to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// With lines from this instant on.
    pub(super) since: Option<Timestamp>,
    /// With so many of the last lines.
    pub(super) tail: Option<u32>,
}

/// What a reader knows of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// There may be more.
    More,
    /// There was no more when it was last asked.
    End,
    /// It does not exist, as long as nothing was written.
    NoStream,
    /// Its group does not exist.
    NoGroup,
}

/// A reader of one stream.
#[derive(Debug)]
pub(super) struct Reader {
    label: Label,
    stream: LogStream,
    start: Start,
    /// When its task had stopped.
    pub(super) stopped: Option<Timestamp>,
    from: PageFrom,
    lines: VecDeque<LogLine>,
    standing: Standing,
    /// The timestamp of the last line, and how many lines had it.
    last: Option<(Timestamp, usize)>,
    /// What of the next lines is known already: those before the instant, and so many of its own.
    known: Option<(Timestamp, usize)>,
}

impl Reader {
    pub(super) fn new(label: Label, stream: LogStream, start: Start, stopped: Option<Timestamp>) -> Self {
        let from = if start.tail.is_some() { PageFrom::Tail } else { PageFrom::Head };
        Self {
            label,
            stream,
            start,
            stopped,
            from,
            lines: VecDeque::new(),
            standing: Standing::More,
            last: None,
            known: None,
        }
    }

    pub(super) const fn label(&self) -> &Label {
        &self.label
    }

    /// When the next line was written, if one was read.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.lines.front().map(|line| line.at)
    }

    /// The next line.
    pub(super) fn take(&mut self) -> Option<LogLine> {
        self.lines.pop_front()
    }

    /// Whether the next line is not known, and there may be one.
    pub(super) fn is_hungry(&self) -> bool {
        self.lines.is_empty() && self.standing == Standing::More
    }

    /// Looks again for what may have been written meanwhile.
    pub(super) fn look_again(&mut self) {
        self.standing = Standing::More;
    }

    pub(super) fn said_nothing(&self) -> bool {
        self.last.is_none()
    }

    /// The group, if it does not exist.
    pub(super) fn missing_group(&self) -> Option<&str> {
        (self.standing == Standing::NoGroup).then_some(self.stream.group.as_str())
    }

    /// Whether nothing more will come: the task has stopped, and what it wrote last has been waited for.
    pub(super) fn is_done(&self, now: Timestamp) -> bool {
        let waited = self.stopped.is_some_and(|stopped| now.duration_since(stopped) > LINGERS);
        waited && self.lines.is_empty() && self.standing != Standing::More
    }

    /// Reads until a line is there, or the end.
    pub(super) async fn feed(&mut self, logs: &impl Logs) -> Result<(), CloudError> {
        if self.from == PageFrom::Tail {
            return self.read_tail(logs).await;
        }
        while self.is_hungry() {
            match self.page(logs, self.from.clone(), None).await {
                Ok(Some(page)) => self.went_on(page),
                Ok(None) => return Ok(()),
                Err(error) if self.may_have_expired(&error) => (self.from, self.known) = (PageFrom::Head, self.last),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What AWS says of a token that is older than a day is not documented; the request is otherwise the one that it has taken before.
    fn may_have_expired(&self, error: &CloudError) -> bool {
        error.class == ErrorClass::Invalid && matches!(self.from, PageFrom::After(_))
    }

    fn went_on(&mut self, page: LogPage) {
        let same = matches!(&self.from, PageFrom::After(token) if *token == page.after);
        if same && page.lines.is_empty() {
            self.standing = Standing::End;
            self.known = None;
        }
        for line in page.lines {
            self.keep(line);
        }
        self.from = PageFrom::After(page.after);
    }

    /// A page may hold fewer lines than were asked for, or none, so earlier ones are asked for until there are enough.
    async fn read_tail(&mut self, logs: &impl Logs) -> Result<(), CloudError> {
        let wanted = self.start.tail.unwrap_or_default();
        let Some(last) = self.page(logs, PageFrom::Tail, Some(wanted.max(LEAST))).await? else { return Ok(()) };
        let mut found: VecDeque<LogLine> = last.lines.into();
        let (after, mut before) = (last.after, last.before);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        while found.len() < wanted {
            let missing = u32::try_from(wanted - found.len()).ok();
            let Some(page) = self.page(logs, PageFrom::Before(before.clone()), missing).await? else { break };
            if page.before == before {
                break;
            }
            page.lines.into_iter().rev().for_each(|line| found.push_front(line));
            before = page.before;
        }
        let left_out = found.len().saturating_sub(wanted);
        found.drain(..left_out).for_each(|line| self.note(line.at));
        for line in found {
            self.keep(line);
        }
        self.from = PageFrom::After(after);
        Ok(())
    }

    /// One page; nothing if there is no stream.
    async fn page(
        &mut self,
        logs: &impl Logs,
        from: PageFrom,
        limit: Option<u32>,
    ) -> Result<Option<LogPage>, CloudError> {
        let since = self.known.map(|(at, _)| at).or(self.start.since);
        match logs.page(&WantedPage { stream: &self.stream, from, since, limit }).await {
            Ok(page) => Ok(Some(page)),
            Err(error) if error.class == ErrorClass::NotFound => {
                self.standing = if error.message.contains(GROUP) { Standing::NoGroup } else { Standing::NoStream };
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn keep(&mut self, line: LogLine) {
        if let Some((at, count)) = self.known {
            if line.at < at {
                return;
            }
            if line.at == at && count > 0 {
                self.known = Some((at, count - 1));
                return;
            }
        }
        self.note(line.at);
        self.lines.push_back(line);
    }

    fn note(&mut self, at: Timestamp) {
        let count = self.last.filter(|(last, _)| *last == at).map_or(0, |(_, count)| count);
        self.last = Some((at, count + 1));
    }
}
