//! The README's transcripts are what the program prints.
//!
//! A block that starts with `$ axon …` and shows output is run. Times, task ids and how often a waiting task is told of
//! depend on the moment and are not compared; everything else is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its premise fails")]

use std::path::Path;
use std::process::{Command, Output};

struct Transcript {
    command: String,
    shown: String,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn transcripts() -> Vec<Transcript> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks
        .filter_map(|block| block.strip_prefix("$ axon "))
        .filter_map(|block| block.split_once('\n'))
        .filter(|(_, shown)| !shown.is_empty() && !shown.starts_with("$ "))
        .map(|(command, shown)| Transcript { command: command.to_owned(), shown: shown.to_owned() })
        .collect()
}

fn run(command: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_axon"))
        .args(command.split_whitespace())
        .current_dir(root())
        .envs([("NO_COLOR", "1"), ("AXON_LISTEN", "none")])
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A line without times and ids, and with single spaces.
fn shape(line: &str) -> String {
    let words = line.split_whitespace().filter(|word| !is_time(word));
    let words: Vec<&str> = words.map(|word| if is_id(word) { "<id>" } else { word }).collect();
    words.join(" ")
}

fn is_time(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    digits > 0 && word.ends_with(['s', 'm', 'h']) && word.chars().all(|c| c.is_ascii_digit() || "hms".contains(c))
}

fn is_id(word: &str) -> bool {
    word.len() == 32 && word.chars().all(|c| c.is_ascii_hexdigit())
}

#[test]
fn every_transcript_is_what_the_program_prints() {
    let transcripts = transcripts();
    assert_eq!(transcripts.len(), 3, "the README shows a plan, a run and a finding");
    for transcript in transcripts {
        let output = run(&transcript.command);
        let printed = text(&output.stdout) + &text(&output.stderr);
        if transcript.command.starts_with("run ") {
            assert!(output.status.success(), "{printed}");
            compare_progress(&transcript.shown, &printed);
        } else {
            assert_eq!(transcript.shown.trim(), printed.trim(), "axon {}", transcript.command);
        }
    }
}

/// Every shown line is printed, and the final table is exactly the shown one.
fn compare_progress(shown: &str, printed: &str) {
    let printed: Vec<String> = printed.lines().map(shape).collect();
    for line in shown.lines().map(shape).filter(|line| !line.is_empty() && !line.contains("TasksStarting")) {
        assert!(printed.contains(&line), "{line:?} is not among\n{}", printed.join("\n"));
    }
    let ready = |lines: &[String]| lines.iter().filter(|line| line.contains("True Succeeded")).count();
    let shown: Vec<String> = shown.lines().map(shape).collect();
    assert_eq!(ready(&shown), ready(&printed));
}
