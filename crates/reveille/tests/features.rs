//! The table of features in the README says what `Cargo.toml` says.

use std::collections::BTreeSet;

/// The names in the first column, in backticks.
fn documented(readme: &str) -> BTreeSet<&str> {
    readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|rest| rest.split_once('`'))
        .map(|(name, _)| name)
        .collect()
}

/// Feature names and what each enables.
fn declared(manifest: &str) -> Vec<(&str, &str)> {
    let section = manifest.lines().skip_while(|line| *line != "[features]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .collect()
}

#[test]
fn every_feature_is_in_the_table_and_only_adds_a_crate() {
    let (readme, manifest) = (include_str!("../README.md"), include_str!("../Cargo.toml"));
    let declared = declared(manifest);
    let default = declared.iter().find(|(name, _)| *name == "default").unwrap().1;
    let features: Vec<_> = declared.iter().filter(|(name, _)| *name != "default").collect();
    assert!(features.len() >= 6, "{features:?}");
    assert_eq!(documented(readme), features.iter().map(|(name, _)| *name).collect());
    for (name, enables) in features {
        assert!(enables.starts_with("[\"dep:reveille-"), "{name} does more than add a crate: {enables}");
        assert_eq!(
            default.contains(&format!("\"{name}\"")),
            !["lanes", "rustcrypto"].contains(name),
            "{name}"
        );
    }
}

#[test]
fn the_facade_stays_thin() {
    assert!(include_str!("../src/lib.rs").lines().count() <= 100);
}
