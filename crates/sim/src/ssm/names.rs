//! Names of parameters: what a new one may be called, and which parameter a name means. Neighbours: `put`, `delete`, `tags` and
//! `read` ask. Sources: PutParameter in the API reference, and "Understanding requirements and constraints for parameter names"
//! in the user guide. Which exception and which words answer a bad name is not documented where no source is given: guesses.

use super::wrong;
use crate::{wire::fault::Fault, world::World};

/// "The maximum length for the parameter name that you specify is 1011 characters. This count [...] includes the characters in
/// the ARN that precede the name you specify."
const LONGEST: usize = 1011;
/// "Parameter hierarchies are limited to a maximum depth of fifteen levels."
const LEVELS: usize = 15;

/// A name as requests give it, and the key it is kept under: `/TestParam1` and `TestParam1` are the same parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) key: String,
}

/// What a name in a read means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: Name,
    /// A version or a label.
    pub(super) selector: Option<String>,
}

/// "The service removes any spaces specified for the beginning or end of a parameter name. If the specified name for a parameter
/// contains spaces between characters, the request fails with a ValidationException error."
pub(super) fn given(text: &str) -> Result<Name, Fault> {
    let text = text.trim_matches(' ');
    if text.contains(' ') {
        return Err(wrong("Parameter names cannot contain spaces."));
    }
    let key = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
    Ok(Name { text: text.to_owned(), key })
}

/// The ARN of a parameter of the account.
pub(super) fn arn(world: &World, key: &str) -> String {
    format!("arn:aws:ssm:{}:{}:parameter{key}", world.options.region, world.options.account)
}

/// The ARN of a public parameter, which names no account.
pub(super) fn public_arn(world: &World, key: &str) -> String {
    format!("arn:aws:ssm:{}::parameter{key}", world.options.region)
}

/// The name of a parameter to be created or changed.
pub(super) fn new(world: &World, text: &str) -> Result<Name, Fault> {
    let name = given(text)?;
    let bare = name.key.trim_start_matches('/').to_ascii_lowercase();
    if name.key.to_ascii_lowercase().starts_with("/aws/") {
        // moto answers this code; AWS documents none.
        let message = format!("No access to reserved parameter name: {}.", name.text);
        return Err(Fault::new("AccessDeniedException", message));
    }
    if bare.starts_with("aws") || bare.starts_with("ssm") {
        return Err(wrong("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."));
    }
    if name.text.contains('/') && !name.text.starts_with('/') {
        return Err(wrong("Parameter name must be a fully qualified name."));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let empty = |level: &str| level.is_empty();
    if !name.text.chars().all(plain) || name.key.split('/').skip(1).any(empty) {
        return Err(wrong(
            "Only a mix of letters, numbers and the symbols .-_ can be used in a parameter name, with / between levels.",
        ));
    }
    if arn(world, &name.key).len() > LONGEST {
        return Err(wrong(format!("The ARN of a parameter can have at most {LONGEST} characters.")));
    }
    if name.key.split('/').skip(1).count() > LEVELS {
        let message = format!("Hierarchy depth: a parameter hierarchy can have at most {LEVELS} levels.");
        return Err(Fault::new("HierarchyLevelLimitExceededException", message));
    }
    Ok(name)
}

/// The parameter that a read means: by name or by ARN, with a version or a label after a colon if wanted.
pub(super) fn asked(world: &World, text: &str) -> Result<Asked, Fault> {
    let text = text.trim_matches(' ');
    let here = text.strip_prefix(&arn(world, "")).or_else(|| text.strip_prefix(&public_arn(world, "")));
    if here.is_none() && text.starts_with("arn:") {
        return Err(Fault::not_modelled("parameters of other accounts and Regions"));
    }
    let bare = here.unwrap_or(text);
    let (bare, selector) = bare.split_once(':').map_or((bare, None), |(a, b)| (a, Some(b.to_owned())));
    Ok(Asked { name: given(bare)?, selector })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    fn made(text: &str) -> Result<String, &'static str> {
        new(&World::new(Options::default()), text).map(|n| n.key).map_err(|f| f.code)
    }

    #[test]
    fn a_name_is_fully_qualified_plain_and_not_reserved() {
        assert_eq!(made("simple"), Ok("/simple".to_owned()));
        assert_eq!(made(" /a/b_c/D.e-1 "), Ok("/a/b_c/D.e-1".to_owned()));
        for text in ["a/b", "/a//b", "/a/", "/", "a b", "/ü", "awsThing", "SSM-thing", "/ssm/x", "a:b", "arn:aws:ssm:x"]
        {
            assert_eq!(made(text), Err("ValidationException"), "{text}");
        }
        assert_eq!(made("/aws/x"), Err("AccessDeniedException"));
        assert_eq!(made("/a/aws"), Ok("/a/aws".to_owned()));
    }

    #[test]
    fn fifteen_levels_are_the_most() {
        assert!(made(&"/x".repeat(15)).is_ok());
        assert_eq!(made(&"/x".repeat(16)), Err("HierarchyLevelLimitExceededException"));
    }

    #[test]
    fn the_arn_counts_against_the_length() {
        // arn:aws:ssm:us-east-1:111122223333:parameter has 44 characters.
        assert!(made(&format!("/{}", "x".repeat(966))).is_ok());
        assert_eq!(made(&format!("/{}", "x".repeat(967))), Err("ValidationException"));
    }
}
