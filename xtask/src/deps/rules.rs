//! The rules on dependencies, as data, and what it takes to apply them.
//!
//! Neighbours: `graph` answers who names whom. Must not hold: how `cargo metadata` looks.

use crate::finding::Finding;

use super::graph::Graph;

/// The arrows as drawn: which packages of this workspace each one may name, tests included. A member that is not listed is
/// a finding, so that a new crate gets its place in the drawing first.
const ARROWS: [(&str, &[&str]); 8] = [
    ("axon-core", &[]),
    ("axon-aws", &["axon-core"]),
    ("axon-runtime", &["axon-core"]),
    ("axon-web", &["axon-core"]),
    ("axon-sim", &[]),
    ("axon-cli", &["axon-core", "axon-aws", "axon-runtime", "axon-web", "axon-sim"]),
    ("axon-tests", &["axon-core", "axon-aws", "axon-runtime", "axon-web", "axon-sim", "axon-cli"]),
    ("xtask", &[]),
];

/// A pure crate and what it must never link, however far away. A name that ends in `*` is a prefix.
struct Unreachable {
    from: &'static str,
    names: &'static [&'static str],
    reason: &'static str,
}

const UNREACHABLE: [Unreachable; 4] = [
    Unreachable {
        from: "axon-core",
        names: &["tokio*", "async-std", "smol", "mio", "hyper*", "reqwest", "axum*", "h2", "rustls*", "socket2"],
        reason: "core does no I/O",
    },
    Unreachable {
        from: "axon-core",
        names: &["aws-*"],
        reason: "core speaks of AWS in its own plain types; crates/aws converts them",
    },
    Unreachable {
        from: "axon-core",
        names: &["rand*", "getrandom*", "fastrand", "uuid", "chrono", "time", "instant", "backoff"],
        reason: "time, randomness and ids are values handed in to core",
    },
    Unreachable {
        from: "axon-sim",
        names: &["axon-*"],
        reason: "the simulated AWS must not share our misunderstandings",
    },
];

/// A dependency with one home.
struct Home {
    name: &'static str,
    of: &'static [&'static str],
    reason: &'static str,
}

const HOMES: [Home; 13] = [
    Home { name: "aws-sdk-*", of: &["axon-aws"], reason: "crates/aws is the only crate that names the AWS SDK" },
    Home { name: "aws-runtime", of: &["axon-aws"], reason: "crates/aws is the only crate that names the AWS SDK" },
    Home { name: "aws-types", of: &["axon-aws"], reason: "crates/aws is the only crate that names the AWS SDK" },
    Home { name: "aws-config", of: &["axon-aws"], reason: "crates/aws is the only crate that names the AWS SDK" },
    Home {
        name: "aws-credential-types",
        of: &["axon-aws"],
        reason: "crates/aws is the only crate that names the AWS SDK",
    },
    Home {
        name: "aws-smithy-*",
        of: &["axon-aws", "axon-cli", "axon-sim", "axon-tests"],
        reason: "only crates/aws and the simulator in process meet the SDK's own types; crates/cli plugs one into the other",
    },
    Home {
        name: "backoff",
        of: &["axon-runtime"],
        reason: "it is unmaintained and kept behind crates/runtime/src/backoff.rs (see deny.toml)",
    },
    Home { name: "gix*", of: &["axon-runtime"], reason: "git is read in crates/runtime/src/source/git only" },
    Home {
        name: "ssh-key",
        of: &["axon-runtime"],
        reason: "signatures are verified in crates/runtime/src/source/git/verify.rs only",
    },
    Home {
        name: "prometheus",
        of: &["axon-runtime"],
        reason: "every metric is an entry of crates/runtime/src/metrics/catalog.rs; families.rs there names the crate",
    },
    Home {
        name: "redb",
        of: &["axon-runtime"],
        reason: "the history of events is the only thing on disk; crates/runtime/src/history/disk.rs names the crate",
    },
    Home {
        name: "opentelemetry*",
        of: &["axon-cli"],
        reason: "the rest logs with tracing; crates/cli/src/logging/otlp.rs makes traces of it",
    },
    Home {
        name: "clap",
        of: &["axon-cli", "axon-tests", "xtask"],
        reason: "configuration enters through the arguments of axon-cli only; tests/src/bin/trust.rs is no part of the product",
    },
];

