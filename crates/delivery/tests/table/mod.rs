//! A README's table of defaults, held against the code. The registry's test uses it, too.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test's helper.

/// Number of the requirement, setting, default, and whether the code has it.
pub type Row = (&'static str, &'static str, &'static str, bool);

/// The table has these rows and no others, and each is true.
pub fn is_true(readme: &str, expected: &[Row]) {
    let table = readme.split("| requirement | setting | default |").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let documented: Vec<_> =
        expected.iter().map(|(number, name, value, _)| format!("| {number} | {name} | {value} |")).collect();
    assert_eq!(rows, documented);
    for (number, name, value, holds) in expected {
        assert!(holds, "{number} {name}: not {value}");
    }
}
