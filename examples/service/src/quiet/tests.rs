use super::*;

fn at(text: &str) -> UnixTime {
    let at: Timestamp = text.parse().unwrap();
    UnixTime::from_millis(u64::try_from(at.as_millisecond()).unwrap())
}

fn until(zone: &str, span: (u8, u16, u16), now: &str) -> Option<String> {
    let wish = QuietWish::new(zone, false).with_span(span.0, span.1, span.2);
    let now = at(now);
    let end = Zones::default().quiet(&wish, now).unwrap().hours.until(now)?;
    Some(Timestamp::from_millisecond(i64::try_from(end.as_millis()).unwrap()).unwrap().to_string())
}

const ALL: u8 = 0x7F;
const NIGHT: (u8, u16, u16) = (ALL, 22 * 60, 7 * 60);

#[test]
fn nights_end_at_seven_by_the_wall_clock_whatever_it_did_meanwhile() {
    for (zone, now, end) in [
        // Berlin, winter and summer.
        ("Europe/Berlin", "2027-01-10T22:30:00Z", "2027-01-11T06:00:00Z"),
        ("Europe/Berlin", "2027-07-10T22:30:00Z", "2027-07-11T05:00:00Z"),
        // The night of the gap is an hour shorter, the night of the fold an hour longer.
        ("Europe/Berlin", "2027-03-27T21:00:00Z", "2027-03-28T05:00:00Z"),
        ("Europe/Berlin", "2027-10-30T20:00:00Z", "2027-10-31T06:00:00Z"),
        // South of the equator it is the other way round; and half an hour is a step, too.
        ("Australia/Lord_Howe", "2027-04-03T12:00:00Z", "2027-04-03T20:30:00Z"),
        ("Australia/Sydney", "2027-10-02T13:00:00Z", "2027-10-02T20:00:00Z"),
        // No summer time, and not a whole hour.
        ("Asia/Kathmandu", "2027-01-10T17:00:00Z", "2027-01-11T01:15:00Z"),
        ("America/New_York", "2027-03-14T04:00:00Z", "2027-03-14T11:00:00Z"),
    ] {
        assert_eq!(until(zone, NIGHT, now).as_deref(), Some(end), "{zone} {now}");
    }
    assert_eq!(until("Europe/Berlin", NIGHT, "2027-01-10T12:00:00Z"), None, "noon is not quiet");
}

#[test]
fn the_hour_that_is_left_out_and_the_one_that_comes_twice() {
    let sunday = |from, to| (1 << 6, from, to);
    // 02:10 to 02:50 on 28 March does not exist.
    for minute in (0..180).step_by(5) {
        let now = at("2027-03-28T00:00:00Z") + Duration::from_secs(minute * 60);
        let now = Timestamp::from_millisecond(i64::try_from(now.as_millis()).unwrap()).unwrap().to_string();
        assert_eq!(until("Europe/Berlin", sunday(130, 170), &now), None, "{now}");
    }
    // On 31 October it is there twice.
    for (now, end) in [
        ("2027-10-31T00:20:00Z", Some("2027-10-31T00:50:00Z")),
        ("2027-10-31T00:55:00Z", None),
        ("2027-10-31T01:20:00Z", Some("2027-10-31T01:50:00Z")),
    ] {
        assert_eq!(until("Europe/Berlin", sunday(130, 170), now).as_deref(), end, "{now}");
    }
    // A span that begins inside the gap begins when the clock has passed it: 02:30 is 03:00 summer time.
    assert_eq!(until("Europe/Berlin", sunday(150, 240), "2027-03-28T00:59:00Z"), None);
    let end = until("Europe/Berlin", sunday(150, 240), "2027-03-28T01:00:00Z");
    assert_eq!(end.as_deref(), Some("2027-03-28T02:00:00Z"));
}

#[test]
fn every_zone_of_the_table_can_be_read_at_any_time() {
    let zones = Zones::default();
    let names: Vec<String> = zones.table.available().map(|name| name.to_string()).collect();
    assert!(names.len() > 400, "{}", names.len());
    for name in names {
        for now in [0, 1_800_000_000_000, 253_402_300_799_999, u64::MAX / 2] {
            let wish = QuietWish::new(name.clone(), false).with_span(ALL, 22 * 60, 7 * 60);
            let now = UnixTime::from_millis(now);
            assert!(zones.quiet(&wish, now).is_some(), "{name} {now:?}");
        }
    }
}

#[test]
fn what_cannot_be_kept_is_named() {
    let zones = Zones::default();
    let now = at("2027-01-10T12:00:00Z");
    let check = |wish: QuietWish| zones.check(&wish, now).unwrap_err().to_string();
    let berlin = || QuietWish::new("Europe/Berlin", true);
    assert_eq!(zones.check(&berlin().with_span(ALL, 0, 60), now), Ok(()));
    let wrong = [
        check(QuietWish::new("Europe/Atlantis", true).with_span(ALL, 0, 60)),
        check(berlin()),
        check(berlin().with_span(0, 0, 60)),
        check(berlin().with_span(0x80, 0, 60)),
        check(berlin().with_span(ALL, 1440, 60)),
    ];
    let texts = [
        "time_zone: expected a name of the IANA time zone database, like Europe/Berlin",
        "spans: expected 1 to 28",
        "spans: one has no days",
        "spans: one has no days",
        "spans: a span goes from minute 1440 to minute 60: a day has 1440",
    ];
    assert_eq!(wrong, texts);
}