/// A feature that exists for tests: what it brings into its package, and the members that may switch it on.
struct TestFeature {
    of: &'static str,
    feature: &'static str,
    brings: &'static [&'static str],
    members: &'static [&'static str],
}

const TEST_FEATURES: [TestFeature; 1] =
    [TestFeature { of: "axon-core", feature: "generate", brings: &["proptest"], members: &["axon-tests"] }];

/// Every rule, on every member.
pub(crate) fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = arrows(graph);
    findings.extend(unreachable(graph));
    findings.extend(homes(graph));
    findings.extend(test_features(graph));
    findings
}

fn arrows(graph: &Graph) -> Vec<Finding> {
    let members = graph.members();
    let mut findings = Vec::new();
    for member in &members {
        let Some((_, may_name)) = ARROWS.iter().find(|(name, _)| name == member) else {
            findings
                .push(Finding::new(*member, "not in the drawing; give it a row in ARROWS in xtask/src/deps/rules.rs"));
            continue;
        };
        for named in graph.direct(member) {
            if members.contains(&named) && !may_name.contains(&named) {
                findings.push(Finding::new(*member, format!("must not depend on {named}: {}", allowed(may_name))));
            }
        }
    }
    findings
}

fn allowed(may_name: &[&str]) -> String {
    if may_name.is_empty() {
        "it may name none of ours".to_owned()
    } else {
        format!("it may name {}", may_name.join(", "))
    }
}

fn unreachable(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in &UNREACHABLE {
        let features = TEST_FEATURES.iter().filter(|feature| feature.of == rule.from);
        let not_followed: Vec<&str> = features.flat_map(|feature| feature.brings).copied().collect();
        for (name, way) in graph.reached(rule.from, &not_followed) {
            if rule.names.iter().any(|pattern| matches(pattern, name)) {
                findings
                    .push(Finding::new(rule.from, format!("reaches {name} ({}): {}", way.join(" > "), rule.reason)));
            }
        }
    }
    findings
}

fn homes(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in graph.members() {
        for named in graph.direct(member) {
            for home in HOMES.iter().filter(|home| matches(home.name, named) && !home.of.contains(&member)) {
                findings.push(Finding::new(member, format!("must not depend on {named}: {}", home.reason)));
            }
        }
    }
    findings
}

