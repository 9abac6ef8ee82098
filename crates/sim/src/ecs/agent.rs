//! What a machine's user data tells the ECS agent. Neighbours: `machines` registers what the agent would. Only assignments
//! in the text are read (`ECS_CLUSTER=ml`, in a heredoc or an `echo`); it is not run, so a variable in a value stays as it is.

use std::collections::BTreeMap;

use serde_json::Value;

/// The agent's settings that matter here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Settings {
    pub(crate) cluster: Option<String>,
    /// `ECS_RESERVED_MEMORY`, in MiB.
    pub(crate) reserved_memory: i64,
    /// `ECS_INSTANCE_ATTRIBUTES`; none when it is not a JSON object of texts, which keeps the agent from registering.
    pub(crate) attributes: Option<BTreeMap<String, String>>,
}

pub(crate) fn settings(user_data: &str) -> Settings {
    let reserved = word(user_data, "ECS_RESERVED_MEMORY").and_then(|w| w.parse().ok());
    Settings {
        cluster: word(user_data, "ECS_CLUSTER"),
        reserved_memory: reserved.unwrap_or(0),
        attributes: attributes(user_data),
    }
}

/// What follows the last assignment to a name.
fn assigned<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let lines = text.lines().filter(|l| !l.trim_start().starts_with('#'));
    let mut found = lines.filter_map(|line| {
        let at = line.find(&format!("{name}="))?;
        let before = line.get(..at)?.chars().next_back();
        let whole = before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
        line.get(at + name.len() + 1..).filter(|_| whole)
    });
    found.next_back()
}

fn word(text: &str, name: &str) -> Option<String> {
    let rest = assigned(text, name)?.trim_start_matches(['"', '\'']);
    let end =
        rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '>' | '\\')).unwrap_or(rest.len());
    rest.get(..end).filter(|w| !w.is_empty()).map(str::to_owned)
}

fn attributes(text: &str) -> Option<BTreeMap<String, String>> {
    let Some(rest) = assigned(text, "ECS_INSTANCE_ATTRIBUTES") else { return Some(BTreeMap::new()) };
    let plain = rest.trim_start_matches(['"', '\'']).replace("\\\"", "\"");
    let first = serde_json::Deserializer::from_str(&plain).into_iter::<Value>().next()?.ok()?;
    let members = first.as_object()?.iter();
    members.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::settings;

    #[test]
    fn settings_are_read_from_heredocs_and_echoes() {
        let heredoc = "#!/bin/bash\ncat <<'EOF' >> /etc/ecs/ecs.config\nECS_CLUSTER=ml\nECS_RESERVED_MEMORY=256\n\
                       ECS_INSTANCE_ATTRIBUTES={\"pool\":\"a\"}\nEOF\n";
        let found = settings(heredoc);
        assert_eq!((found.cluster.as_deref(), found.reserved_memory), (Some("ml"), 256));
        assert_eq!(found.attributes.unwrap()["pool"], "a");
        let echo = "echo ECS_CLUSTER=ml >> /etc/ecs/ecs.config; true\n\
                    echo \"ECS_INSTANCE_ATTRIBUTES={\\\"pool\\\": \\\"b\\\"}\" >> /etc/ecs/ecs.config";
        let found = settings(echo);
        assert_eq!(found.cluster.as_deref(), Some("ml"));
        assert_eq!(found.attributes.unwrap()["pool"], "b");
    }

    #[test]
    fn comments_and_longer_names_are_no_settings_and_a_bad_document_is_seen() {
        assert_eq!(settings("# ECS_CLUSTER=a\nMY_ECS_CLUSTER=b").cluster, None);
        assert_eq!(settings("ECS_INSTANCE_ATTRIBUTES={pool}").attributes, None);
        assert_eq!(settings("ECS_INSTANCE_ATTRIBUTES={\"n\":1}").attributes, None);
    }
}
