//! Reads Prometheus' text format 0.0.4, and refuses whatever a strict reader would.
//!
//! Written from the description of the format and from the rules of `promtool check metrics`, not from the code that
//! writes it.

use std::collections::{BTreeMap, BTreeSet};

/// A family as it was read.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// One sentence.
    pub help: String,
    /// Every sample, in order.
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Name, with `_bucket`, `_sum` or `_count` in a histogram.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Value.
    pub value: f64,
}

impl Family {
    /// The value of the only series that has these labels, among others.
    pub fn value(&self, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|found| found == value))
        };
        let found: Vec<&Sample> = self.samples.iter().filter(has).collect();
        assert!(found.len() <= 1, "{labels:?} name one series: {found:?}");
        found.first().map(|sample| sample.value)
    }

    /// The sum over all series that have these labels, among others.
    pub fn sum(&self, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|found| found == value))
        };
        self.samples.iter().filter(has).map(|sample| sample.value).sum()
    }
}

/// Reads a page to its end, or says in which line it breaks which rule.
pub fn read(text: &str) -> Result<BTreeMap<String, Family>, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line does not end".to_owned());
    }
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut help: Option<(String, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let at = |what: &str| format!("line {number}, {line:?}: {what}");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, said) = rest.split_once(' ').ok_or_else(|| at("no help"))?;
            help = Some((name.to_owned(), said.to_owned()));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or_else(|| at("no type"))?;
            let (helped, said) = help.take().ok_or_else(|| at("no help before its type"))?;
            if helped != name || families.contains_key(name) {
                return Err(at("help and type of a family stand together and once"));
            }
            let family = Family { kind: kind.to_owned(), help: said, samples: Vec::new() };
            families.insert(name.to_owned(), family);
            name.clone_into(&mut current);
        } else {
            let sample = sample(line).map_err(|what| at(&what))?;
            let family = families.get_mut(&current).ok_or_else(|| at("a sample without a type"))?;
            let rest = sample.name.strip_prefix(&current).ok_or_else(|| at("a sample of another family"))?;
            let fits = match family.kind.as_str() {
                "histogram" => matches!(rest, "_bucket" | "_sum" | "_count"),
                "counter" | "gauge" => rest.is_empty(),
                _ => return Err(at("an unknown type")),
            };
            if !fits {
                return Err(at("a name that its type does not have"));
            }
            family.samples.push(sample);
        }
    }
    for (name, family) in &families {
        check(name, family).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(families)
}

fn check(name: &str, family: &Family) -> Result<(), String> {
    if family.help.is_empty() || family.samples.is_empty() {
        return Err("no help or no samples".to_owned());
    }
    if (family.kind == "counter") != name.ends_with("_total") {
        return Err("counters, and only counters, end in _total".to_owned());
    }
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        if !seen.insert((&sample.name, &sample.labels)) {
            return Err(format!("twice: {sample:?}"));
        }
        let negative = family.kind != "gauge" && sample.value < 0.0;
        if negative || sample.value.is_nan() {
            return Err(format!("no value of this type: {sample:?}"));
        }
    }
    if family.kind == "histogram" { histogram(name, family) } else { Ok(()) }
}

/// Buckets ascend, the infinite one is the count, and there is a sum.
fn histogram(name: &str, family: &Family) -> Result<(), String> {
    let mut series: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in family.samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le").ok_or("a bucket without le")?;
        let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().map_err(|_| format!("le={bound}"))? };
        series.entry(labels).or_default().push((bound, sample.value));
    }
    for (labels, buckets) in series {
        if !buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1) {
            return Err(format!("buckets do not ascend: {labels:?}"));
        }
        let of = |ending: &str| {
            let wanted = format!("{name}{ending}");
            family.samples.iter().find(|sample| sample.name == wanted && sample.labels == labels).map(|s| s.value)
        };
        let last = buckets.last().filter(|(bound, _)| bound.is_infinite()).map(|(_, count)| *count);
        if last.is_none() || last != of("_count") || of("_sum").is_none() {
            return Err(format!("no infinite bucket, or another count: {labels:?}"));
        }
    }
    Ok(())
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name) {
        return Err("no name of a metric".to_owned());
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.strip_prefix(' ').ok_or("no space before the value")?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        value => value.parse().map_err(|_| "no number".to_owned())?,
    };
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// Reads up to the closing brace, and gives back what follows.
fn labels(mut text: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, rest) = text.split_once("=\"").ok_or("a label without a value")?;
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            let (at, letter) = letters.next().ok_or("a value without an end")?;
            match letter {
                '"' => break at,
                '\\' => value.push(match letters.next().ok_or("nothing escaped")?.1 {
                    'n' => '\n',
                    letter @ ('\\' | '"') => letter,
                    other => return Err(format!("\\{other} is no escape")),
                }),
                other => value.push(other),
            }
        };
        if !is_name(name) || name.contains(':') || labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("{name:?} is no label, or stands twice"));
        }
        text = &rest[end + 1..];
        if let Some(rest) = text.strip_prefix('}') {
            return Ok((labels, rest));
        }
        text = text.strip_prefix(',').ok_or("no comma between labels")?;
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lines: &[&str]) -> Result<BTreeMap<String, Family>, String> {
        read(&(lines.join("\n") + "\n"))
    }

    #[test]
    fn a_page_that_keeps_the_rules_is_read() {
        let families = page(&[
            "# HELP a_total A.",
            "# TYPE a_total counter",
            r#"a_total{x="1",y="a\"b\\\n"} 3"#,
            "# HELP b_seconds B.",
            "# TYPE b_seconds histogram",
            r#"b_seconds_bucket{le="0.1"} 1"#,
            r#"b_seconds_bucket{le="+Inf"} 2"#,
            "b_seconds_sum 5.5",
            "b_seconds_count 2",
        ])
        .unwrap();
        assert_eq!(families["a_total"].value(&[("y", "a\"b\\\n")]), Some(3.0));
        assert_eq!(families["b_seconds"].samples.len(), 4);
    }

    #[test]
    fn a_page_that_breaks_a_rule_is_refused() {
        let head = ["# HELP a A.", "# TYPE a gauge"];
        for (line, says) in [
            ("a{x=\"1\"}2", "no space"),
            ("a{x=\"1\" 2", "no comma"),
            ("a{x=\"1\",x=\"2\"} 2", "stands twice"),
            ("a{x-y=\"1\"} 2", "no label"),
            ("a{x=\"\\t\"} 2", "no escape"),
            ("a two", "no number"),
            ("b 2", "another family"),
            ("a_sum 2", "a name that its type"),
            ("a NaN", "no value of this type"),
        ] {
            let error = page(&[head[0], head[1], line]).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
        assert!(page(&["a 1"]).unwrap_err().contains("without a type"));
        assert!(page(&["# TYPE a gauge", "a 1"]).unwrap_err().contains("no help"));
        assert!(page(&["# HELP a A.", "# TYPE a counter", "a 1"]).unwrap_err().contains("_total"));
        assert!(page(&[head[0], head[1], "a 1", "a 1"]).unwrap_err().contains("twice"));
        let short = ["# HELP a A.", "# TYPE a histogram", "a_bucket{le=\"1\"} 1", "a_sum 1", "a_count 1"];
        assert!(page(&short).unwrap_err().contains("no infinite bucket"));
    }
}
