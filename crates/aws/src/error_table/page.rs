//! The table of errors as a page of the reference, `docs/reference/aws-errors.md`.
//!
//! Written by `cargo xtask`, compared by a test. Text only; meanings are in the table.

use std::fmt::Write;

use super::{Code, Meaning, TABLE};

const HEAD: &str = "\
<!-- Generated from crates/aws/src/error_table/mod.rs. Do not edit. -->

# What AWS's errors mean to Axon

Axon reduces every error of an AWS call to one of a few classes. Rows are tried from top to bottom and the first that
fits decides; `*` fits everything, a message fits if it contains the text, in any case. *unknown* means that nobody
knows whether the call had its effect: `Transient` for a call that reads, `Ambiguous` for one that writes.

Codes without AWS's spelling are words of Axon for what happens below AWS: `Connect` (no connection came about),
`Connection` (it broke), `Timeout` (the deadline passed), `Unparsable` (the answer is none of AWS's), `Incomplete` (the
answer lacks what it always has), `Request` (the request could not be made), `NoCredentials` and `CredentialsTimeout`.
`MISSING`, `INACTIVE` and `ACCESS_DENIED` are reasons in `failures[]` of an answer that is otherwise good.

| Service | Operation | Code | Message contains | Class |
| --- | --- | --- | --- | --- |
";

/// The reference page of AWS's errors and their classes, in Markdown.
pub fn errors_page() -> String {
    let mut page = HEAD.to_owned();
    for row in TABLE {
        let code = match row.code {
            Code::Is(code) => format!("`{code}`"),
            Code::Ending(end) => format!("any that ends in `{end}`"),
            Code::Status(first, last) if first == last => format!("any, HTTP {first}"),
            Code::Status(first, last) => format!("any, HTTP {first} to {last}"),
            Code::Any => "any".to_owned(),
        };
        let class = match row.meaning {
            Meaning::Is(class) => format!("`{class:?}`"),
            Meaning::Unknown => "*unknown*".to_owned(),
        };
        let (service, operation, message) = (escaped(row.service), escaped(row.operation), row.message);
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| {service} | {operation} | {code} | {message} | {class} |");
    }
    page
}

fn escaped(name: &str) -> String {
    name.replace('*', "\\*")
}
