//! A plan as Markdown, for a comment on a pull request. Neighbours: `plan` draws the same for a terminal.

use std::fmt::Write as _;

use axon_runtime::Foreseen;

use super::layouts;
use super::plan::{Fold, because, call, folds, summary};
use super::signs::sign;

/// The whole plan: the total first, since a comment is read from the top.
pub(crate) fn markdown(foreseen: &Foreseen) -> String {
    let preview = &foreseen.preview;
    let mut text = format!("### {}\n", summary(preview));
    if preview.steps().next().is_some() {
        text.push_str("\n| | resource | call | for | why |\n| --- | --- | --- | --- | --- |\n");
    }
    for fold in preview.rounds.iter().flat_map(|round| folds(round)) {
        text.push_str(&row(&fold));
    }
    text.push_str(&layouts::markdown(foreseen));
    if !preview.blocked.is_empty() {
        text.push_str("\n**Not done**\n\n");
    }
    for waiting in &preview.blocked {
        let _ = writeln!(text, "- {}: {}", waiting.object, one_line(&waiting.on.to_string()));
    }
    text
}

fn row(fold: &Fold<'_>) -> String {
    let step = fold.first;
    let why = step.because.iter().map(|cause| one_line(&because(step, cause)));
    let why: Vec<String> = why.chain(fold.more()).collect();
    format!(
        "| `{}` | {} | {} | {} | {} |\n",
        sign(step.action.change()),
        one_line(&step.resource.to_string()),
        call(&step.action),
        step.object,
        why.join("<br>"),
    )
}

/// What comes from AWS or from a specification must not end a cell or begin a tag.
fn one_line(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::sample;
    use super::*;

    #[test]
    fn the_total_comes_first_and_every_step_has_a_row() {
        let expected = "\
### Plan: 1 to create, 1 to change, 1 to delete.

| | resource | call | for | why |
| --- | --- | --- | --- | --- |
| `+` | cluster ml | CreateCluster | NeuronCluster/ml | does not exist |
| `~` | service ml/llama | UpdateService | NeuronService/llama | deploymentConfiguration.maximumPercent: 200 → 150 |
| `-` | service ml/llama | DeleteService | NeuronService/llama | no longer declared |

**Not done**

- NeuronService/llama: suspended by the annotation neuron.ecs/suspend
";
        assert_eq!(markdown(&Foreseen { preview: sample(), ..Foreseen::default() }), expected);
    }

    #[test]
    fn text_from_elsewhere_stays_in_its_cell() {
        assert_eq!(one_line("a|b\n<img>"), "a\\|b &lt;img>");
    }
}
