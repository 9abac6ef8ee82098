//! The packages and their arrows, from the JSON of `cargo metadata`.
//!
//! Neighbours: `rules` asks it. Must not hold: a rule, or the name of a crate.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;

/// What `cargo metadata` says, reduced to what the rules ask.
#[derive(Debug)]
pub(crate) struct Graph {
    nodes: BTreeMap<String, Node>,
    members: Vec<String>,
}

#[derive(Debug)]
struct Node {
    name: String,
    arrows: Vec<Arrow>,
    asked: Vec<Asked>,
}

/// A dependency as the manifest asks for it.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
    kind: Option<String>,
}

#[derive(Debug)]
struct Arrow {
    to: String,
    linked: Linked,
}

/// Whether a dependency ends up in what users run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Linked {
    /// A normal or a build dependency.
    Always,
    /// Only in tests and examples.
    InTests,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    dependencies: Vec<Asked>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<ResolvedNode>,
}

#[derive(Deserialize)]
struct ResolvedNode {
    id: String,
    deps: Vec<ResolvedDep>,
}

#[derive(Deserialize)]
struct ResolvedDep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Deserialize)]
struct DepKind {
    kind: Option<String>,
}

impl Graph {
    pub(crate) fn parse(json: &str) -> serde_json::Result<Self> {
        let metadata: Metadata = serde_json::from_str(json)?;
        let mut arrows: BTreeMap<String, Vec<Arrow>> = BTreeMap::new();
        for node in metadata.resolve.nodes {
            arrows.insert(node.id, node.deps.into_iter().map(Arrow::from).collect());
        }
        let nodes = metadata.packages.into_iter().map(|package| {
            let arrows = arrows.remove(&package.id).unwrap_or_default();
            let node = Node { name: package.name, arrows, asked: package.dependencies };
            (package.id, node)
        });
        Ok(Self { nodes: nodes.collect(), members: metadata.workspace_members })
    }

    /// The names of the packages of this workspace.
    pub(crate) fn members(&self) -> Vec<&str> {
        self.members.iter().map(|id| self.name(id)).collect()
    }

    /// What a member names in its manifest, tests included.
    pub(crate) fn direct(&self, member: &str) -> Vec<&str> {
        let node = self.member(member).and_then(|id| self.nodes.get(id));
        node.into_iter().flat_map(|node| &node.arrows).map(|arrow| self.name(&arrow.to)).collect()
    }

    /// What a member's manifest asks for outside of its own tests.
    pub(crate) fn asked(&self, member: &str) -> Vec<&Asked> {
        let node = self.member(member).and_then(|id| self.nodes.get(id));
        node.into_iter().flat_map(|node| &node.asked).filter(|asked| asked.kind.as_deref() != Some("dev")).collect()
    }

    /// Everything a member links, tests not included, each with the shortest way to it. What only a feature for tests
    /// brings in is not followed: cargo shows every feature that any member switches on.
    pub(crate) fn reached(&self, member: &str, not_followed: &[&str]) -> BTreeMap<&str, Vec<&str>> {
        let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut waiting: VecDeque<(&str, Vec<&str>)> = VecDeque::new();
        waiting.extend(self.member(member).map(|id| (id, vec![self.name(id)])));
        while let Some((id, way)) = waiting.pop_front() {
            let arrows = self.nodes.get(id).into_iter().flat_map(|node| &node.arrows);
            for arrow in arrows.filter(|arrow| arrow.linked == Linked::Always) {
                let test_only = way.len() == 1 && not_followed.contains(&self.name(&arrow.to));
                if test_only || ways.contains_key(arrow.to.as_str()) {
                    continue;
                }
                let mut longer = way.clone();
                longer.push(self.name(&arrow.to));
                ways.insert(&arrow.to, longer.clone());
                waiting.push_back((&arrow.to, longer));
            }
        }
        ways.into_iter().map(|(id, way)| (self.name(id), way)).collect()
    }

    fn member(&self, name: &str) -> Option<&str> {
        self.members.iter().map(String::as_str).find(|id| self.name(id) == name)
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.nodes.get(id).map_or(id, |node| &node.name)
    }
}

impl From<ResolvedDep> for Arrow {
    fn from(dep: ResolvedDep) -> Self {
        let only_tests = dep.dep_kinds.iter().all(|kind| kind.kind.as_deref() == Some("dev"));
        Self { to: dep.pkg, linked: if only_tests { Linked::InTests } else { Linked::Always } }
    }
}
