//! The rules on one file, as data, and what it takes to apply them.
//!
//! Neighbours: `tidy` runs them; `rust_text` reads the source. Must not hold: how files are found or how long they may be.

use crate::finding::Finding;

use super::files::SourceFile;
use super::rust_text::{attributes, code_only, lines_with, module_name, production_lines};

/// Words that say nothing about what a module is.
const EMPTY_WORDS: [&str; 10] =
    ["manager", "managers", "helper", "helpers", "util", "utils", "handler", "handlers", "common", "commons"];

/// Calls that have one home. A home that ends in `*` is a prefix of paths.
struct OneHome {
    calls: &'static [&'static str],
    homes: &'static [&'static str],
    reason: &'static str,
}

const ONE_HOME: [OneHome; 3] = [
    OneHome {
        calls: &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"],
        // The operator's clock; the simulated AWS on a socket has its own; xtask times its stages.
        homes: &["crates/runtime/src/clock.rs", "crates/sim/src/clock.rs", "xtask/src/stage.rs"],
        reason: "time is a value handed in; the one home of the clock is crates/runtime/src/clock.rs",
    },
    OneHome {
        calls: &["env::var", "env::vars", "env::var_os"],
        // Secrets whose variable the configuration names; xtask asks where cargo lives, and nothing of the product links it.
        homes: &["crates/cli/src/environment.rs", "xtask/src/*"],
        reason: "configuration enters through the arguments of axon-cli, where a flag may have its AXON_ variable; secrets through crates/cli/src/environment.rs",
    },
    OneHome {
        calls: &["println!", "eprintln!", "print!", "eprint!"],
        // One place decides what is data on stdout and what is talk on stderr; a developer's tool may just print.
        homes: &["crates/cli/src/output*", "xtask/src/*"],
        reason: "output goes through crates/cli/src/output*; anything else logs with tracing or returns a value",
    },
];

/// Every rule that applies to this file.
pub(crate) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.is_package_manifest() && !inherits_lints(&file.text) {
        findings.push(Finding::new(&file.path, "needs `[lints]` with `workspace = true`"));
    }
    if !file.is_rust() {
        return findings;
    }
    if !file.text.starts_with("//!") {
        let header = "must open with `//!`: what it is for, its neighbours in the pipeline, what must not be in it";
        findings.push(Finding::at_line(&file.path, 1, header));
    }
    let code = code_only(&file.text);
    findings.extend(empty_words(file, &code));
    findings.extend(unreasoned_exceptions(&file.path, &code));
    if !file.is_only_tests() {
        let production: String =
            code.lines().take(production_lines(&file.text)).flat_map(|line| [line, "\n"]).collect();
        findings.extend(calls_away_from_home(&file.path, &production));
    }
    findings
}

/// Paths of this machine, and the homes of people on any machine.
pub(crate) fn machine_paths(file: &SourceFile, machine: &[String]) -> Vec<Finding> {
    let gives_away = |line: &str| machine.iter().any(|path| line.contains(path.as_str())) || names_a_home(line);
    let lines = file.text.lines().enumerate().filter(|(_, line)| gives_away(line));
    lines.map(|(at, _)| Finding::at_line(&file.path, at + 1, "names an absolute path of a machine")).collect()
}

fn names_a_home(line: &str) -> bool {
    let parts = [concat!("/", "home/"), concat!("/", "Users/")];
    parts.iter().any(|part| line.match_indices(part).any(|(at, _)| is_root_of_path(line, at)))
}

/// A slash after a word or a colon continues something: a relative path, an address.
fn is_root_of_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|before| before.chars().next_back());
    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '*'))
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line.replace(' ', "") == "workspace=true")
}

fn empty_words(file: &SourceFile, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in file.names() {
        findings.extend(empty_word(name).map(|word| Finding::new(&file.path, no_meaning(word))));
    }
    for (at, line) in code.lines().enumerate() {
        // A module in a file of its own is found by the name of the file.
        let inline = module_name(line).filter(|_| line.contains('{'));
        let word = inline.and_then(empty_word);
        findings.extend(word.map(|word| Finding::at_line(&file.path, at + 1, no_meaning(word))));
    }
    findings
}

fn empty_word(name: &str) -> Option<&str> {
    name.split(['_', '-']).find(|part| EMPTY_WORDS.contains(part))
}

fn no_meaning(word: &str) -> String {
    format!("`{word}` does not say what the module is: stages are verbs, values are nouns")
}

fn unreasoned_exceptions(path: &str, code: &str) -> Vec<Finding> {
    let excepts = |text: &str| ["allow(", "expect("].iter().any(|word| !lines_with(text, word).is_empty());
    let lacking =
        attributes(code).into_iter().filter(|(_, text)| excepts(text) && lines_with(text, "reason").is_empty());
    lacking.map(|(line, _)| Finding::at_line(path, line, "an exception from a lint needs `reason = \"...\"`")).collect()
}

fn calls_away_from_home(path: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in ONE_HOME.iter().filter(|rule| !rule.homes.iter().any(|home| is_home(home, path))) {
        for call in rule.calls {
            let lines = lines_with(code, call).into_iter().filter(|line| stands_whole(code, *line, call));
            findings.extend(lines.map(|line| Finding::at_line(path, line, format!("`{call}`: {}", rule.reason))));
        }
    }
    findings
}

