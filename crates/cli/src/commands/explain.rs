//! `axon explain`: the page behind a code, a kind or a field.

use axon_core::diagnostic::{Code, explain as page_of};
use axon_core::spec::{Kind, field_doc};

use crate::arguments::Explain;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::output::table::table;

pub(super) fn explain(arguments: &Explain, out: &mut Output) -> Answer {
    let text = match &arguments.topic {
        Some(topic) => about(topic)?,
        None => all(),
    };
    out.data(&text)?;
    Ok(Exit::Done)
}

fn about(topic: &str) -> Result<String, Failure> {
    let code = Code::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(topic));
    if let Some(code) = code {
        return Ok(page_of(*code).to_owned());
    }
    if let Some(page) = field_doc(&with_kind(topic)) {
        return Ok(page);
    }
    Err(unknown(topic))
}

/// Kinds in any case, and without the word Neuron: `pool.spec` for `NeuronPool.spec`.
fn with_kind(topic: &str) -> String {
    let (first, rest) = topic.split_once('.').map_or((topic, ""), |(first, rest)| (first, rest));
    let named = Kind::ALL.into_iter().find(|kind| {
        let (full, given) = (kind.as_str().to_lowercase(), first.to_lowercase());
        full == given || full.trim_start_matches("neuron") == given
    });
    let kind = named.map_or(first, |kind| kind.as_str());
    if rest.is_empty() { kind.to_owned() } else { format!("{kind}.{rest}") }
}

fn unknown(topic: &str) -> Failure {
    let failure = Failure::usage(format!("there is no page about {topic:?}"));
    let full = with_kind(topic);
    let mut known = full.as_str();
    while let Some((shorter, _)) = known.rsplit_once('.') {
        if field_doc(shorter).is_some() {
            return failure.hint(format!("`axon explain {shorter}` lists the fields there"));
        }
        known = shorter;
    }
    failure.hint("give a code (axon explain --all lists them), a kind (NeuronCluster, NeuronPool, NeuronService, NeuronJob) or a field such as NeuronPool.spec.managedInstances or NeuronPool.spec.autoScalingGroup.rollout")
}

fn all() -> String {
    let row = |code: &Code| vec![code.as_str().to_owned(), code.severity().to_string(), code.title().to_owned()];
    table(&["CODE", "SEVERITY", "TITLE"], Code::ALL.iter().map(row).collect(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_kinds_and_fields_have_pages() {
        assert!(about("ax0101").unwrap().starts_with("# AX0101"));
        assert!(about("NeuronPool").unwrap().contains("`spec`"));
        assert!(about("pool.spec.managedInstances").unwrap().contains("`subnets`"));
        assert!(about("pool.spec.autoScalingGroup.rollout").unwrap().contains("`soak`"));
        assert!(about("service.spec.devices").unwrap().contains("devices"));
        assert!(about("job.spec").unwrap().contains("`backoffLimit`"));
    }

    #[test]
    fn a_wrong_field_names_the_nearest_page_above_it() {
        let failure = about("NeuronPool.spec.managedInstances.subnet").unwrap_err();
        assert_eq!(failure.hint, "`axon explain NeuronPool.spec.managedInstances` lists the fields there");
        assert!(about("nonsense").unwrap_err().hint.contains("--all"));
    }

    #[test]
    fn every_code_is_listed() {
        assert_eq!(all().lines().count(), Code::ALL.len() + 1);
    }
}
