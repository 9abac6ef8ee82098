//! Many streams as one, by the time of their lines.
//!
//! Between `reader` and whoever prints. No stream is read further than its next lines are needed for, so long logs take little
//! room. Lines of different streams that are written at the same instant come in the order of the readers.

use axon_core::cloud::{CloudError, ErrorClass};
use axon_core::logs::{LogLine, Logs};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::reader::Reader;
use crate::failure::Failure;
use crate::output::Audience;
use crate::show::logs::Label;
use crate::target::unanswered;

/// Streams that are read at the same time.
const AT_ONCE: usize = 8;

/// Takes lines in the order of time.
pub(super) trait Sink {
    /// Takes a line.
    fn line(&mut self, label: &Label, line: &LogLine) -> Result<Audience, Failure>;

    /// There are no more lines now.
    fn flush(&mut self) -> Result<Audience, Failure>;
}

/// Hands over everything that there is by now.
pub(super) async fn merged(
    readers: &mut [Reader],
    logs: &impl Logs,
    sink: &mut impl Sink,
) -> Result<Audience, Failure> {
    loop {
        let hungry = readers.iter_mut().filter(|reader| reader.is_hungry());
        let feeding: Vec<_> = hungry.map(|reader| reader.feed(logs)).collect();
        let fed: Result<Vec<()>, CloudError> = stream::iter(feeding).buffer_unordered(AT_ONCE).try_collect().await;
        fed.map_err(|error| refused(&error))?;
        let (left, audience) = hand_over(readers, sink)?;
        if left == Left::Nothing || audience == Audience::Gone {
            let flushed = sink.flush()?;
            return Ok(if audience == Audience::Gone { audience } else { flushed });
        }
    }
}

/// What readers have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// No lines, and there are no more now.
    Nothing,
    /// Perhaps some, of which the first are not read yet.
    Unread,
}

/// Hands over lines for as long as no reader lacks its next one.
fn hand_over(readers: &mut [Reader], sink: &mut impl Sink) -> Result<(Left, Audience), Failure> {
    loop {
        if readers.iter().any(Reader::is_hungry) {
            return Ok((Left::Unread, Audience::There));
        }
        let waiting = readers.iter_mut().filter(|reader| reader.next_at().is_some());
        let Some(reader) = waiting.min_by_key(|reader| reader.next_at()) else {
            return Ok((Left::Nothing, Audience::There));
        };
        if let Some(line) = reader.take()
            && sink.line(reader.label(), &line)? == Audience::Gone
        {
            return Ok((Left::Unread, Audience::Gone));
        }
    }
}

/// Why lines cannot be read, and what to do about it.
fn refused(error: &CloudError) -> Failure {
    let failure = unanswered(error);
    if error.class != ErrorClass::Denied {
        return failure;
    }
    failure.hint("reading what containers write is a right of its own: logs:GetLogEvents, as in deploy/iam/logs.json")
}

#[cfg(test)]
mod tests {
    use axon_core::logs::{ContainerOutput, LogPage, LogStream, PageFrom, WantedPage};

    use super::super::reader::Start;
    use super::*;
    use crate::show::status::tests::later;

    /// Streams whose names say at which seconds they have lines, two of them a page, and an empty page first.
    struct Script;

    impl Logs for Script {
        async fn outputs(&self, _revision: &str) -> Result<Vec<ContainerOutput>, CloudError> {
            Ok(Vec::new())
        }

        async fn page(&self, wanted: &WantedPage<'_>) -> Result<LogPage, CloudError> {
            let seconds: Vec<i64> = wanted.stream.name.split(' ').filter_map(|word| word.parse().ok()).collect();
            let begin: Option<usize> = match &wanted.from {
                PageFrom::After(token) => token.parse().ok(),
                _ => None,
            };
            let from = begin.unwrap_or_default();
            let page: Vec<i64> = seconds.iter().skip(from).take(begin.map_or(0, |_| 2)).copied().collect();
            let line = |second: &i64| LogLine { at: later(*second), message: second.to_string() };
            let (lines, after) = (page.iter().map(line).collect(), (from + page.len()).to_string());
            Ok(LogPage { lines, after, before: String::new() })
        }
    }

    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Sink for Heard {
        fn line(&mut self, label: &Label, line: &LogLine) -> Result<Audience, Failure> {
            self.0.push(format!("{}{}", label.task, line.message));
            Ok(Audience::There)
        }

        fn flush(&mut self) -> Result<Audience, Failure> {
            Ok(Audience::There)
        }
    }

    #[tokio::test]
    async fn the_lines_of_all_streams_come_in_the_order_of_time_whatever_page_they_are_on() {
        let reader = |task: &str, seconds: &str| {
            let stream = LogStream { region: None, group: "g".to_owned(), name: seconds.to_owned() };
            Reader::new(Label { task: task.to_owned(), ..Label::default() }, stream, Start::default(), None)
        };
        let mut readers = [reader("a", "1 2 3 9"), reader("b", ""), reader("c", "2 4 5 6 7 8")];
        let mut heard = Heard::default();
        assert_eq!(merged(&mut readers, &Script, &mut heard).await, Ok(Audience::There));
        assert_eq!(heard.0, ["a1", "a2", "c2", "a3", "c4", "c5", "c6", "c7", "c8", "a9"]);
    }

    #[test]
    fn whoever_may_not_read_logs_is_told_which_right_it_takes() {
        let error = |class| CloudError {
            class,
            operation: "GetLogEvents",
            code: "AccessDeniedException".to_owned(),
            message: "User is not authorized".to_owned(),
            request_id: None,
        };
        assert!(refused(&error(ErrorClass::Denied)).hint.contains("logs:GetLogEvents"));
        assert!(refused(&error(ErrorClass::Throttled)).passes && !refused(&error(ErrorClass::Denied)).passes);
    }
}
