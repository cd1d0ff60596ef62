//! The table and the JSON line.

use serde_json::{Map, Value, json};

use crate::measure::{Contestant, Measured, race};

/// Collects rows and prints them.
pub struct Report {
    area: &'static str,
    rows: Vec<Value>,
}

impl Report {
    pub fn new(area: &'static str) -> Self {
        println!("compare {area}: medians per operation, all contestants of a row in interleaved rounds\n");
        Self { area, rows: Vec::new() }
    }

    /// Races ours against peers and, where there is one, the floor: the least that any implementation must do.
    pub fn row<'a>(
        &mut self,
        name: &str,
        ours: Contestant<'a>,
        peers: Vec<Contestant<'a>>,
        floor: Option<Contestant<'a>>,
    ) {
        let has_floor = floor.is_some();
        let mut contestants = vec![ours];
        contestants.extend(peers);
        contestants.extend(floor);
        let measured = race(&mut contestants);
        let named: Vec<_> = contestants.iter().map(|contestant| contestant.name).zip(measured).collect();
        self.add(name, &named, has_floor);
    }

    /// A row measured elsewhere (memory, other processes): ours first, the floor last if there is one.
    pub fn add(&mut self, name: &str, measured: &[(&str, Measured)], has_floor: bool) {
        let (peers, floor) = match measured.split_last() {
            Some((floor, rest)) if has_floor => (&rest[1..], Some(floor.1)),
            _ => (&measured[1..], None),
        };
        let ours = measured[0].1;
        println!("{name}");
        println!("  {:<42} {:>12.1} ns  {}", "ours", ours.nanoseconds, allocations(&ours));
        let mut peer_ns = Map::new();
        for (peer, measured) in peers {
            let ratio = measured.nanoseconds / ours.nanoseconds;
            println!(
                "  {peer:<42} {:>12.1} ns  {}   ours is {ratio:.2} times as fast",
                measured.nanoseconds,
                allocations(measured)
            );
            peer_ns.insert((*peer).to_owned(), rounded(measured.nanoseconds));
        }
        if let Some(floor) = floor {
            let ratio = ours.nanoseconds / floor.nanoseconds;
            println!("  {:<42} {:>12.1} ns  ours is {ratio:.3} times the floor", "floor", floor.nanoseconds);
        }
        println!();
        let floor_ns = floor.map_or(Value::Null, |floor| rounded(floor.nanoseconds));
        self.rows.push(
            json!({"name": name, "ours_ns": rounded(ours.nanoseconds), "peer_ns": peer_ns, "floor_ns": floor_ns}),
        );
    }

    /// A line that is not a time.
    pub fn note(&self, text: &str) {
        println!("{text}\n");
    }

    /// The last line.
    pub fn print(self) {
        println!("{}", json!({"area": self.area, "rows": self.rows}));
    }
}

fn allocations(measured: &Measured) -> String {
    if measured.allocations.is_nan() {
        " ".repeat(18)
    } else {
        format!("{:>6.2} allocations", measured.allocations)
    }
}

fn rounded(nanoseconds: f64) -> Value {
    json!((nanoseconds * 10.0).round() / 10.0)
}