fn test_features(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in &TEST_FEATURES {
        for member in graph.members().into_iter().filter(|member| !rule.members.contains(member)) {
            let asked = graph.asked(member).into_iter().filter(|asked| asked.name == rule.of);
            if asked.flat_map(|asked| &asked.features).any(|feature| feature == rule.feature) {
                let message =
                    format!("must not switch on `{}` of {}: that feature is for tests", rule.feature, rule.of);
                findings.push(Finding::new(member, message));
            }
        }
    }
    findings
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A workspace of (package, kind of dependency, what it names); every package that starts like ours is a member.
    fn findings(arrows: &[(&str, &str, &str)]) -> Vec<String> {
        let mut names: Vec<&str> = arrows.iter().flat_map(|(from, _, to)| [*from, *to]).collect();
        names.sort_unstable();
        names.dedup();
        let packages = names
            .iter()
            .map(|name| json!({"id": format!("{name}@1"), "name": name, "dependencies": asked(name, arrows)}));
        let packages: Vec<Value> = packages.collect();
        let ours = names.iter().filter(|name| name.starts_with("axon-") || **name == "xtask");
        let members: Vec<String> = ours.map(|name| format!("{name}@1")).collect();
        let nodes: Vec<Value> =
            names.iter().map(|name| json!({"id": format!("{name}@1"), "deps": deps(name, arrows)})).collect();
        let metadata = json!({"packages": packages, "workspace_members": members, "resolve": {"nodes": nodes}});
        let graph = Graph::parse(&metadata.to_string()).unwrap();
        check(&graph).iter().map(ToString::to_string).collect()
    }

    /// The kind `generate` stands for a normal dependency that asks for the feature of that name.
    fn asked(name: &str, arrows: &[(&str, &str, &str)]) -> Vec<Value> {
        let own = arrows.iter().filter(|(from, kind, _)| *from == name && *kind == "generate");
        own.map(|(_, _, to)| json!({"name": to, "kind": null, "features": ["generate"]})).collect()
    }

    fn deps(name: &str, arrows: &[(&str, &str, &str)]) -> Vec<Value> {
        let own = arrows.iter().filter(|(from, _, _)| *from == name);
        own.map(|(_, kind, to)| {
            let kind = if matches!(*kind, "normal" | "generate") { Value::Null } else { json!(kind) };
            json!({"pkg": format!("{to}@1"), "dep_kinds": [{"kind": kind, "target": null}]})
        })
        .collect()
    }

    #[test]
    fn the_drawing_itself_is_clean() {
        let found = findings(&[
            ("axon-aws", "normal", "axon-core"),
            ("axon-aws", "normal", "aws-sdk-ecs"),
            ("axon-runtime", "normal", "axon-core"),
            ("axon-runtime", "normal", "backoff"),
            ("axon-web", "normal", "axon-core"),
            ("axon-sim", "normal", "aws-smithy-types"),
            ("axon-cli", "normal", "axon-sim"),
            ("axon-tests", "normal", "axon-cli"),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn core_must_not_reach_tokio_through_another_crate() {
        let found = findings(&[("axon-core", "normal", "middle"), ("middle", "normal", "tokio")]);
        assert_eq!(found, ["axon-core: reaches tokio (axon-core > middle > tokio): core does no I/O"]);
    }

    #[test]
    fn a_build_dependency_counts_and_a_dev_dependency_does_not() {
        assert_eq!(findings(&[("axon-core", "build", "rand_core")]).len(), 1);
        assert_eq!(findings(&[("axon-core", "dev", "rand")]), Vec::<String>::new());
        assert_eq!(findings(&[("axon-core", "normal", "a"), ("a", "dev", "tokio")]), Vec::<String>::new());
    }

    #[test]
    fn core_must_not_reach_the_sdk() {
        let found = findings(&[("axon-core", "normal", "a"), ("a", "normal", "aws-smithy-types")]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn sim_reaches_none_of_ours() {
        let found = findings(&[("axon-sim", "normal", "axon-core")]);
        assert!(found.iter().any(|line| line.starts_with("axon-sim: must not depend on axon-core")), "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("axon-sim: reaches axon-core")), "{found:?}");
    }

    #[test]
    fn aws_runtime_and_web_never_see_one_another() {
        let found = findings(&[
            ("axon-aws", "normal", "axon-runtime"),
            ("axon-runtime", "dev", "axon-web"),
            ("axon-web", "normal", "axon-aws"),
        ]);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn only_aws_names_the_sdk() {
        let found = findings(&[("axon-cli", "normal", "aws-sdk-ecs"), ("axon-web", "normal", "aws-smithy-types")]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn only_runtime_names_backoff() {
        let found = findings(&[("axon-aws", "normal", "backoff"), ("axon-runtime", "normal", "backoff")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found.iter().all(|line| line.starts_with("axon-aws: must not depend on backoff")), "{found:?}");
    }

    #[test]
    fn a_feature_for_tests_is_not_followed_and_stays_in_tests() {
        let brought = [("axon-core", "normal", "proptest"), ("proptest", "normal", "rand")];
        let in_tests = [brought[0], brought[1], ("axon-tests", "generate", "axon-core")];
        assert_eq!(findings(&in_tests), Vec::<String>::new());
        let in_product = [brought[0], brought[1], ("axon-aws", "generate", "axon-core")];
        assert_eq!(
            findings(&in_product),
            ["axon-aws: must not switch on `generate` of axon-core: that feature is for tests"]
        );
    }

    #[test]
    fn a_new_member_needs_a_place_in_the_drawing() {
        let found = findings(&[("axon-extra", "normal", "serde")]);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
