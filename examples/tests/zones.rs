//! The recipe for time zones with `jiff` that stands at `reveille_digest::quiet::Zone::from_transitions`.

use std::error::Error;
use std::path::Path;

use reveille_core::UnixTime;
use reveille_digest::quiet::{QuietHours, Span, Zone};

fn berlin() -> Result<Zone, Box<dyn Error>> {
    // begin
    let tz = jiff::tz::TimeZone::get("Europe/Berlin")?;
    let now = jiff::Timestamp::from_second(1_710_000_000)?;
    let next = tz.following(now).take(20).map(|t| (t.timestamp().as_second(), t.offset().seconds()));
    let zone = Zone::from_transitions(tz.to_offset(now).seconds(), next)?;
    // end
    Ok(zone)
}

#[test]
fn the_documentation_has_these_lines() {
    let source = include_str!("zones.rs");
    let (_, rest) = source.split_once("    // begin\n").unwrap();
    let (recipe, _) = rest.split_once("    // end\n").unwrap();
    let documented: String = recipe.lines().map(|line| line.replacen("    ", "    /// ", 1) + "\n").collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/digest/src/quiet.rs");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(
        text.contains(&format!("    /// ```text\n{documented}    /// ```\n")),
        "it has other lines than\n{documented}"
    );
}

fn at(time: &str) -> UnixTime {
    let time: jiff::Timestamp = time.parse().unwrap();
    UnixTime::from_millis(u64::try_from(time.as_millisecond()).unwrap())
}

/// For ten years from the recipe's time on, the night ends at seven by the clock on the wall.
#[test]
fn the_recipe_knows_ten_years_of_summer_times() {
    let nights = Span { days: 0x7F, from: 22 * 60, to: 7 * 60 };
    let hours = QuietHours::new(berlin().unwrap(), vec![nights]).unwrap();
    for year in 2024..2034 {
        for (month, summer) in [("03-15", false), ("07-15", true), ("11-15", false)] {
            let end = if summer { "05:00:00Z" } else { "06:00:00Z" };
            let night = at(&format!("{year}-{month}T02:00:00Z"));
            assert_eq!(hours.until(night), Some(at(&format!("{year}-{month}T{end}"))), "{year}-{month}");
            assert_eq!(hours.until(at(&format!("{year}-{month}T12:00:00Z"))), None);
        }
    }
    // The night in which it changes is an hour shorter.
    assert_eq!(hours.until(at("2024-03-30T22:00:00Z")), Some(at("2024-03-31T05:00:00Z")));
}
