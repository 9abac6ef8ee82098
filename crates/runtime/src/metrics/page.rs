//! The reference page of all metrics, out of the catalogue. `axon docs metrics` prints it; nothing else is here.

use std::fmt::Write as _;

use super::catalog::{Metric, MetricType, Spec, Unit};

const OPENING: &str = "\
# Metrics

Generated from `crates/runtime/src/metrics/catalog.rs`; do not edit.

`axon run` serves them at `/metrics` in Prometheus' text format. `target` is the account and Region by its name in the
configuration. An object is `kind` and `name`. Times and durations are the target's, which are simulated with `--simulate`.
On Linux, `process_*` says what the process itself takes: memory, CPU time, open files, threads, and since when it runs.
A series appears with its first value. A *stable* name keeps its meaning and its labels until the next major version.

| metric | type | unit | labels | stability | what it is |
| --- | --- | --- | --- | --- | --- |
";

/// The page in Markdown.
pub fn metrics_page() -> String {
    let mut text = OPENING.to_owned();
    for metric in Metric::ALL {
        let Spec { name, kind, unit, labels, help, stability } = metric.spec();
        let labels = if labels.is_empty() { "-".to_owned() } else { format!("`{}`", labels.join("`, `")) };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{name}` | {kind} | {unit} | {labels} | {stability} | {help} |");
    }
    text.push_str("\n## Buckets\n\n| metric | upper bounds |\n| --- | --- |\n");
    for metric in Metric::ALL {
        let Spec { name, kind, unit, .. } = metric.spec();
        if let MetricType::Histogram(buckets) = kind {
            let bounds: Vec<String> = buckets.bounds().iter().map(ToString::to_string).collect();
            let unit = if unit == Unit::Seconds { " s" } else { "" };
            let _ = writeln!(text, "| `{name}` | {}{unit} |", bounds.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_row() {
        let page = metrics_page();
        for metric in Metric::ALL {
            assert_eq!(page.matches(&format!("| `{}` | {}", metric.spec().name, metric.spec().kind)).count(), 1);
        }
    }
}
