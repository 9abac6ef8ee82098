//! Secrets in environment variables that the configuration names. Neighbours: `run` asks for tokens and webhook secrets.
//! Not here: settings, which enter through `arguments`.

/// The text of a variable, without white space around it.
#[allow(clippy::disallowed_methods, reason = "the one home of the environment")]
pub(crate) fn secret(variable: &str) -> Result<String, String> {
    match std::env::var(variable).map(|text| text.trim().to_owned()) {
        Ok(secret) if !secret.is_empty() => Ok(secret),
        Ok(_) => Err(format!("the environment variable {variable} is empty")),
        Err(_) => Err(format!("the environment variable {variable} is not set, or is no text")),
    }
}
