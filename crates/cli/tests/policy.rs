//! The operator's list of roles through the command line, for whoever checks files before they are committed.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::path::Path;
use std::process::Command;

const EXAMPLE: &str = "config/examples/vllm-managed.yaml";

/// Exit code and everything printed.
fn axon(words: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_axon"))
        .args(words)
        .current_dir(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
        .envs([("NO_COLOR", "1"), ("AXON_LISTEN", "none")])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

/// A configuration that allows these roles of the account of the examples.
fn config(folder: &Path, roles: &str) -> String {
    let file = folder.join("axon.yaml");
    let text = format!(
        "apiVersion: neuron.ecs/v1alpha1\nkind: OperatorConfig\nsources: [{{name: a, directory: {{paths: [x]}}}}]\n\
         policy: {{roles: {{allow: [{roles}]}}}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn validate_plan_and_apply_hold_to_the_list_of_a_configuration() {
    let folder = std::env::temp_dir().join(format!("axon-policy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let strict = config(&folder, "'arn:aws:iam::111122223333:role/axon/*'");
    for command in [&["validate"][..], &["plan", "--simulate"], &["apply", "--yes", "--simulate"]] {
        let (code, text) = axon(&[command, &["--config", &strict, EXAMPLE]].concat());
        assert_eq!(code, 1, "{command:?}: {text}");
        assert!(text.contains("AX0215") && text.contains("policy.roles.allow"), "{text}");
        assert!(text.contains(EXAMPLE) && !text.contains("CreateCapacityProvider"), "{text}");
    }
    let lax = config(&folder, "'arn:aws:iam::111122223333:role/*', 'arn:aws:iam::111122223333:instance-profile/*'");
    let (code, text) = axon(&["plan", "--simulate", "--config", &lax, EXAMPLE]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("CreateCapacityProvider"), "{text}");
    assert_eq!(axon(&["validate", EXAMPLE]).0, 0);
    std::fs::remove_dir_all(&folder).unwrap();
}
