//! Counters as Prometheus reads them: the text form, version 0.0.4.

use std::fmt::Write as _;

use reveille_core::metrics::Counters;

/// Appends what a part has counted. `part` becomes the middle of each name: `reveille_PART_NAME`. What stands behind a `:` in a
/// name becomes the value of the label `kind`.
pub fn write(part: &str, counters: &Counters, out: &mut String) {
    let mut shown = String::new();
    for (name, number) in &counters.totals {
        let (name, labels) = named(part, name, "_total");
        head(&name, "counter", &mut shown, out);
        let _ = writeln!(out, "{name}{} {number}", braced(&labels, None));
    }
    for (name, number) in &counters.sizes {
        let (name, labels) = named(part, name, "");
        head(&name, "gauge", &mut shown, out);
        let _ = writeln!(out, "{name}{} {number}", braced(&labels, None));
    }
    for (name, histogram) in &counters.histograms {
        let (name, labels) = named(part, name, "");
        head(&name, "histogram", &mut shown, out);
        let mut below = 0_u64;
        for (bound, count) in histogram.buckets() {
            below = below.saturating_add(count);
            if bound < u64::MAX {
                let _ = writeln!(out, "{name}_bucket{} {below}", braced(&labels, Some(&bound.to_string())));
            }
        }
        let _ = writeln!(out, "{name}_bucket{} {}", braced(&labels, Some("+Inf")), histogram.count());
        let _ = writeln!(out, "{name}_sum{} {}", braced(&labels, None), histogram.sum());
        let _ = writeln!(out, "{name}_count{} {}", braced(&labels, None), histogram.count());
    }
}

/// The name, and the label's value.
fn named(part: &str, name: &str, suffix: &str) -> (String, String) {
    let (name, label) = name.split_once(':').unwrap_or((name, ""));
    (format!("reveille_{part}_{name}{suffix}"), label.replace(['\\', '"', '\n'], "_"))
}

fn braced(label: &str, le: Option<&str>) -> String {
    let kind = (!label.is_empty()).then(|| format!("kind=\"{label}\""));
    let le = le.map(|le| format!("le=\"{le}\""));
    let all: Vec<_> = kind.into_iter().chain(le).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

/// The type, once for each name.
fn head(name: &str, kind: &str, shown: &mut String, out: &mut String) {
    if shown != name {
        let _ = writeln!(out, "# TYPE {name} {kind}");
        name.clone_into(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_core::metrics::Histogram;

    #[test]
    fn every_kind_of_number() {
        let mut spans = Histogram::default();
        [2, 3, 3, 100, 1 << 50].into_iter().for_each(|ms| spans.record(ms));
        let mut counters = Counters::default();
        counters.totals =
            vec![("jobs".into(), 7), ("suppressed:late".into(), 1), ("suppressed:viewing".into(), 2)];
        counters.sizes = vec![("jobs_open".into(), 3)];
        counters.histograms = vec![("waited_ms:2".into(), spans)];
        let mut text = String::new();
        write("gateway", &counters, &mut text);
        assert_eq!(
            text,
            "\
# TYPE reveille_gateway_jobs_total counter
reveille_gateway_jobs_total 7
# TYPE reveille_gateway_suppressed_total counter
reveille_gateway_suppressed_total{kind=\"late\"} 1
reveille_gateway_suppressed_total{kind=\"viewing\"} 2
# TYPE reveille_gateway_jobs_open gauge
reveille_gateway_jobs_open 3
# TYPE reveille_gateway_waited_ms histogram
reveille_gateway_waited_ms_bucket{kind=\"2\",le=\"2\"} 1
reveille_gateway_waited_ms_bucket{kind=\"2\",le=\"3\"} 3
reveille_gateway_waited_ms_bucket{kind=\"2\",le=\"111\"} 4
reveille_gateway_waited_ms_bucket{kind=\"2\",le=\"+Inf\"} 5
reveille_gateway_waited_ms_sum{kind=\"2\"} 1125899906842732
reveille_gateway_waited_ms_count{kind=\"2\"} 5
"
        );
    }
}
