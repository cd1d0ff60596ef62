//! The tests that SECURITY.md names exist, and its table names every one that runs the scripts.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test of files.

use std::fs;
use std::path::Path;

const SECURITY: &str = include_str!("../../../SECURITY.md");

/// All Rust files under `crates`, with their paths from there.
fn sources() -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let (mut files, mut folders) = (Vec::new(), vec![crates.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "target" {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let from_crates = path.strip_prefix(&crates).unwrap().to_str().unwrap().to_owned();
                files.push((from_crates, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

/// The names in backticks of a line.
fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_a_table_names_is_there() {
    let sources = sources();
    let rows = SECURITY.lines().filter(|line| line.starts_with('|'));
    let is_name = |name: &&str| name.matches('_').count() >= 2 && !name.contains(['/', '.', ':', ' ', '-']);
    let mut found = 0;
    for name in rows.flat_map(names).filter(is_name) {
        // A long name may be cut.
        let (start, end) = name.strip_suffix('…').map_or((name, "("), |start| (start, ""));
        let function = format!("fn {start}{end}");
        assert!(sources.iter().any(|(_, source)| source.contains(&function)), "no test is called {name}");
        found += 1;
    }
    assert!(found > 20, "{found}: is there still a table?");
}

#[test]
fn the_table_of_scripts_is_complete() {
    let sources = sources();
    let rows: Vec<&str> = SECURITY
        .lines()
        .filter(|line| line.starts_with('|') && line.contains("/tests/adversarial"))
        .collect();
    let mut named = Vec::new();
    for row in &rows {
        let mut of_row = names(row).filter(|name| name.contains('_') || name.contains('/')).peekable();
        while of_row.peek().is_some_and(|name| !name.contains('/')) {
            of_row.next();
        }
        let Some(file) = of_row.next() else { continue };
        let (_, source) =
            sources.iter().find(|(path, _)| path == file).unwrap_or_else(|| panic!("no {file}"));
        for test in of_row {
            assert!(source.contains(&format!("fn {test}(")), "{file} has no {test}");
            named.push((file, test));
        }
    }
    // Whatever takes a script, or runs a machine through one, stands in the table.
    let mut scripted = 0;
    for (path, source) in sources.iter().filter(|(path, _)| path.contains("/tests/adversarial")) {
        for function in source
            .split("fn ")
            .filter(|function| function.split_once('{').is_some_and(|(head, _)| head.contains("in scripts(")))
        {
            let name = function.split('(').next().unwrap();
            assert!(named.contains(&(path.as_str(), name)), "{path}: {name} is not in the table");
            scripted += 1;
        }
    }
    assert!(scripted >= 14, "{scripted}");
}
