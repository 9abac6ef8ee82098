//! Lines of containers for people and for machines. Neighbours: `commands::logs` reads them.
//!
//! What a container writes is not trusted: it may hold anything that a terminal obeys. Escape sequences are taken out, and what else
//! cannot be seen becomes a space, but for tabs; in JSON it is escaped. Not here: which lines.

use std::fmt::Write as _;

use axon_core::logs::LogLine;
use axon_core::text::is_hidden;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::output::paint::{FAINT, paint};

/// So much of a task's id is shown; `axon status` and ECS have all of it.
const SHORT: usize = 8;

/// Who writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// The attempt, of a job.
    pub attempt: Option<String>,
    /// The run, of a job.
    pub run: Option<String>,
    /// The task's id.
    pub task: String,
    /// The container; empty for a whole task.
    pub container: String,
}

impl Label {
    /// A container of the task.
    pub(crate) fn of(self, container: &str) -> Self {
        Self { container: container.to_owned(), ..self }
    }

    fn short(&self) -> String {
        let task: String = self.task.chars().take(SHORT).collect();
        format!("{} {}", self.attempt.as_ref().unwrap_or(&task), self.container)
    }
}

/// Whether a thing is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Yes,
    No,
}

impl From<bool> for Shown {
    fn from(shown: bool) -> Self {
        if shown { Self::Yes } else { Self::No }
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    format: Format,
    times: Shown,
    writers: Shown,
}

impl Look {
    /// Lines of a single container.
    pub(crate) const fn of(format: Format, times: Shown) -> Self {
        Self { format, times, writers: Shown::No }
    }

    /// Lines that say who writes them.
    pub(crate) const fn prefixed(self) -> Self {
        Self { writers: Shown::Yes, ..self }
    }
}

/// Collects lines as text.
#[derive(Debug)]
pub(crate) struct Printer {
    object: String,
    look: Look,
    text: String,
}

impl Printer {
    pub(crate) fn new(object: &str, look: Look) -> Self {
        Self { object: object.to_owned(), look, text: String::new() }
    }

    /// How much there is, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// What there is, and begins anew.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Adds what a container has written. The driver may put several lines into one event.
    pub(crate) fn add(&mut self, label: &Label, line: &LogLine) {
        match self.look.format {
            Format::Json => {
                let object = self.object(label, line);
                // Writing to a String cannot fail.
                let _ = writeln!(self.text, "{}", escaped(&object.to_string()));
            }
            Format::Text => {
                let prefix = self.prefix(label, line);
                for part in line.message.trim_end_matches(['\n', '\r']).split('\n') {
                    let _ = writeln!(self.text, "{prefix}{}", harmless(part));
                }
            }
        }
    }

    fn prefix(&self, label: &Label, line: &LogLine) -> String {
        let mut words = Vec::new();
        if self.look.writers == Shown::Yes {
            words.push(harmless(&label.short()));
        }
        if self.look.times == Shown::Yes {
            words.push(format!("{:.3}", line.at));
        }
        if words.is_empty() { String::new() } else { format!("{} ", paint(FAINT, format!("{} |", words.join(" ")))) }
    }

    fn object(&self, label: &Label, line: &LogLine) -> Value {
        let mut object = json!({"time": format!("{:.3}", line.at), "object": self.object});
        let members = [("run", &label.run), ("attempt", &label.attempt)];
        let known = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
        if let Some(map) = object.as_object_mut() {
            map.extend(known);
            map.insert("task".to_owned(), json!(label.task));
            map.insert("container".to_owned(), json!(label.container));
            map.insert("message".to_owned(), json!(line.message));
        }
        object
    }
}

/// A text that no terminal obeys.
fn harmless(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    plain.chars().map(|letter| if is_hidden(letter) && letter != '\t' { ' ' } else { letter }).collect()
}

/// JSON without letters that cannot be seen: JSON itself lets most of them stand as they are.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::status::tests::later;

    fn printed(look: Look, message: &str) -> String {
        let label = Label {
            attempt: Some("7.2".to_owned()),
            run: Some("3f2a".to_owned()),
            task: "1a7d35955b960344".to_owned(),
            container: "train".to_owned(),
        };
        let mut printer = Printer::new("NeuronJob/train", look);
        printer.add(&label, &LogLine { at: later(95), message: message.to_owned() });
        anstream::adapter::strip_str(&printer.take()).to_string()
    }

    fn text(times: Shown) -> Look {
        Look::of(Format::Text, times)
    }

    #[test]
    fn a_line_of_a_single_container_stands_as_it_is_and_else_says_who_has_written_it_and_when() {
        assert_eq!(printed(text(Shown::No), "step\t1"), "step\t1\n");
        assert_eq!(printed(text(Shown::No).prefixed(), "step 1"), "7.2 train | step 1\n");
        let expected = "7.2 train 1970-01-01T00:01:35.000Z | step 1\n";
        assert_eq!(printed(text(Shown::Yes).prefixed(), "step 1"), expected);
        assert_eq!(printed(text(Shown::Yes), "step 1"), "1970-01-01T00:01:35.000Z | step 1\n");
    }

    #[test]
    fn several_lines_in_one_event_are_as_many_lines() {
        let expected = "7.2 train | Traceback:\n7.2 train |   File a.py\n";
        assert_eq!(printed(text(Shown::No).prefixed(), "Traceback:\n  File a.py\n"), expected);
    }

    #[test]
    fn nothing_that_a_container_writes_reaches_a_terminal_as_a_command() {
        let hostile =
            "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[31mred\u{1b}[0m 10%\r20% \u{202e}txt.exe \u{9b}2J\u{8}\u{200b}.";
        for look in [text(Shown::No), text(Shown::Yes).prefixed()] {
            let mut printer = Printer::new("o", look);
            printer.add(
                &Label { task: hostile.to_owned(), ..Label::default() },
                &LogLine { at: later(0), message: hostile.to_owned() },
            );
            let shown = printer.take();
            let own = shown.replace(&paint(FAINT, "\u{0}").replace('\u{0}', ""), "");
            let left = anstream::adapter::strip_str(&own).to_string();
            assert!(!left.chars().any(|letter| is_hidden(letter) && letter != '\n'), "{left:?}");
            assert!(left.contains("red") && left.contains("10% 20%"), "{left:?}");
            assert!(!shown.contains("[31m") && !shown.contains("title"), "{shown:?}");
        }
    }

    #[test]
    fn a_machine_gets_every_letter_and_none_that_cannot_be_seen() {
        let message = "a\u{1b}[31m\u{9b}\u{202e}\"\\ü🎉\n";
        let shown = printed(Look::of(Format::Json, Shown::No).prefixed(), message);
        assert_eq!(shown.matches('\n').count(), 1, "an object a line");
        assert!(!shown.trim_end().chars().any(is_hidden), "{shown:?}");
        let read: Value = serde_json::from_str(&shown).unwrap();
        let expected = json!({
            "time": "1970-01-01T00:01:35.000Z",
            "object": "NeuronJob/train",
            "run": "3f2a",
            "attempt": "7.2",
            "task": "1a7d35955b960344",
            "container": "train",
            "message": message,
        });
        assert_eq!(read, expected);
    }
}