/// Tells `env::var` from `env::vars`: what follows on the line must not continue the word.
fn stands_whole(code: &str, line: usize, call: &str) -> bool {
    let line = code.lines().nth(line - 1).unwrap_or_default();
    let mut after =
        line.match_indices(call).map(|(at, _)| line.get(at + call.len()..).and_then(|rest| rest.chars().next()));
    after.any(|next| !next.is_some_and(|c| c.is_alphanumeric() || c == '_'))
}

fn is_home(home: &str, path: &str) -> bool {
    home.strip_suffix('*').map_or(home == path, |prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        check(&file).iter().map(|finding| finding.place.clone()).collect()
    }

    const NOTHING: Vec<String> = Vec::new();

    #[test]
    fn a_file_opens_with_its_purpose() {
        assert_eq!(found("crates/core/src/plan.rs", "use x;\n"), ["crates/core/src/plan.rs:1"]);
        assert_eq!(found("crates/core/src/plan.rs", "//! Plans.\n"), NOTHING);
        assert_eq!(found("other/plan.rs", "use x;\n"), NOTHING);
    }

    #[test]
    fn empty_words_are_found_in_paths_and_in_inline_modules() {
        assert_eq!(found("crates/core/src/http_utils.rs", "//! x\n").len(), 1);
        assert_eq!(found("tests/common/mod.rs", "//! x\n").len(), 1);
        assert_eq!(
            found("crates/core/src/plan.rs", "//! x\npub(crate) mod helpers {\n}\n"),
            ["crates/core/src/plan.rs:2"]
        );
        assert_eq!(found("crates/core/src/commonly.rs", "//! x\n"), NOTHING);
    }

    #[test]
    fn calls_stay_in_their_home() {
        for call in
            ["SystemTime::now()", "Instant::now()", "Timestamp::now()", "env::var(\"A\")", "println!()", "eprint!()"]
        {
            let text = format!("//! x\nfn f() {{ {call} }}\n");
            assert_eq!(found("crates/core/src/plan.rs", &text), ["crates/core/src/plan.rs:2"], "{call}");
            let in_tests = format!("//! x\n#[cfg(test)]\nmod tests {{ fn f() {{ {call} }} }}\n");
            assert_eq!(found("crates/core/src/plan.rs", &in_tests), NOTHING, "{call}");
            assert_eq!(found("crates/core/tests/plan.rs", &text), NOTHING, "{call}");
        }
        assert_eq!(found("crates/runtime/src/clock.rs", "//! x\nInstant::now();\n"), NOTHING);
        assert_eq!(found("crates/cli/src/output/table.rs", "//! x\nprintln!();\n"), NOTHING);
    }

    #[test]
    fn one_finding_for_one_call() {
        assert_eq!(found("crates/core/src/plan.rs", "//! x\nenv::var_os(\"A\");\n").len(), 1);
        assert_eq!(found("crates/core/src/plan.rs", "//! x\neprintln!();\n").len(), 1);
    }

    #[test]
    fn a_comment_or_a_string_is_not_a_call() {
        assert_eq!(found("crates/core/src/plan.rs", "//! x\n// println!()\nf(\"Instant::now\");\n"), NOTHING);
    }

    #[test]
    fn an_exception_gives_its_reason() {
        let with = |attribute: &str| found("crates/core/src/plan.rs", &format!("//! x\n{attribute}\nfn f() {{}}\n"));
        assert_eq!(with("#[allow(dead_code)]").len(), 1);
        assert_eq!(with("#![expect(dead_code)]").len(), 1);
        assert_eq!(with("#[cfg_attr(test, allow(dead_code))]").len(), 1);
        assert_eq!(with("#[allow(\n dead_code,\n reason = \"x\")]"), NOTHING);
        assert_eq!(with("#[disallow(dead_code)]"), NOTHING);
    }

    #[test]
    fn a_package_takes_the_lints_of_the_workspace() {
        assert_eq!(found("crates/core/Cargo.toml", "[package]\nname = \"x\"\n").len(), 1);
        assert_eq!(found("crates/core/Cargo.toml", "[lints]\n[a]\nworkspace = true\n").len(), 1);
        assert_eq!(found("crates/core/Cargo.toml", "[lints]\nworkspace = true\n"), NOTHING);
        assert_eq!(found("Cargo.toml", "[workspace]\n"), NOTHING);
    }

    #[test]
    fn a_machine_is_given_away_by_its_paths() {
        let of = |text: &str| {
            let file = SourceFile { path: "a.md".to_owned(), text: text.to_owned() };
            machine_paths(&file, &["/builds/axon/".to_owned()]).len()
        };
        assert_eq!(of("see /builds/axon/target"), 1);
        assert_eq!(of(concat!("see \"/", "home/ann/axon\"")), 1);
        assert_eq!(of(concat!("https://example.com/", "home/page")), 0);
        assert_eq!(of("see target/debug"), 0);
    }
}
